/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/runtime/service_describe.h"

#include "libcommon/base/cleanup.h"
#include "libcommon/base/limits.h"
#include "libcommon/config/settings_table.h"
#include "libcommon/json/json_write.h"

#define DESCRIPTION_BYTES_MAX (256 * SH_KIB)

const sh_service_option sh_service_options[] = {
    {"--once", "do the work once and exit with 1 if anything failed"},
    {"--check-config", "print the effective settings and exit with 2 if one is invalid"},
    {"--describe", "print options, subcommands and settings as JSON"},
    {"--help", "print a summary of options, subcommands and settings"},
    {"--version", "print the version, its commit and the libraries"},
    {NULL, NULL},
};

/* Appends text unless there was an error. */
static void add(sh_err *err, sh_buf *out, const char *text)
{
    if (*err == SH_OK)
        *err = sh_buf_append_text(out, text);
}

static void add_member(sh_err *err, sh_buf *out, const char *key, const char *text)
{
    if (*err == SH_OK && text != NULL)
        *err = sh_json_write_member_text(out, key, text);
    else if (*err == SH_OK)
        *err = sh_buf_append_format(out, ",\"%s\":null", key);
}

static void add_options(sh_err *err, sh_buf *out)
{
    for (const sh_service_option *o = sh_service_options; o->name != NULL; o++) {
        add(err, out, o == sh_service_options ? "{" : ",{");
        add_member(err, out, "name", o->name);
        add_member(err, out, "help", o->help);
        add(err, out, "}");
    }
}

static void add_command(sh_err *err, sh_buf *out, const sh_subcommand *command)
{
    add(err, out, "{");
    add_member(err, out, "name", command->name);
    add_member(err, out, "usage", command->usage);
    add_member(err, out, "help", command->help);
    add(err, out, "}");
}

static void add_commands(sh_err *err, sh_buf *out, const sh_service *service,
                         const sh_subcommand *common)
{
    for (const sh_subcommand *s = service->subcommands; s != NULL && s->name != NULL; s++) {
        add_command(err, out, s);
        add(err, out, ",");
    }
    add_command(err, out, common);
}

static void add_values(sh_err *err, sh_buf *out, const sh_setting *row)
{
    add(err, out, ",\"values\":[");
    if (row->kind == SH_SETTING_BOOLEAN)
        add(err, out, "\"False\",\"True\"");
    for (const sh_setting_choice *c = row->choices; c != NULL && c->word != NULL; c++) {
        add(err, out, c == row->choices ? "" : ",");
        if (*err == SH_OK)
            *err = sh_json_write_string(out, sh_slice_of(c->word));
    }
    add(err, out, "]");
    if (*err == SH_OK && row->kind == SH_SETTING_NUMBER)
        *err = sh_json_write_member_integer(out, "min", row->min);
    if (*err == SH_OK && row->kind == SH_SETTING_NUMBER)
        *err = sh_json_write_member_integer(out, "max", row->max);
}

static void add_settings(sh_err *err, sh_buf *out, int who)
{
    bool first = true;
    for (size_t i = 0; i < sh_setting_count; i++) {
        const sh_setting *row = &sh_setting_table[i];
        if ((row->programs & who) == 0)
            continue;
        add(err, out, first ? "{" : ",{");
        first = false;
        add_member(err, out, "name", row->name);
        add_member(err, out, "alias", row->alias);
        add_member(err, out, "default", row->fallback);
        add_member(err, out, "help", row->help);
        add_member(err, out, "credential", row->credential);
        add(err, out, row->kind == SH_SETTING_SECRET ? ",\"secret\":true" : ",\"secret\":false");
        add(err, out, row->kind == SH_SETTING_LIST ? ",\"list\":true" : ",\"list\":false");
        add_values(err, out, row);
        add(err, out, "}");
    }
}

sh_err sh_service_describe(const sh_service *service, const sh_subcommand *common, FILE *out)
{
    SH_CLEANUP(sh_buf_reset) sh_buf text = SH_BUF_INIT(DESCRIPTION_BYTES_MAX);
    sh_err err = sh_buf_append_format(&text, "{\"name\":\"synchub-%s\"", service->name);
    add_member(&err, &text, "version", SYNCHUB_VERSION);
    add_member(&err, &text, "summary", service->summary);
    add_member(&err, &text, "folder", SYNCHUB_ETC);
    add(&err, &text, ",\"options\":[");
    add_options(&err, &text);
    add(&err, &text, "],\"commands\":[");
    add_commands(&err, &text, service, common);
    add(&err, &text, "],\"settings\":[");
    add_settings(&err, &text, service->program);
    add(&err, &text, "]}\n");
    if (err != SH_OK)
        return err;
    bool written = fwrite(text.data, 1, text.len, out) == text.len && fflush(out) == 0;
    return written ? SH_OK : SH_E_IO;
}
