/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/operate/device_csv.h"

#include "libcommon/base/cleanup.h"
#include "libcommon/base/clock.h"
#include "libcommon/base/text_print.h"
#include "receiver/operate/device_json.h"

#include <inttypes.h>
#include <string.h>

#define CELL_MAX (2 * SH_ROW_MAX)
#define LINE_END "\r\n"

sh_err device_csv_titles(sh_buf *csv, const sh_column *columns, size_t count)
{
    sh_err err = SH_OK;
    for (size_t i = 0; i < count && err == SH_OK; i++)
        err = sh_buf_append_format(csv, "%s,", columns[i].name);
    return err == SH_OK ? sh_buf_append_text(csv, "present,since,first_seen,nodes" LINE_END) : err;
}

static bool is_formula(sh_slice text)
{
    return text.len > 0 && strchr("=+-@\t\r", text.data[0]) != NULL;
}

static sh_err append_text(sh_buf *csv, sh_slice text)
{
    SH_CLEANUP(sh_buf_reset) sh_buf cell = SH_BUF_INIT(CELL_MAX);
    sh_err err = sh_buf_append_text(&cell, is_formula(text) ? "\"'" : "\"");
    while (err == SH_OK && text.len > 0) {
        const char *quote = memchr(text.data, '"', text.len);
        size_t len = quote == NULL ? text.len : (size_t)(quote - text.data) + 1;
        err = sh_buf_append(&cell, text.data, len);
        if (err == SH_OK && quote != NULL)
            err = sh_buf_append(&cell, "\"", 1);
        text.data += len;
        text.len -= len;
    }
    if (err == SH_OK)
        err = sh_text_append_printable(csv, (sh_slice){cell.data, cell.len});
    return err == SH_OK ? sh_buf_append_text(csv, "\"") : err;
}

static sh_err append_value(sh_buf *csv, const sh_value *value)
{
    switch (value->kind) {
    case SH_VALUE_INTEGER:
        return sh_buf_append_format(csv, "%" PRId64, value->integer);
    case SH_VALUE_TEXT:
        return append_text(csv, value->text);
    case SH_VALUE_NULL:
        break;
    }
    return SH_OK;
}

static sh_err append_time(sh_buf *csv, int64_t ms)
{
    char text[SH_RFC3339_BYTES] = "";
    if (ms > 0)
        sh_clock_rfc3339(ms, text);
    return sh_buf_append_format(csv, ",%s", text);
}

static sh_err append_nodes(sh_buf *csv, sh_slice nodes)
{
    SH_CLEANUP(sh_buf_reset) sh_buf names = SH_BUF_INIT(CELL_MAX);
    store_node_view view;
    sh_err err = SH_OK;
    while (err == SH_OK && store_node_view_next(&nodes, &view)) {
        err = sh_buf_append_text(&names, names.len == 0 ? "" : ";");
        if (err == SH_OK)
            err = sh_buf_append(&names, view.node.data, view.node.len);
    }
    return err == SH_OK ? append_text(csv, (sh_slice){names.data, names.len}) : err;
}

sh_err device_csv_write(sh_buf *csv, const store_device *device, bool has_presence)
{
    sh_err err = SH_OK;
    for (size_t i = 0; i < device->count && err == SH_OK; i++) {
        char room[24];
        sh_value value = device->values[i];
        if (has_presence)
            (void)device_value_now(device, device->columns[i].name, room, &value);
        err = append_value(csv, &value);
        if (err == SH_OK)
            err = sh_buf_append_text(csv, ",");
    }
    if (err == SH_OK)
        err = sh_buf_append(csv, device->present.data, device->present.len);
    if (err == SH_OK)
        err = append_time(csv, device->since_ms);
    if (err == SH_OK)
        err = append_time(csv, device->first_seen_ms);
    if (err == SH_OK)
        err = sh_buf_append_text(csv, ",");
    if (err == SH_OK)
        err = append_nodes(csv, device->nodes);
    return err == SH_OK ? sh_buf_append_text(csv, LINE_END) : err;
}
