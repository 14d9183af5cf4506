/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_CONSOLE_TOKENS_H
#define RECEIVER_CONSOLE_TOKENS_H

#include "receiver/console/console_request.h"

/* Handlers of /api/v1/tokens. Each answers. */

void console_list_tokens(console_request *request);
void console_add_token(console_request *request);
void console_revoke_token(console_request *request);

#endif
