/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/merge/netalertx_table_file.h"

#include "libcommon/base/cleanup.h"
#include "libcommon/base/clock.h"
#include "libcommon/base/limits.h"
#include "libcommon/base/utf8.h"
#include "libcommon/json/json_scan.h"
#include "libcommon/json/json_write.h"
#include "libcommon/netalertx/mac.h"
#include "libcommon/netalertx/table_scan.h"
#include "receiver/store/device_value.h"

#include <stdint.h>
#include <string.h>

/*
 * Keys without which NetAlertX's plugin fails, and with it the import of all nodes' tables: it
 * reads some of them, and writes the keys of the first row for all rows, so that NOT NULL columns
 * would get None.
 */
static bool is_needed(const sh_column *column)
{
    return column->not_null || strcmp(column->name, "devVendor") == 0 ||
           strcmp(column->name, "devGUID") == 0;
}

typedef struct {
    sh_buf *out;
    bool has_mac, first;
    sh_mac mac;
    uint64_t seen; /* a bit for each of sh_device_columns */
    size_t next;   /* the column that is likely the next one */
    const char *now;
} row_writer;

/* The text of a string or number, for a key. False if it is neither, or *err is SH_E_MEMORY. */
static bool read_key_text(const sh_json_scan_member *member, sh_buf *storage, sh_mac *ret,
                          sh_err *err)
{
    char short_text[NUMBER_TEXT_BYTES];
    const device_value_room room = {.storage = storage, .short_text = short_text};
    device_value value;
    *err = device_value_text(member, &room, &value);
    return *err == SH_OK && value.fault == DEVICE_VALUE_GOOD &&
           sh_mac_read(value.value.text, ret, NULL) == SH_OK;
}

/*
 * The column of a JSON member; NULL if this hub has no column with that name. NetAlertX writes the
 * members in column order, so the search starts at *next.
 */
static const sh_column *column_of(const sh_json_scan_member *member, size_t *next)
{
    for (size_t i = 0; i < sh_device_columns_count; i++) {
        size_t at = (*next + i) % sh_device_columns_count;
        if (!sh_json_scan_key_is(member, sh_device_columns[at].name))
            continue;
        *next = at + 1;
        return &sh_device_columns[at];
    }
    return NULL;
}

/*
 * Whether a value can be written unchanged: Python can bind it, and the column accepts it. A value
 * of an unknown column, which a newer NetAlertX may have, must only be bindable.
 */
static bool is_storable(const sh_column *column, const sh_json_scan_member *member, sh_err *err)
{
    static const sh_column unknown = {.kind = SH_COLUMN_TEXT};
    char short_text[NUMBER_TEXT_BYTES];
    SH_CLEANUP(sh_buf_reset) sh_buf storage = SH_BUF_INIT(member->value.len);
    const device_value_room room = {.storage = &storage, .short_text = short_text};
    device_value value;
    *err = device_value_read(column == NULL ? &unknown : column, member, &room, &value);
    return *err == SH_OK && value.fault == DEVICE_VALUE_GOOD &&
           !(value.value.kind == SH_VALUE_NULL && column != NULL && column->not_null);
}

static sh_err append_raw(sh_buf *out, const sh_json_scan_member *member)
{
    bool text = member->type == SH_JSON_SCAN_STRING;
    sh_err err = text ? sh_buf_append(out, "\"", 1) : SH_OK;
    if (err == SH_OK)
        err = sh_buf_append(out, member->value.data, member->value.len);
    return err == SH_OK && text ? sh_buf_append(out, "\"", 1) : err;
}

/* The default for a value that is missing or cannot be stored in the hub's table. */
static sh_err append_default(const row_writer *w, const sh_column *column)
{
    if (column != NULL && column->default_kind == SH_DEFAULT_INTEGER)
        return sh_json_write_integer(w->out, column->default_integer);
    if (column != NULL && column->default_kind == SH_DEFAULT_NOW)
        return sh_json_write_string(w->out, sh_slice_of(w->now));
    return sh_json_write_string(w->out, sh_slice_of(column == NULL ? "" : column->default_text));
}

static sh_err append_value(row_writer *w, const sh_json_scan_member *member)
{
    sh_err err = SH_OK;
    if (sh_json_scan_key_is(member, "devParentMAC") && member->type == SH_JSON_SCAN_STRING) {
        sh_mac mac;
        SH_CLEANUP(sh_buf_reset) sh_buf storage = SH_BUF_INIT(member->value.len);
        bool good = read_key_text(member, &storage, &mac, &err);
        if (err != SH_OK)
            return err;
        if (good && mac.number != 0)
            return sh_json_write_string(w->out, (sh_slice){mac.text, mac.len});
    }
    const sh_column *column = column_of(member, &w->next);
    bool good = is_storable(column, member, &err);
    if (err != SH_OK)
        return err;
    if (column != NULL)
        w->seen |= UINT64_C(1) << (column - sh_device_columns);
    return good ? append_raw(w->out, member) : append_default(w, column);
}

