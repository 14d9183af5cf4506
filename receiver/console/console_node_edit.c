/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/console/console_node_edit.h"

#include "receiver/console/console_body.h"
#include "receiver/console/console_node_body.h"
#include "receiver/console/console_nodes.h"
#include "receiver/console/console_reply.h"
#include "receiver/operate/node_edit.h"

static void change(console_request *request, const char *node, const node_edit *edit,
                   unsigned status)
{
    sh_error error = {.code = SH_OK};
    if (node_edit_apply(request->console->settings, node, edit, &error) != SH_OK)
        console_reply_failure(request->exchange, &error);
    else
        console_reply_node(request, node, status);
}

void console_expect_node(console_request *request)
{
    const node_edit edit = {.expects = true};
    const char *name = NULL;
    const console_body_field fields[] = {{"name", CONSOLE_BODY_TEXT, &name, .required = true}};
    sh_error error = {.code = SH_OK};
    if (console_body_read(request->body, fields, 1, &error) != SH_OK)
        console_reply_failure(request->exchange, &error);
    else
        change(request, name, &edit, 201);
}

void console_change_node(console_request *request)
{
    console_node_body body;
    sh_error error = {.code = SH_OK};
    if (console_node_body_read(request->body, &body, &error) != SH_OK)
        console_reply_failure(request->exchange, &error);
    else
        change(request, request->parts[1], &body.edit, 200);
    console_node_body_reset(&body);
}

void console_forget_node(console_request *request)
{
    sh_error error = {.code = SH_OK};
    if (node_edit_forget(request->console->settings, request->parts[1], &error) != SH_OK)
        console_reply_failure(request->exchange, &error);
    else
        console_reply_empty(request->exchange, 204);
}
