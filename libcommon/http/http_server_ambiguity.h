/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_HTTP_SERVER_AMBIGUITY_H
#define SH_HTTP_SERVER_AMBIGUITY_H

#include <microhttpd.h>
#include <stdbool.h>

/* Part of the module http_server: requests that other HTTP parsers could read differently. */

typedef struct {
    const char *method, *path, *version; /* from the library */
} sh_http_request_line;

/* Whether the request's head is one of these. *why is a sentence for the peer. */
bool sh_http_is_ambiguous(struct MHD_Connection *connection, const sh_http_request_line *line,
                          const char **why);

#endif
