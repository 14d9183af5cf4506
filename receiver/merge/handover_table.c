/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/merge/handover_table.h"

#include "libcommon/base/cleanup.h"
#include "libcommon/base/limits.h"
#include "libcommon/base/utf8.h"
#include "libcommon/json/json_scan.h"
#include "libcommon/json/json_write.h"
#include "libcommon/netalertx/mac.h"
#include "libcommon/netalertx/table_scan.h"
#include "receiver/store/device_value.h"

#include <stdio.h>
#include <string.h>

/* Without these keys in each row the plugin ends with an error, and all nodes' tables with it. */
static const struct {
    const char *name, *value;
} needed[] = {
    {"devName", "\"(unknown)\""}, {"devLastIP", "\"\""},       {"devVendor", "\"\""},
    {"devGUID", "\"\""},          {"devPresentLastScan", "0"},
};
enum { NEEDED = sizeof needed / sizeof needed[0] };

typedef struct {
    sh_buf *out;
    bool has_mac, first;
    sh_mac mac;
    unsigned seen; /* a bit for each of needed */
} row_writer;

/* The text of a string or number, for a key. False where it is none; SH_E_MEMORY by *err. */
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

/* Whether a value can go on as it is written. */
static bool is_storable(const sh_json_scan_member *member, sh_err *err)
{
    *err = SH_OK;
    if (member->type == SH_JSON_SCAN_NUMBER)
        return number_read(member->value).kind != NUMBER_NONE;
    if (member->type != SH_JSON_SCAN_STRING)
        return member->type == SH_JSON_SCAN_BOOLEAN || member->type == SH_JSON_SCAN_NULL;
    if (member->not_utf8)
        return false;
    if (!member->escaped)
        return true;
    SH_CLEANUP(sh_buf_reset) sh_buf text = SH_BUF_INIT(member->value.len);
    sh_err unescaped = sh_json_unescape(member->value, &text);
    *err = unescaped == SH_E_FORMAT ? SH_OK : unescaped;
    return unescaped == SH_OK;
}

static sh_err append_raw(sh_buf *out, const sh_json_scan_member *member)
{
    bool text = member->type == SH_JSON_SCAN_STRING;
    sh_err err = text ? sh_buf_append(out, "\"", 1) : SH_OK;
    if (err == SH_OK)
        err = sh_buf_append(out, member->value.data, member->value.len);
    return err == SH_OK && text ? sh_buf_append(out, "\"", 1) : err;
}

/* What the hub's table takes in place of a value that it cannot store. */
static sh_err append_replacement(sh_buf *out, const sh_json_scan_member *member)
{
    char name[SH_COLUMN_NAME_BYTES];
    (void)snprintf(name, sizeof name, "%.*s", (int)member->key.len, member->key.data);
    const sh_column *column = sh_device_column_find(name);
    if (column != NULL && column->default_kind == SH_DEFAULT_INTEGER)
        return sh_json_write_integer(out, column->default_integer);
    return sh_json_write_string(out, sh_slice_of(column == NULL ? "" : column->default_text));
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
    bool good = is_storable(member, &err);
    if (err != SH_OK)
        return err;
    return good ? append_raw(w->out, member) : append_replacement(w->out, member);
}

static sh_err append_member(void *context, const sh_json_scan_member *member, sh_error *error)
{
    row_writer *w = context;
    sh_err err = SH_OK;
    if (sh_json_scan_key_is(member, "devMac")) {
        SH_CLEANUP(sh_buf_reset) sh_buf storage = SH_BUF_INIT(member->value.len);
        w->has_mac = read_key_text(member, &storage, &w->mac, &err);
        return err == SH_OK ? SH_OK : sh_fail(error, SH_E_MEMORY, "no memory to hand tables over");
    }
    if (!sh_utf8_is_valid(member->key.data, member->key.len))
        return SH_OK;
    for (size_t i = 0; i < NEEDED; i++)
        w->seen |= sh_json_scan_key_is(member, needed[i].name) ? 1U << i : 0;
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
    for (size_t i = 0; i < NEEDED && err == SH_OK; i++)
        if ((w->seen & 1U << i) == 0)
            err = sh_buf_append_format(w->out, ", \"%s\": %s", needed[i].name, needed[i].value);
    return err == SH_OK ? sh_buf_append_text(w->out, "}") : err;
}

/* A row that the merge rejects or skips is not handed over either: what it wrote is taken back. */
static sh_err append_row(sh_slice row, const skip_set *skip, sh_buf *out, bool *any,
                         sh_error *error)
{
    size_t begin = out->len;
    row_writer w = {.out = out, .first = true};
    sh_error invalid = {0};
    sh_err err = sh_buf_append_text(out, *any ? ",\n{" : "\n{");
    if (err == SH_OK && row.len <= SH_ROW_MAX)
        err = sh_json_scan_lenient(row, append_member, &w, &invalid);
    bool skipped = err == SH_E_FORMAT || err == SH_E_LIMIT || !w.has_mac ||
                   (err == SH_OK && skip_set_has(skip, &w.mac));
    if (err == SH_OK && !skipped)
        err = append_end(&w);
    if (skipped && err != SH_E_MEMORY) {
        out->len = begin;
        return SH_OK;
    }
    *any = *any || err == SH_OK;
    return err == SH_OK ? SH_OK : sh_fail(error, SH_E_MEMORY, "no memory to hand tables over");
}

sh_err handover_table_write(sh_slice text, const skip_set *skip, sh_buf *ret, sh_error *error)
{
    sh_table_scan scan;
    bool more = true, any = false;
    sh_err err = sh_table_scan_init(&scan, text.data, text.len, error);
    if (err == SH_OK && sh_buf_append_text(ret, "{\"data\": [") != SH_OK)
        return sh_fail(error, SH_E_MEMORY, "no memory to hand tables over");
    while (err == SH_OK && more) {
        sh_table_row row;
        err = sh_table_scan_next(&scan, &row, &more, error);
        bool usable = more && row.kind != SH_ROW_NOT_OBJECT && row.kind != SH_ROW_TOO_DEEP;
        if (err == SH_OK && usable)
            err = append_row(row.text, skip, ret, &any, error);
    }
    if (err == SH_OK && sh_buf_append_text(ret, "]}") != SH_OK)
        return sh_fail(error, SH_E_MEMORY, "no memory to hand tables over");
    return err;
}
