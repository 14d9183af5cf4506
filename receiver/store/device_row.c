/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/store/device_row.h"

#include "libcommon/base/cleanup.h"
#include "libcommon/json/json_scan.h"
#include "receiver/store/device_value.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

/* Names are arrays, so that a comparison of fixed length replaces a function call. */
#define NAME_IS(column, literal) (memcmp((column)->name, literal, sizeof(literal)) == 0)

/* A value at half the size, as rows move from one thread's cache to another's. */
typedef struct {
    union {
        const char *text;
        int64_t integer;
    };
    uint32_t len; /* length of the text */
    sh_value_kind kind;
} packed_value;

_Static_assert(SH_ROW_MAX <= UINT32_MAX, "a text's length fits");

/* One block of memory: the values, followed by their texts. */
struct sh_device_row {
    sh_mac mac;
    size_t count;
    size_t replaced;          /* values that could not be stored … */
    size_t replaced_first;    /* … the column of the first one, … */
    device_value_fault fault; /* … and why */
    packed_value values[];
};

/*
 * The state of one call. The values borrow from the JSON text, the columns, and storage and number
 * texts here until they are copied into the row. It is large, so it is not cleared: `seen` records
 * which members are valid.
 */
typedef struct {
    const sh_column *columns;
    size_t count;
    sh_slice node, now;
    size_t next; /* the column of the next key, as tables keep their order */
    size_t keys; /* keys of the row so far */
    uint64_t seen[SH_COLUMNS_MAX / 64];
    sh_json_scan_member members[SH_COLUMNS_MAX];
    sh_json_scan_member mac_member;
    bool mac_seen;
    sh_mac mac;
    sh_buf storage; /* unescaped strings; reserved for all at first, so never moved */
    size_t replaced, replaced_first;
    device_value_fault fault;
    sh_value values[SH_COLUMNS_MAX];
    char short_text[SH_COLUMNS_MAX][NUMBER_TEXT_BYTES];
} reading;

static sh_value value_of_text(sh_slice text)
{
    return (sh_value){.kind = SH_VALUE_TEXT, .text = text};
}

static sh_value value_of_integer(int64_t integer)
{
    return (sh_value){.kind = SH_VALUE_INTEGER, .integer = integer};
}

static sh_value default_of(const sh_column *column, sh_slice now)
{
    switch (column->default_kind) {
    case SH_DEFAULT_TEXT:
        return value_of_text(sh_slice_of(column->default_text));
    case SH_DEFAULT_INTEGER:
        return value_of_integer(column->default_integer);
    case SH_DEFAULT_NOW:
        return value_of_text(now);
    case SH_DEFAULT_NULL:
        break;
    }
    return (sh_value){.kind = SH_VALUE_NULL};
}

static sh_err no_memory(sh_error *error)
{
    return sh_fail(error, SH_E_MEMORY, "out of memory while reading a device row");
}

static sh_err read_mac(reading *r, sh_error *error)
{
    const sh_json_scan_member *member = &r->mac_member;
    if (!r->mac_seen || member->type == SH_JSON_SCAN_NULL)
        return sh_fail(error, SH_E_FORMAT, "devMac is missing");
    if (member->type != SH_JSON_SCAN_STRING && member->type != SH_JSON_SCAN_NUMBER)
        return sh_fail(error, SH_E_FORMAT, "devMac is not text");
    char short_text[NUMBER_TEXT_BYTES];
    const device_value_room room = {.storage = &r->storage, .short_text = short_text};
    device_value value;
    if (device_value_text(member, &room, &value) != SH_OK)
        return no_memory(error);
    if (value.fault != DEVICE_VALUE_GOOD)
        return sh_fail(error, SH_E_FORMAT, "devMac is %s", device_value_fault_text(value.fault));
    return sh_mac_read(value.value.text, &r->mac, error);
}

static bool is_seen(const reading *r, size_t index)
{
    return (r->seen[index / 64] >> index % 64 & 1) != 0;
}

/* Normalizes a reference to a device as its key is. */
static void normalise_reference(sh_value *value, char storage[static NUMBER_TEXT_BYTES])
{
    sh_mac mac;
    if (value->kind != SH_VALUE_TEXT || sh_mac_read(value->text, &mac, NULL) != SH_OK ||
        mac.number == 0)
        return;
    memcpy(storage, mac.text, mac.len);
    value->text = (sh_slice){storage, mac.len};
}

static sh_err read_column(reading *r, size_t index, sh_error *error)
{
    const sh_column *column = &r->columns[index];
    if (NAME_IS(column, "devMac")) {
        r->values[index] = value_of_text((sh_slice){.data = r->mac.text, .len = r->mac.len});
        return SH_OK;
    }
    if (NAME_IS(column, "devSyncHubNode")) {
        r->values[index] = value_of_text(r->node);
        return SH_OK;
    }
    if (!is_seen(r, index)) {
        r->values[index] = default_of(column, r->now);
        return SH_OK;
    }
    const device_value_room room = {.storage = &r->storage, .short_text = r->short_text[index]};
    device_value value;
    if (device_value_read(column, &r->members[index], &room, &value) != SH_OK)
        return no_memory(error);
    if (value.fault != DEVICE_VALUE_GOOD && r->replaced++ == 0) {
        r->replaced_first = index;
        r->fault = value.fault;
    }
    if (value.fault != DEVICE_VALUE_GOOD || (value.value.kind == SH_VALUE_NULL && column->not_null))
        value.value = default_of(column, r->now);
    r->values[index] = value.value;
    if (NAME_IS(column, "devParentMAC"))
        normalise_reference(&r->values[index], r->short_text[index]);
    return SH_OK;
}

