/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_HTTP_SERVER_EXCHANGE_H
#define SH_HTTP_SERVER_EXCHANGE_H

#include "libcommon/http/http_server_state.h"

/* Part of the module http_server: what callbacks ask of an exchange, and the answers to it. */

/* Answers what no worker takes. */
void sh_http_reply_stopping(sh_http_exchange *exchange);
/* Answers a body that is larger than what was admitted. */
void sh_http_reply_too_large(sh_http_exchange *exchange);
/* Hands the answer to the library. Where none could be made the connection is closed. */
enum MHD_Result sh_http_send_reply(sh_http_exchange *exchange);

#endif
