/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_NODE_JSON_H
#define RECEIVER_NODE_JSON_H

#include "libcommon/base/buffer.h"
#include "receiver/cli/node_overview.h"

#define NODE_JSON_MAX (16 * SH_KIB)

/* Appends a node as a JSON object. The errors of json_write.h. */
sh_err node_json_append(sh_buf *json, const node_overview *o, const node_row *row);

/* Appends `,"key":"2026-11-28T17:00:00Z"`, or null if ms is 0. */
sh_err node_json_time(sh_buf *json, const char *key, int64_t ms);

#endif
