/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_SERVICE_HTTP_H
#define SH_SERVICE_HTTP_H

#include "libcommon/base/buffer.h"
#include "libcommon/http/http_server.h"

/* What the three programs share around their HTTP server. */

/* Logs what the server saw of a peer: for sh_listener_options. Thread-safe. */
void sh_service_on_http_event(const sh_http_event *event);

/* Logs that the certificate was read again, or why not: for sh_listener_options. */
void sh_service_on_certificate(sh_err err, const char *words);

/* Adds the metrics of HTTP server and log, which all programs have. SH_E_LIMIT, SH_E_MEMORY. */
sh_err sh_service_metrics(sh_buf *ret);

#endif
