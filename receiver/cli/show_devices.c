/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/cli/show_devices.h"

#include "libcommon/json/json_write.h"
#include "libcommon/runtime/service.h"
#include "receiver/cli/show_output.h"
#include "receiver/store/store.h"
#include "receiver/store/store_rules.h"

#include <string.h>

static const show_command command = {
    .name = "devices", .usage = "devices [--node N] [--json]", .takes_node = true};

/* A byte becomes at most six bytes of JSON: \u00e4 for a byte that is not UTF-8. */
#define JSON_ROW_MAX (8 * SH_ROW_MAX)

typedef struct {
    FILE *out;
    const char *node;
    int64_t rows;
    bool node_known;
    sh_buf json;
} listing;

/* The columns of the text output. */
static const struct {
    const char *title, *column;
    size_t width;
} shown[] = {
    {"MAC", "devMac", 17},          {"NAME", "devName", 28},
    {"IP", "devLastIP", 15},        {"VENDOR", "devVendor", 24},
    {"NODE", "devSyncHubNode", 16}, {"FIRST SEEN", "devFirstConnection", 0},
};
enum { SHOWN = sizeof shown / sizeof shown[0] };

static void write_line(FILE *out, const sh_slice cells[SHOWN])
{
    for (size_t i = 0; i < SHOWN; i++) {
        if (i > 0)
            (void)fputs("  ", out);
        show_cell(out, cells[i], shown[i].width, false);
    }
    (void)fputc('\n', out);
}

static void write_titles(FILE *out)
{
    sh_slice cells[SHOWN];
    for (size_t i = 0; i < SHOWN; i++)
        cells[i] = sh_slice_of(shown[i].title);
    write_line(out, cells);
}

static sh_err write_text_row(void *context, int64_t rowid, const sh_column *columns,
                             const sh_value values[], size_t count, sh_error *error)
{
    (void)rowid;
    listing *l = context;
    if (l->rows++ == 0)
        write_titles(l->out);
    sh_slice cells[SHOWN];
    for (size_t i = 0; i < SHOWN; i++) {
        size_t index = 0;
        cells[i] = SH_SLICE("");
        if (store_column_index(columns, count, shown[i].column, &index) &&
            values[index].kind != SH_VALUE_NULL)
            cells[i] = values[index].text;
    }
    write_line(l->out, cells);
    return show_written(l->out, false, error);
}

/* NULL becomes "", as in NetAlertX's tables. */
static sh_err append_value(sh_buf *json, const char *name, const sh_value *value)
{
    sh_err err = sh_buf_append_text(json, ", ");
    if (err == SH_OK)
        err = sh_json_write_string_ascii(json, sh_slice_of(name));
    if (err == SH_OK)
        err = sh_buf_append_text(json, ": ");
    if (err != SH_OK)
        return err;
    switch (value->kind) {
    case SH_VALUE_INTEGER:
        return sh_json_write_integer(json, value->integer);
    case SH_VALUE_TEXT:
        return sh_json_write_string_ascii(json, value->text);
    case SH_VALUE_NULL:
        break;
    }
    return sh_buf_append_text(json, "\"\"");
}

static sh_err write_json_row(void *context, int64_t rowid, const sh_column *columns,
                             const sh_value values[], size_t count, sh_error *error)
{
    listing *l = context;
    sh_buf_clear(&l->json);
    sh_err err = sh_buf_append_text(&l->json, l->rows++ == 0 ? "{\"data\": [" : ",\n");
    if (err == SH_OK)
        err = sh_buf_append_text(&l->json, "{\"rowid\": ");
    if (err == SH_OK)
        err = sh_json_write_integer(&l->json, rowid);
    for (size_t i = 0; i < count && err == SH_OK; i++)
        err = append_value(&l->json, columns[i].name, &values[i]);
    if (err == SH_OK)
        err = sh_buf_append_text(&l->json, "}");
    if (err != SH_OK)
        return sh_fail(error, err, "the device in row %lld is too large to be written",
                       (long long)rowid);
    (void)fwrite(l->json.data, 1, l->json.len, l->out);
    return show_written(l->out, false, error);
}

static sh_err compare_node(void *context, const store_node *node, sh_error *error)
{
    (void)error;
    listing *l = context;
    l->node_known = l->node_known || strcmp(node->node, l->node) == 0;
    return SH_OK;
}

/* Distinguishes a node without devices from a mistyped name. */
static sh_err check_node(store *s, listing *l, sh_error *error)
{
    if (l->node == NULL || l->rows > 0)
        return SH_OK;
    sh_err err = store_nodes(s, compare_node, l, error);
    if (err == SH_OK && !l->node_known)
        return sh_fail(error, SH_E_NOT_FOUND,
                       "nothing was ever merged from a node '%s': `synchub-receiver nodes` lists "
                       "the known ones",
                       l->node);
    return err;
}

static sh_err list(store *s, listing *l, bool json, sh_error *error)
{
    sh_err err = store_devices(s, l->node, json ? write_json_row : write_text_row, l, error);
    if (err == SH_OK)
        err = check_node(s, l, error);
    if (err != SH_OK)
        return err;
    if (json)
        (void)fputs(l->rows == 0 ? "{\"data\": []}\n" : "]}\n", l->out);
    else if (l->rows == 0)
        (void)fputs("No device has been merged yet.\n", l->out);
    return show_written(l->out, true, error);
}

int show_devices_to(const sh_settings *settings, int argc, char *const argv[], FILE *out, FILE *err)
{
    sh_error error = {.code = SH_OK};
    show_options options;
    store *s = NULL;
    sh_err code = show_options_read(&command, argc, argv, &options, &error);
    if (code == SH_OK)
        code = store_open(settings->db, STORE_READ_ONLY, &s, &error);
    if (code == SH_OK) {
        listing l = {.out = out, .node = options.node, .json = SH_BUF_INIT(JSON_ROW_MAX)};
        code = list(s, &l, options.json, &error);
        sh_buf_reset(&l.json);
    }
    store_close(s);
    return code == SH_OK ? SH_EXIT_DONE : show_failure(&command, &error, err);
}

int show_devices(const sh_settings *settings, int argc, char *const argv[])
{
    return show_devices_to(settings, argc, argv, stdout, stderr);
}
