/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_HTTP_SERVER_BODY_H
#define SH_HTTP_SERVER_BODY_H

#include "libcommon/http/http_server_state.h"

/*
 * Part of the module http_server: bodies of requests, in the memory that all together may hold, and
 * what is kept of those that were refused.
 */

/* Keeps a piece of the body, or only notes why it cannot: the answer is given at the body's end. */
void sh_http_body_take(sh_http_exchange *exchange, const char *data, size_t len);
/* Frees the body, and gives back all of the budget but `kept`, which an answer still holds. */
void sh_http_body_drop(sh_http_exchange *exchange, size_t kept);

/* What callbacks of the exchange's route are given. */
void *sh_http_context(const sh_http_exchange *exchange);

/* The exchange is answered: its body goes, and of the budget only a large answer stays. */
void sh_http_body_handled(sh_http_exchange *exchange);

/* A piece of a body that was refused: keeps what sh_http_when_refused() asked for. */
void sh_http_body_discard(sh_http_exchange *exchange, const char *data, size_t len);
/* Such a body is over: calls what sh_http_when_refused() was given, once. */
void sh_http_body_end_refused(sh_http_exchange *exchange);

#endif
