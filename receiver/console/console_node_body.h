/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_CONSOLE_NODE_BODY_H
#define RECEIVER_CONSOLE_NODE_BODY_H

#include "libcommon/base/buffer.h"
#include "libcommon/json/json_read.h"
#include "receiver/operate/node_edit.h"

/* The body of PATCH /nodes/{name}. Pure. */
typedef struct {
    node_edit edit; /* borrows from the body and from the members below */
    sh_buf assignments;
    const char **labels;
} console_node_body;

/*
 * Reads an object with `labels`, `note`, `silent_after_s` and `ephemeral`, all of which may be
 * absent. SH_E_FORMAT, SH_E_MEMORY. Release it with console_node_body_reset() in every case; the
 * body must outlive it.
 */
sh_err console_node_body_read(const sh_json *body, console_node_body *ret, sh_error *error);
void console_node_body_reset(console_node_body *body);

#endif
