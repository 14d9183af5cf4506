/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_CONSOLE_BLOCKLIST_H
#define RECEIVER_CONSOLE_BLOCKLIST_H

#include "receiver/console/console_request.h"

/* Handlers of /api/v1/blocklist. Each answers. */

void console_list_blocklist(console_request *request);
void console_block(console_request *request);
void console_unblock(console_request *request);

#endif
