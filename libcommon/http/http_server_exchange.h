/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_HTTP_SERVER_EXCHANGE_H
#define SH_HTTP_SERVER_EXCHANGE_H

#include "libcommon/http/http_server_state.h"

/* Part of the module http_server: what callbacks ask of an exchange, and the answers to it. */

/*
 * As sh_http_reply_error(), for refusals that every server makes alike. To a request whose body is
 * JSON, "error" is the message, not the title: a NetAlertX node shows its user that member alone.
 */
void sh_http_reply_failure(sh_http_exchange *exchange, unsigned status, const char *code,
                           const char *title, const char *message);
/* Answers what no worker takes. */
void sh_http_reply_stopping(sh_http_exchange *exchange);
/* Answers a body that is larger than what was admitted. */
void sh_http_reply_too_large(sh_http_exchange *exchange);
/* Hands the answer to the library. Where none could be made the connection is closed. */
enum MHD_Result sh_http_send_reply(sh_http_exchange *exchange);

#endif
