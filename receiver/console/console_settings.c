/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/console/console_settings.h"

#include "libcommon/base/cleanup.h"
#include "libcommon/config/settings_made_on_hub.h"
#include "libcommon/json/json_write.h"
#include "libcommon/runtime/log.h"
#include "receiver/console/console_body.h"
#include "receiver/console/console_reply.h"
#include "receiver/operate/setting_change.h"
#include "receiver/operate/setting_list.h"

/* --- Reading --------------------------------------------------------------------------------- */

static sh_err read_list(const console_request *request, setting_list *ret, sh_error *error)
{
    hub_connections hub = {.store = NULL};
    sh_error reason = {.code = SH_OK};
    sh_err err = hub_connections_open_to_read(request->console->settings, &hub, &reason);
    if (err == SH_OK)
        err = setting_list_read(request->console->settings, &hub, ret, &reason);
    hub_connections_close(&hub);
    if (err == SH_E_NOT_FOUND)
        return sh_fail(error, SH_E_BUSY,
                       "the database does not exist yet: a receiver that merges creates it");
    return err == SH_OK ? SH_OK : sh_fail(error, err, "%s", reason.message);
}

void console_list_settings(console_request *request)
{
    SH_CLEANUP(setting_list_reset) setting_list list = {.programs_count = 0};
    SH_CLEANUP(sh_buf_reset) sh_buf json = SH_BUF_INIT(SETTING_JSON_MAX);
    const sh_setting *rows[SETTING_ROWS_MAX];
    sh_error error = {.code = SH_OK};
    sh_err err = read_list(request, &list, &error);
    if (err == SH_OK)
        err = sh_buf_append_text(&json, "{\"items\":[");
    size_t count = setting_rows(rows);
    for (size_t i = 0; i < count && err == SH_OK; i++) {
        err = i == 0 ? SH_OK : sh_buf_append_text(&json, ",\n");
        if (err == SH_OK)
            err = setting_json_append(&json, &list, rows[i]);
    }
    if (err == SH_OK)
        err = sh_buf_append_text(&json, "],\"next\":null}\n");
    console_reply_json(request->exchange, err, &json, &error);
}

static void reply_setting(console_request *request, const sh_setting *row)
{
    SH_CLEANUP(setting_list_reset) setting_list list = {.programs_count = 0};
    SH_CLEANUP(sh_buf_reset) sh_buf json = SH_BUF_INIT(SETTING_JSON_MAX);
    sh_error error = {.code = SH_OK};
    sh_err err = read_list(request, &list, &error);
    if (err == SH_OK)
        err = setting_json_append(&json, &list, row);
    console_reply_json(request->exchange, err, &json, &error);
}

void console_show_setting(console_request *request)
{
    const sh_setting *row = NULL;
    sh_error error = {.code = SH_OK};
    if (setting_find(request->parts[1], &row, &error) == SH_OK)
        reply_setting(request, row);
    else
        console_reply_failure(request->exchange, &error);
}

/* --- Changes --------------------------------------------------------------------------------- */

static void change(console_request *request, const sh_setting *row, const char *text)
{
    hub_connections hub = {.store = NULL};
    sh_error error = {.code = SH_OK};
    sh_err err = hub_connections_open(request->console->settings, &hub, &error);
    if (err == SH_OK)
        err = setting_change(request->console->settings, &hub, row, text, &error);
    hub_connections_close(&hub);
    if (err != SH_OK) {
        console_reply_failure(request->exchange, &error);
        return;
    }
    sh_log_info("console: %s %s %s on the hub", request->user, text == NULL ? "unset" : "set",
                row->name);
    reply_setting(request, row);
}

static sh_err read_value(const console_request *request, const char **ret, sh_error *error)
{
    const console_body_field fields[] = {{"value", CONSOLE_BODY_TEXT, ret, .required = true}};
    return console_body_read(request->body, fields, 1, error);
}

void console_set_setting(console_request *request)
{
    const sh_setting *row = NULL;
    const char *value = NULL;
    sh_error error = {.code = SH_OK};
    sh_err err = setting_find(request->parts[1], &row, &error);
    if (err == SH_OK)
        err = read_value(request, &value, &error);
    if (err == SH_OK)
        change(request, row, value);
    else
        console_reply_failure(request->exchange, &error);
}

void console_unset_setting(console_request *request)
{
    const sh_setting *row = NULL;
    sh_error error = {.code = SH_OK};
    if (setting_find(request->parts[1], &row, &error) == SH_OK)
        change(request, row, NULL);
    else
        console_reply_failure(request->exchange, &error);
}

/* The checks of a change; `value` in its normal form, or `message`. */
static sh_err write_check(const sh_setting *row, const char *text, sh_buf *json)
{
    SH_CLEANUP(sh_buf_reset) sh_buf value = SH_BUF_INIT(SH_SETTING_LIST_MAX);
    sh_error why = {.code = SH_OK};
    sh_err valid = sh_setting_normalize(row, text, &value, &why);
    if (valid == SH_E_MEMORY)
        return valid;
    sh_err err = sh_buf_append_text(json, valid == SH_OK ? "{\"valid\":true" : "{\"valid\":false");
    if (err == SH_OK && valid == SH_OK)
        err = sh_json_write_member_text(json, "value", value.data == NULL ? "" : value.data);
    else if (err == SH_OK)
        err = sh_buf_append_text(json, ",\"value\":null");
    if (err == SH_OK && valid != SH_OK)
        err = sh_json_write_member_text(json, "message", why.message);
    else if (err == SH_OK)
        err = sh_buf_append_text(json, ",\"message\":null");
    return err == SH_OK ? sh_buf_append_text(json, "}") : err;
}

void console_check_setting(console_request *request)
{
    SH_CLEANUP(sh_buf_reset) sh_buf json = SH_BUF_INIT(2 * SH_SETTING_LIST_MAX);
    const sh_setting *row = NULL;
    const char *value = NULL;
    sh_error error = {.code = SH_OK};
    sh_err err = setting_find(request->parts[1], &row, &error);
    if (err == SH_OK && row->hub == 0)
        err = sh_fail(&error, SH_E_REFUSED, "%s cannot be changed on the hub", row->name);
    if (err == SH_OK)
        err = read_value(request, &value, &error);
    if (err == SH_OK)
        err = write_check(row, value, &json);
    console_reply_json(request->exchange, err, &json, &error);
}