/* Length and last letter distinguish nearly all names. */
static bool is_for(const sh_json_scan_member *member, const sh_column *column)
{
    sh_slice key = member->key;
    if (member->key_escaped)
        return sh_json_scan_key_is(member, column->name);
    return key.len > 0 && key.len < sizeof column->name && column->name[key.len] == '\0' &&
           column->name[key.len - 1] == key.data[key.len - 1] &&
           memcmp(column->name, key.data, key.len) == 0;
}

/* The column of a member, or count: checks the expected one first, then all. */
static size_t find_column(const reading *r, const sh_json_scan_member *member)
{
    for (size_t i = 0; i < r->count; i++) {
        size_t index = r->next + i < r->count ? r->next + i : r->next + i - r->count;
        if (is_for(member, &r->columns[index]))
            return index;
    }
    return r->count;
}

/* The last one of repeated keys counts, as in Python. */
static sh_err take_member(void *context, const sh_json_scan_member *member, sh_error *error)
{
    reading *r = context;
    if (r->keys++ == SH_ROW_KEYS_MAX)
        return sh_fail(error, SH_E_LIMIT, "the row has more than %d keys", SH_ROW_KEYS_MAX);
    /* Compares the length first, as there are fifty keys in a row. */
    if ((member->key_escaped || member->key.len == strlen("devMac")) &&
        sh_json_scan_key_is(member, "devMac")) {
        r->mac_seen = true;
        r->mac_member = *member;
    }
    size_t index = find_column(r, member);
    if (index == r->count)
        return SH_OK; /* not a column of the hub's table */
    r->seen[index / 64] |= UINT64_C(1) << index % 64;
    r->members[index] = *member;
    r->next = index + 1 < r->count ? index + 1 : 0;
    return SH_OK;
}

/* Copies the values and their texts into one block, so that the row borrows nothing. */
static sh_device_row *row_from(const reading *r, sh_arena *arena)
{
    size_t text_len = 0;
    for (size_t i = 0; i < r->count; i++)
        text_len += r->values[i].text.len;
    sh_device_row *row =
        sh_arena_take(arena, sizeof *row + r->count * sizeof row->values[0] + text_len);
    if (row == NULL)
        return NULL;
    row->mac = r->mac;
    row->count = r->count;
    row->replaced = r->replaced;
    row->replaced_first = r->replaced_first;
    row->fault = r->fault;
    char *at = (char *)&row->values[r->count];
    for (size_t i = 0; i < r->count; i++) {
        const sh_value *value = &r->values[i];
        packed_value *packed = &row->values[i];
        packed->kind = value->kind;
        packed->len = (uint32_t)value->text.len;
        if (value->kind != SH_VALUE_TEXT) {
            packed->integer = value->integer;
            continue;
        }
        packed->text = at;
        if (value->text.len > 0)
            memcpy(at, value->text.data, value->text.len);
        at += value->text.len;
    }
    return row;
}

static sh_err read_all(reading *r, sh_slice json, sh_error *error)
{
    sh_err err = sh_json_scan_lenient(json, take_member, r, error);
    if (err == SH_OK)
        err = read_mac(r, error);
    for (size_t i = 0; i < r->count && err == SH_OK; i++)
        err = read_column(r, i, error);
    return err;
}

sh_err sh_device_row_read(sh_slice json, const sh_row_context *context, sh_device_row **ret,
                          sh_error *error)
{
    assert(context->count <= SH_COLUMNS_MAX);
    if (json.len > SH_ROW_MAX)
        return sh_fail(error, SH_E_LIMIT, "the row has %zu bytes, more than %lu", json.len,
                       SH_ROW_MAX);
    reading r;
    r.columns = context->columns;
    r.count = context->count;
    r.node = context->node;
    r.now = sh_slice_of(context->now);
    r.next = 0;
    r.keys = 0;
    r.mac_seen = false;
    r.replaced = 0;
    r.replaced_first = 0;
    r.fault = DEVICE_VALUE_GOOD;
    memset(r.seen, 0, sizeof r.seen);
    r.storage = SH_BUF_INIT(json.len);
    sh_err err = read_all(&r, json, error);
    if (err != SH_OK) {
        sh_buf_reset(&r.storage);
        return err;
    }
    sh_device_row *row = row_from(&r, context->arena);
    sh_buf_reset(&r.storage);
    if (row == NULL)
        return no_memory(error);
    *ret = row;
    return SH_OK;
}

const sh_mac *sh_device_row_mac(const sh_device_row *row)
{
    return &row->mac;
}

sh_value sh_device_row_value(const sh_device_row *row, size_t index)
{
    assert(index < row->count);
    const packed_value *value = &row->values[index];
    if (value->kind == SH_VALUE_TEXT)
        return (sh_value){.kind = SH_VALUE_TEXT, .text = {value->text, value->len}};
    return (sh_value){.kind = value->kind, .integer = value->integer};
}

size_t sh_device_row_replaced(const sh_device_row *row, const sh_column *columns,
                              char ret[static SH_ROW_REPLACED_BYTES])
{
    const sh_column *first = &columns[row->replaced_first];
    ret[0] = '\0';
    if (row->replaced > 0)
        (void)snprintf(ret, SH_ROW_REPLACED_BYTES, "%s held %s and became %s", first->name,
                       device_value_fault_text(row->fault),
                       first->default_kind == SH_DEFAULT_NULL ? "NULL" : "its default");
    return row->replaced;
}
