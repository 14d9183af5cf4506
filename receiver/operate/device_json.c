/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/operate/device_json.h"

#include "libcommon/base/clock.h"
#include "libcommon/json/json_write.h"

#include <string.h>

bool device_value_now(const store_device *device, const char *column, char room[static 24],
                      sh_value *ret)
{
    if (strcmp(column, "devPresentLastScan") == 0) {
        bool present = sh_slice_equals(device->present, SH_SLICE("yes"));
        *ret = (sh_value){.kind = SH_VALUE_INTEGER,
                          .integer = present,
                          .text = present ? SH_SLICE("1") : SH_SLICE("0")};
        return true;
    }
    if (strcmp(column, "devLastConnection") == 0 && device->connected_ms > 0) {
        sh_clock_datetime(device->connected_ms, room);
        *ret = (sh_value){.kind = SH_VALUE_TEXT, .text = sh_slice_of(room)};
        return true;
    }
    return false;
}

/* NetAlertX writes NULL as "". */
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

static sh_err append_text(sh_buf *json, const char *key, sh_slice text)
{
    sh_err err = sh_buf_append_format(json, "\"%s\": ", key);
    return err == SH_OK ? sh_json_write_string_ascii(json, text) : err;
}

/* A time in RFC 3339 format, or null if it is not known. */
static sh_err append_time(sh_buf *json, const char *key, int64_t ms)
{
    char text[SH_RFC3339_BYTES];
    if (ms <= 0)
        return sh_buf_append_format(json, ", \"%s\": null", key);
    sh_clock_rfc3339(ms, text);
    return sh_buf_append_format(json, ", \"%s\": \"%s\"", key, text);
}

static sh_err append_nodes(sh_buf *json, sh_slice nodes)
{
    store_node_view view;
    sh_err err = sh_buf_append_text(json, ", \"nodes\": [");
    const char *joint = "{";
    while (err == SH_OK && store_node_view_next(&nodes, &view)) {
        err = sh_buf_append_text(json, joint);
        if (err == SH_OK)
            err = append_text(json, "name", view.node);
        if (err == SH_OK)
            err = sh_buf_append_text(json, ", ");
        if (err == SH_OK)
            err = append_text(json, "present", view.present);
        if (err == SH_OK)
            err = append_time(json, "since", view.since_ms);
        if (err == SH_OK)
            err = sh_buf_append_text(json, ", ");
        if (err == SH_OK)
            err = append_text(json, "ip", view.ip);
        if (err == SH_OK)
            err = sh_buf_append_text(json, "}");
        joint = ", {";
    }
    return err == SH_OK ? sh_buf_append_text(json, "]") : err;
}

sh_err device_json_write(sh_buf *json, const store_device *device, bool has_presence)
{
    sh_err err = sh_buf_append_text(json, "{\"rowid\": ");
    if (err == SH_OK)
        err = sh_json_write_integer(json, device->rowid);
    for (size_t i = 0; i < device->count && err == SH_OK; i++) {
        char room[24];
        sh_value value = device->values[i];
        if (has_presence)
            (void)device_value_now(device, device->columns[i].name, room, &value);
        err = append_value(json, device->columns[i].name, &value);
    }
    if (err == SH_OK)
        err = sh_buf_append_text(json, ", ");
    if (err == SH_OK)
        err = append_text(json, "present", device->present);
    if (err == SH_OK)
        err = append_time(json, "since", device->since_ms);
    if (err == SH_OK)
        err = append_time(json, "first_seen", device->first_seen_ms);
    if (err == SH_OK)
        err = append_nodes(json, device->nodes);
    return err == SH_OK ? sh_buf_append_text(json, "}") : err;
}
