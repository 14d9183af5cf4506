/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/console/console_tokens.h"

#include "libcommon/base/cleanup.h"
#include "libcommon/base/clock.h"
#include "receiver/console/console_body.h"
#include "receiver/console/console_reply.h"
#include "receiver/console/console_token.h"

#include <stdio.h>
#include <string.h>

void console_list_tokens(console_request *request)
{
    SH_CLEANUP(sh_buf_reset) sh_buf json = SH_BUF_INIT(64 * SH_KIB);
    sh_error error = {.code = SH_OK};
    console_token_list list = {.count = 0};
    store *s = NULL;
    sh_err err = console_record_open(request->console->settings, &s, &error);
    if (err == SH_OK)
        err = console_token_list_read(s, &list, &error);
    store_close(s);
    if (err == SH_OK && (err = console_token_list_write(&list, &json)) != SH_OK)
        (void)sh_fail(&error, err, "out of memory");
    if (err != SH_OK)
        console_reply_failure(request->exchange, &error);
    else
        console_reply_body(request->exchange, 200, "application/json",
                           (sh_slice){json.data, json.len});
}

void console_add_token(console_request *request)
{
    SH_CLEANUP(sh_buf_wipe) sh_buf json = SH_BUF_INIT(SH_KIB);
    console_token token = {.created_ms = sh_clock_unix_ms()};
    char secret[SH_SECRET_TEXT_BYTES];
    const char *name = NULL;
    sh_error error = {.code = SH_OK};
    const console_body_field fields[] = {
        {"name", CONSOLE_BODY_TEXT, &name, .required = true},
        {"read_only", CONSOLE_BODY_FLAG, &token.read_only, .required = false},
    };
    sh_err err = console_body_read(request->body, fields, 2, &error);
    if (err == SH_OK && strlen(name) > SH_CONSOLE_TOKEN_NAME_MAX)
        err = sh_fail(&error, SH_E_FORMAT, "`name` is too long");
    if (err == SH_OK) {
        (void)snprintf(token.name, sizeof token.name, "%s", name);
        err = console_token_add(request->console->settings, &token, secret, &error);
    }
    if (err == SH_OK && (err = sh_buf_append_format(
                             &json, "{\"name\":\"%s\",\"read_only\":%s,\"token\":\"%s\"}",
                             token.name, token.read_only ? "true" : "false", secret)) != SH_OK)
        (void)sh_fail(&error, err, "out of memory");
    if (err != SH_OK)
        console_reply_failure(request->exchange, &error);
    else
        console_reply_secret(request->exchange, 201, (sh_slice){json.data, json.len});
}

void console_revoke_token(console_request *request)
{
    sh_error error = {.code = SH_OK};
    if (console_token_revoke(request->console->settings, request->parts[1], &error) != SH_OK)
        console_reply_failure(request->exchange, &error);
    else
        console_reply_empty(request->exchange, 204);
}
