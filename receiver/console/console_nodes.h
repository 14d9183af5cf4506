/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_CONSOLE_NODES_H
#define RECEIVER_CONSOLE_NODES_H

#include "libcommon/base/buffer.h"
#include "receiver/console/console_request.h"
#include "receiver/operate/node_overview.h"

/* Handlers of GET /api/v1/nodes. Each answers. */

void console_list_nodes(console_request *request);
void console_show_node(console_request *request);

/* Answers with this node, as it is now, or that there is none. */
void console_reply_node(const console_request *request, const char *name, unsigned status);

/* Appends `,"queue":…`, null without Redis. */
sh_err console_write_queue(sh_buf *json, const node_overview *o);

#endif
