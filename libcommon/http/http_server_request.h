/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_HTTP_SERVER_REQUEST_H
#define SH_HTTP_SERVER_REQUEST_H

#include "libcommon/http/http_server_state.h"

/*
 * Part of the module http_server: the library's callbacks for a request, from its headers to its
 * answer. cls is a sh_http_daemon.
 */
enum MHD_Result sh_http_on_request(void *cls, struct MHD_Connection *connection, const char *url,
                                   const char *method, const char *version, const char *upload,
                                   size_t *upload_len, void **state);
void sh_http_on_completed(void *cls, struct MHD_Connection *connection, void **state,
                          enum MHD_RequestTerminationCode code);

#endif
