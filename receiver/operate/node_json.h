/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_NODE_JSON_H
#define RECEIVER_NODE_JSON_H

#include "libcommon/base/buffer.h"
#include "receiver/operate/node_overview.h"

#define NODE_JSON_MAX (16 * SH_KIB)

/* Appends a node as a JSON object. The errors of json_write.h. */
sh_err node_json_append(sh_buf *json, const node_overview *o, const node_row *row);

#endif
