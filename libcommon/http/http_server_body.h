/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_HTTP_SERVER_BODY_H
#define SH_HTTP_SERVER_BODY_H

#include "libcommon/http/http_server_state.h"

/*
 * Part of the module http_server: bodies of requests within their common memory budget, and the
 * parts of refused bodies that are kept for the log.
 */

/* Appends a piece of the body. A failure is only recorded: the answer follows at the body's end. */
void sh_http_body_take(sh_http_exchange *exchange, const char *data, size_t len);
/* Frees the body and releases its budget except `kept` bytes, which an answer still uses. */
void sh_http_body_drop(sh_http_exchange *exchange, size_t kept);

/* The context for the callbacks of the exchange's route. */
void *sh_http_context(const sh_http_exchange *exchange);

/* After the answer: frees the body and releases its budget except the part of a large answer. */
void sh_http_body_handled(sh_http_exchange *exchange);

/* Discards a piece of a refused body, but keeps what sh_http_when_refused() needs. */
void sh_http_body_discard(sh_http_exchange *exchange, const char *data, size_t len);
/* At the end of a refused body: calls the callback of sh_http_when_refused(), once. */
void sh_http_body_end_refused(sh_http_exchange *exchange);

#endif
