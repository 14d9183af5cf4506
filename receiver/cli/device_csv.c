/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/cli/device_csv.h"

#include "libcommon/base/buffer.h"
#include "libcommon/base/cleanup.h"
#include "libcommon/base/clock.h"
#include "receiver/cli/show_output.h"
#include "receiver/operate/device_json.h"

#include <inttypes.h>
#include <string.h>

#define CELL_MAX (2 * SH_ROW_MAX)
#define LINE_END "\r\n"

void device_csv_titles(FILE *out, const sh_column *columns, size_t count)
{
    for (size_t i = 0; i < count; i++)
        (void)fprintf(out, "%s,", columns[i].name);
    (void)fputs("present,since,first_seen,nodes" LINE_END, out);
}

static bool is_formula(sh_slice text)
{
    return text.len > 0 && strchr("=+-@\t\r", text.data[0]) != NULL;
}

static sh_err write_text(FILE *out, sh_slice text)
{
    SH_CLEANUP(sh_buf_reset) sh_buf cell = SH_BUF_INIT(CELL_MAX);
    sh_err err = sh_buf_append_text(&cell, is_formula(text) ? "'" : "");
    while (err == SH_OK && text.len > 0) {
        const char *quote = memchr(text.data, '"', text.len);
        size_t len = quote == NULL ? text.len : (size_t)(quote - text.data) + 1;
        err = sh_buf_append(&cell, text.data, len);
        if (err == SH_OK && quote != NULL)
            err = sh_buf_append(&cell, "\"", 1);
        text.data += len;
        text.len -= len;
    }
    (void)fputc('"', out);
    show_cell(out, (sh_slice){cell.data, cell.len}, 0, false);
    (void)fputc('"', out);
    return err;
}

static sh_err write_value(FILE *out, const sh_value *value)
{
    switch (value->kind) {
    case SH_VALUE_INTEGER:
        (void)fprintf(out, "%" PRId64, value->integer);
        return SH_OK;
    case SH_VALUE_TEXT:
        return write_text(out, value->text);
    case SH_VALUE_NULL:
        break;
    }
    return SH_OK;
}

static void write_time(FILE *out, int64_t ms)
{
    char text[SH_RFC3339_BYTES] = "";
    if (ms > 0)
        sh_clock_rfc3339(ms, text);
    (void)fprintf(out, ",%s", text);
}

static sh_err write_nodes(FILE *out, sh_slice nodes)
{
    SH_CLEANUP(sh_buf_reset) sh_buf names = SH_BUF_INIT(CELL_MAX);
    store_node_view view;
    sh_err err = SH_OK;
    while (err == SH_OK && store_node_view_next(&nodes, &view)) {
        err = sh_buf_append_text(&names, names.len == 0 ? "" : ";");
        if (err == SH_OK)
            err = sh_buf_append(&names, view.node.data, view.node.len);
    }
    return err == SH_OK ? write_text(out, (sh_slice){names.data, names.len}) : err;
}

sh_err device_csv_write(FILE *out, const store_device *device, bool has_presence, sh_error *error)
{
    sh_err err = SH_OK;
    for (size_t i = 0; i < device->count && err == SH_OK; i++) {
        char room[24];
        sh_value value = device->values[i];
        if (has_presence)
            (void)device_value_now(device, device->columns[i].name, room, &value);
        err = write_value(out, &value);
        (void)fputc(',', out);
    }
    (void)fprintf(out, "%.*s", (int)device->present.len, device->present.data);
    write_time(out, device->since_ms);
    write_time(out, device->first_seen_ms);
    (void)fputc(',', out);
    if (err == SH_OK)
        err = write_nodes(out, device->nodes);
    (void)fputs(LINE_END, out);
    return err == SH_OK ? SH_OK : sh_fail(error, err, "no memory to write a device");
}