/*
 * Text that looks like a number (a MAC `00e012345678` is exported as 0) is not a key here:
 * NetAlertX's column stores it as a number, and its plugin fails if a device of the table has such
 * a key.
 */
static bool is_usable_key(const sh_mac *mac)
{
    return !number_is_literal((sh_slice){mac->text, mac->len});
}

static sh_err append_member(void *context, const sh_json_scan_member *member, sh_error *error)
{
    row_writer *w = context;
    sh_err err = SH_OK;
    if (sh_json_scan_key_is(member, "devMac")) {
        SH_CLEANUP(sh_buf_reset) sh_buf storage = SH_BUF_INIT(member->value.len);
        w->has_mac = read_key_text(member, &storage, &w->mac, &err) && is_usable_key(&w->mac);
        return err == SH_OK ? SH_OK : sh_fail(error, SH_E_MEMORY, "no memory to hand tables over");
    }
    if (!sh_utf8_is_valid(member->key.data, member->key.len))
        return SH_OK;
    err = sh_buf_append_text(w->out, w->first ? "\"" : ", \"");
    w->first = false;
    if (err == SH_OK)
        err = sh_buf_append(w->out, member->key.data, member->key.len);
    if (err == SH_OK)
        err = sh_buf_append_text(w->out, "\": ");
    if (err == SH_OK)
        err = append_value(w, member);
    return err == SH_OK ? SH_OK : sh_fail(error, SH_E_MEMORY, "no memory to hand tables over");
}

static sh_err append_end(row_writer *w)
{
    sh_err err = sh_buf_append_text(w->out, w->first ? "\"devMac\": " : ", \"devMac\": ");
    if (err == SH_OK)
        err = sh_json_write_string(w->out, (sh_slice){w->mac.text, w->mac.len});
    for (size_t i = 1; i < sh_device_columns_count && err == SH_OK; i++) {
        const sh_column *column = &sh_device_columns[i];
        if ((w->seen >> i & 1) != 0 || !is_needed(column))
            continue;
        err = sh_buf_append_format(w->out, ", \"%s\": ", column->name);
        if (err == SH_OK)
            err = append_default(w, column);
    }
    return err == SH_OK ? sh_buf_append_text(w->out, "}") : err;
}

/* Omits a row that the merge rejects or skips: removes what was written of it. */
static sh_err append_row(sh_slice row, const skip_rules *skip, const row_writer *clean, bool *any,
                         sh_error *error)
{
    sh_buf *out = clean->out;
    size_t begin = out->len;
    row_writer w = *clean;
    sh_error invalid = {0};
    sh_err err = sh_buf_append_text(out, *any ? ",\n{" : "\n{");
    if (err == SH_OK && row.len <= SH_ROW_MAX)
        err = sh_json_scan_lenient(row, append_member, &w, &invalid);
    bool skipped = err == SH_E_FORMAT || err == SH_E_LIMIT || !w.has_mac ||
                   (err == SH_OK && skip_rules_has(skip, &w.mac));
    if (err == SH_OK && !skipped)
        err = append_end(&w);
    if (skipped && err != SH_E_MEMORY) {
        out->len = begin;
        return SH_OK;
    }
    *any = *any || err == SH_OK;
    return err == SH_OK ? SH_OK : sh_fail(error, SH_E_MEMORY, "no memory to hand tables over");
}

sh_err netalertx_table_file_write(sh_slice text, const skip_rules *skip, sh_buf *ret,
                                  sh_error *error)
{
    sh_table_scan scan;
    bool more = true, any = false;
    char now[SH_DATETIME_BYTES];
    sh_clock_datetime(sh_clock_unix_ms(), now);
    row_writer clean = {.out = ret, .first = true, .now = now};
    sh_err err = sh_table_scan_init(&scan, text.data, text.len, error);
    if (err == SH_OK && sh_buf_append_text(ret, "{\"data\": [") != SH_OK)
        return sh_fail(error, SH_E_MEMORY, "no memory to hand tables over");
    while (err == SH_OK && more) {
        sh_table_row row;
        err = sh_table_scan_next(&scan, &row, &more, error);
        bool usable = more && row.kind != SH_ROW_NOT_OBJECT && !row.too_deep;
        if (err == SH_OK && usable)
            err = append_row(row.text, skip, &clean, &any, error);
    }
    if (err == SH_OK && sh_buf_append_text(ret, "]}") != SH_OK)
        return sh_fail(error, SH_E_MEMORY, "no memory to hand tables over");
    return err;
}
