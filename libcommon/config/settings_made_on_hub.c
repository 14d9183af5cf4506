/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/config/settings_made_on_hub.h"

#include "libcommon/base/cleanup.h"
#include "libcommon/base/limits.h"
#include "libcommon/base/utf8.h"
#include "libcommon/config/settings_load.h"
#include "libcommon/config/settings_value.h"
#include "libcommon/json/json_write.h"

#include <stdlib.h>
#include <string.h>

const sh_setting *sh_setting_find_hub(const char *name)
{
    for (size_t i = 0; i < sh_setting_count; i++) {
        const sh_setting *row = &sh_setting_table[i];
        if (row->hub != 0 && sh_text_equals_ignoring_case(row->name, name))
            return row;
    }
    return NULL;
}

const sh_setting *sh_setting_find_shown(const char *name)
{
    static const int programs[] = {SH_FOR_RECEIVER, SH_FOR_PULLER, SH_FOR_PUSHER};
    const sh_setting *row = sh_setting_find_hub(name);
    for (size_t i = 0; i < 3 && row == NULL; i++)
        row = sh_setting_find(name, programs[i]);
    return row;
}

static sh_err check_text(const sh_setting *row, const char *text, sh_error *error)
{
    size_t len = strlen(text);
    if (len == 0)
        return sh_fail(error, SH_E_CONFIG, "%s is empty: unset it to use its default%s", row->name,
                       row->kind == SH_SETTING_LIST ? "; an empty list is []" : "");
    if (len > sh_setting_max(row))
        return sh_fail(error, SH_E_CONFIG, "%s is longer than %zu bytes", row->name,
                       sh_setting_max(row));
    if (!sh_utf8_is_valid(text, len))
        return sh_fail(error, SH_E_CONFIG, "%s is not in UTF-8", row->name);
    return SH_OK;
}

sh_err sh_setting_normalize(const sh_setting *row, const char *text, sh_buf *ret, sh_error *error)
{
    SH_CLEANUP(sh_settings_reset) sh_settings scratch = {0};
    SH_CLEANUP(sh_source_value_reset) sh_source_value value = {0};
    sh_err err = check_text(row, text, error);
    if (err != SH_OK)
        return err;
    value.text = strdup(text);
    if (value.text == NULL)
        return sh_fail(error, SH_E_MEMORY, "out of memory");
    err = sh_setting_set(row, &scratch, &value, error);
    if (err != SH_OK)
        return err;
    err = sh_setting_print(row, &scratch, ret);
    return err == SH_OK ? SH_OK : sh_fail(error, err, "%s is too long", row->name);
}

static sh_err report_row(const sh_setting *row, const sh_settings *settings, sh_buf *ret)
{
    SH_CLEANUP(sh_buf_reset) sh_buf value = SH_BUF_INIT(SH_CONFIG_FILE_MAX);
    sh_err err = sh_setting_print(row, settings, &value);
    if (err == SH_OK)
        err = sh_buf_append_text(ret, "{");
    if (err == SH_OK)
        err = sh_json_write_member_text(ret, "name", row->name);
    if (err == SH_OK && value.len > SH_SETTING_REPORTED_MAX)
        err = sh_buf_append_text(ret, ",\"value\":null");
    else if (err == SH_OK)
        err = sh_json_write_member_text(ret, "value", value.data == NULL ? "" : value.data);
    if (err == SH_OK)
        err = sh_json_write_member_text(ret, "origin",
                                        sh_origin_names[settings->origins[row - sh_setting_table]]);
    return err == SH_OK ? sh_buf_append_text(ret, "}") : err;
}

bool sh_setting_is_open(const sh_setting *row, const sh_settings *settings, int program)
{
    int origin = settings->origins[row - sh_setting_table];
    return (row->hub & program) != 0 && (origin == SH_ORIGIN_DEFAULT || origin == SH_ORIGIN_HUB);
}

sh_err sh_settings_report(const sh_settings *settings, const sh_settings *live, int program,
                          sh_buf *ret)
{
    sh_err err = sh_buf_append_text(ret, "[");
    bool first = true;
    for (size_t i = 0; i < sh_setting_count && err == SH_OK; i++) {
        const sh_setting *row = &sh_setting_table[i];
        if ((row->programs & program) == 0)
            continue;
        err = first ? SH_OK : sh_buf_append_text(ret, ",");
        first = false;
        bool is_later = live != NULL && sh_setting_is_open(row, settings, program) &&
                        sh_setting_is_open(row, live, program);
        if (err == SH_OK)
            err = report_row(row, is_later ? live : settings, ret);
    }
    return err == SH_OK ? sh_buf_append_text(ret, "]") : err;
}
