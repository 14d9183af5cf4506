/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/store/device_query.h"

#include <string.h>

/* What the nodes say of a device, as read from the database. */

/* Returns the text before the separator, and skips the separator. */
static sh_slice next_field(sh_slice *text, char separator)
{
    const char *end = text->len == 0 ? NULL : memchr(text->data, separator, text->len);
    sh_slice field = *text;
    if (end == NULL) {
        *text = SH_SLICE("");
        return field;
    }
    field.len = (size_t)(end - text->data);
    text->data += field.len + 1;
    text->len -= field.len + 1;
    return field;
}

static int64_t next_number(sh_slice *record)
{
    uint64_t number = 0;
    (void)sh_text_to_u64(next_field(record, '\x1f'), INT64_MAX, &number);
    return (int64_t)number;
}

bool store_node_view_next(sh_slice *nodes, store_node_view *ret)
{
    if (nodes->len == 0)
        return false;
    sh_slice record = next_field(nodes, '\x1e');
    ret->node = next_field(&record, '\x1f');
    ret->present = next_field(&record, '\x1f');
    ret->since_ms = next_number(&record);
    ret->first_seen_ms = next_number(&record);
    ret->connected_ms = next_number(&record);
    ret->ip = record;
    return true;
}

/* The later of two times, or the earlier one; 0: none. */
static int64_t later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static int64_t earlier(int64_t a, int64_t b)
{
    return a == 0 || b < a ? b : a;
}

void device_presence_read(store_device *device)
{
    sh_slice rest = device->nodes;
    store_node_view view;
    bool any = false, yes = false, unknown = false;
    int64_t yes_ms = 0, unknown_ms = 0, since_ms = 0, first_ms = INT64_MAX;
    while (store_node_view_next(&rest, &view)) {
        any = true;
        since_ms = later(since_ms, view.since_ms);
        first_ms = view.first_seen_ms < first_ms ? view.first_seen_ms : first_ms;
        device->connected_ms = later(device->connected_ms, view.connected_ms);
        if (sh_slice_equals(view.present, SH_SLICE("yes"))) {
            yes_ms = yes ? earlier(yes_ms, view.since_ms) : view.since_ms;
            yes = true;
        } else if (sh_slice_equals(view.present, SH_SLICE("unknown"))) {
            unknown_ms = later(unknown_ms, view.since_ms);
            unknown = true;
        }
    }
    device->present = yes               ? SH_SLICE("yes")
                      : unknown || !any ? SH_SLICE("unknown")
                                        : SH_SLICE("no");
    device->since_ms = yes ? yes_ms : unknown ? unknown_ms : since_ms;
    device->first_seen_ms = any ? first_ms : 0;
}
