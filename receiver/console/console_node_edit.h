/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_CONSOLE_NODE_EDIT_H
#define RECEIVER_CONSOLE_NODE_EDIT_H

#include "receiver/console/console_request.h"

/* Handlers of /api/v1/nodes that change a node. Each answers. */

void console_expect_node(console_request *request);
void console_change_node(console_request *request);
void console_forget_node(console_request *request);

#endif
