/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_HTTP_SERVER_EXCHANGE_H
#define SH_HTTP_SERVER_EXCHANGE_H

#include "libcommon/http/http_server_state.h"

/* Part of the module http_server: queries of callbacks on an exchange, and answers. */

/*
 * As sh_http_reply_error(), for refusals common to all servers. To a request with a JSON body,
 * "error" is the message rather than the title, as a NetAlertX node shows only that member to its
 * user.
 */
void sh_http_reply_failure(sh_http_exchange *exchange, unsigned status, const char *code,
                           const char *title, const char *message);
/* Answers 503 to an exchange that no worker will handle. */
void sh_http_reply_stopping(sh_http_exchange *exchange);
/* Answers 413 to a body that is larger than admitted. */
void sh_http_reply_too_large(sh_http_exchange *exchange);
/* Passes the answer to the library, or closes the connection if none could be made. */
enum MHD_Result sh_http_send_reply(sh_http_exchange *exchange);

#endif
