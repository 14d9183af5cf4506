/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/store/device_row.h"

#include "libcommon/base/cleanup.h"
#include "libcommon/json/json_scan.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NUMBER_TEXT_BYTES 32 /* the longest, -1.7976931348623157e+308, has 24 */

/* Names are arrays, so that a comparison of fixed length takes the place of a call. */
#define NAME_IS(column, literal) (memcmp((column)->name, literal, sizeof(literal)) == 0)

#define EXACT_MAX (INT64_C(1) << 53) /* below it, a double holds every whole number */

/* A value at half the size: rows are written by one thread's cache and read by another's. */
typedef struct {
    union {
        const char *text;
        int64_t integer;
    };
    uint32_t len; /* of the text */
    sh_value_kind kind;
} packed_value;

_Static_assert(SH_ROW_MAX <= UINT32_MAX, "a text's length fits");

/* One piece of memory: the values, and behind them the bytes of their texts. */
struct sh_device_row {
    sh_mac mac;
    size_t count;
    packed_value values[];
};

/*
 * What one call works on. The values borrow from the JSON text, the columns, and the storage and
 * number texts here until they are copied into the row. Large, so it is not cleared: what was seen
 * tells which members are there.
 */
typedef struct {
    const sh_column *columns;
    size_t count;
    sh_slice node, now;
    size_t next; /* the column whose key is likely to come next: tables keep their order */
    uint64_t seen[SH_COLUMNS_MAX / 64];
    sh_scan_member members[SH_COLUMNS_MAX];
    sh_scan_member mac_member;
    bool mac_seen;
    sh_mac mac;
    sh_buf storage; /* unescaped strings; never moved, as it has room for all from the first on */
    sh_value values[SH_COLUMNS_MAX];
    char number_text[SH_COLUMNS_MAX][NUMBER_TEXT_BYTES];
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

static bool real_to_integer(double real, int64_t *ret)
{
    /* 2^63 is the first double above the range; NaN fails both comparisons. */
    if (!(real >= -9223372036854775808.0 && real < 9223372036854775808.0))
        return false;
    *ret = (int64_t)real;
    return !((double)*ret < real) && !((double)*ret > real);
}

/*
 * The shortest decimal form that reads back as the same double; whole numbers that a double holds
 * exactly are written out.
 */
static sh_slice real_to_text(double real, char ret[static NUMBER_TEXT_BYTES])
{
    int64_t whole;
    int len = 0;
    if (real_to_integer(real, &whole) && whole > -EXACT_MAX && whole < EXACT_MAX) {
        len = snprintf(ret, NUMBER_TEXT_BYTES, "%" PRId64, whole);
        return (sh_slice){.data = ret, .len = (size_t)len};
    }
    for (int digits = 1; digits <= 17; digits++) {
        len = snprintf(ret, NUMBER_TEXT_BYTES, "%.*g", digits, real);
        double back = strtod(ret, NULL);
        if (!(back < real) && !(back > real))
            break;
    }
    return (sh_slice){.data = ret, .len = (size_t)len};
}

/* Whole numbers alone: an optional sign and digits, within 64 bits. */
static bool text_to_integer(sh_slice text, int64_t *ret)
{
    bool minus = text.len > 0 && text.data[0] == '-';
    size_t at = minus || (text.len > 0 && text.data[0] == '+');
    if (at == text.len || text.len >= NUMBER_TEXT_BYTES)
        return false;
    int64_t number = 0;
    for (; at < text.len; at++) {
        int digit = text.data[at] - '0';
        if (digit < 0 || digit > 9 || __builtin_mul_overflow(number, 10, &number) ||
            __builtin_add_overflow(number, minus ? -digit : digit, &number))
            return false;
    }
    *ret = number;
    return true;
}

/* A finite number with a fraction or an exponent. */
static bool text_to_real(sh_slice text, double *ret)
{
    char copy[4 * NUMBER_TEXT_BYTES];
    if (text.len >= sizeof copy)
        return false;
    memcpy(copy, text.data, text.len);
    copy[text.len] = '\0';
    *ret = strtod(copy, NULL);
    return isfinite(*ret);
}

/* The text of a string that sh_json_scan() gave, with its escapes resolved into the storage. */
static sh_err string_to_text(reading *r, const char *name, const sh_scan_member *member,
                             sh_slice *ret, sh_error *error)
{
    *ret = member->value;
    if (!member->escaped)
        return SH_OK;
    size_t from = r->storage.len;
    /* The first one makes room for all: escapes only shrink a text. */
    sh_err err = sh_buf_reserve(&r->storage, r->storage.limit);
    if (err == SH_OK)
        err = sh_json_unescape(member->value, &r->storage);
    if (err == SH_E_FORMAT)
        return sh_fail(error, err, "%s holds \\u0000 or half of a surrogate pair", name);
    if (err != SH_OK)
        return sh_fail(error, err, "out of memory while reading a device row");
    *ret = (sh_slice){r->storage.data + from, r->storage.len - from};
    return SH_OK;
}

static bool is_whole(sh_slice number)
{
    for (size_t i = 0; i < number.len; i++)
        if (number.data[i] == '.' || number.data[i] == 'e' || number.data[i] == 'E')
            return false;
    return true;
}

/* A number's text: whole ones as written, others in the shortest form of the same value. */
static sh_err number_to_text(const char *name, sh_slice number, char storage[NUMBER_TEXT_BYTES],
                             sh_slice *ret, sh_error *error)
{
    int64_t whole = 0;
    double real = 0;
    if (is_whole(number) ? text_to_integer(number, &whole) : text_to_real(number, &real)) {
        *ret = !is_whole(number) ? real_to_text(real, storage)
               : whole == 0      ? SH_SLICE("0") /* also written -0 */
                                 : number;
        return SH_OK;
    }
    return sh_fail(error, SH_E_FORMAT, "%s holds a number that is too large", name);
}

/* The text of any value but an array or an object, which no column can hold. */
static sh_err scalar_to_text(reading *r, const char *name, const sh_scan_member *member,
                             char number_text[NUMBER_TEXT_BYTES], sh_slice *ret, sh_error *error)
{
    switch (member->type) {
    case SH_SCAN_STRING:
        return string_to_text(r, name, member, ret, error);
    case SH_SCAN_NUMBER:
        return number_to_text(name, member->value, number_text, ret, error);
    case SH_SCAN_BOOLEAN:
        *ret = member->value;
        return SH_OK;
    default:
        return sh_fail(error, SH_E_FORMAT, "%s holds %s where text belongs", name,
                       member->type == SH_SCAN_ARRAY ? "an array" : "an object");
    }
}

static sh_err read_text(reading *r, size_t index, sh_error *error)
{
    sh_slice text = SH_SLICE("");
    sh_err err = scalar_to_text(r, r->columns[index].name, &r->members[index],
                                r->number_text[index], &text, error);
    r->values[index] = value_of_text(text);
    return err;
}

static sh_err read_datetime(reading *r, size_t index, sh_error *error)
{
    sh_err err = read_text(r, index, error);
    if (err != SH_OK || sh_slice_trim(r->values[index].text).len > 0)
        return err;
    const sh_column *column = &r->columns[index];
    r->values[index] =
        column->not_null ? default_of(column, r->now) : (sh_value){.kind = SH_VALUE_NULL};
    return SH_OK;
}

static bool member_to_integer(const sh_scan_member *member, sh_slice text, int64_t *ret)
{
    double real = 0;
    switch (member->type) {
    case SH_SCAN_BOOLEAN:
        *ret = text.data[0] == 't';
        return true;
    case SH_SCAN_NUMBER:
        return is_whole(text) ? text_to_integer(text, ret)
                              : text_to_real(text, &real) && real_to_integer(real, ret);
    case SH_SCAN_STRING:
        return text_to_integer(sh_slice_trim(text), ret);
    default:
        return false;
    }
}

static sh_err read_number(reading *r, size_t index, sh_error *error)
{
    const sh_column *column = &r->columns[index];
    const sh_scan_member *member = &r->members[index];
    sh_slice text = member->value;
    if (member->type == SH_SCAN_STRING) {
        sh_err err = string_to_text(r, column->name, member, &text, error);
        if (err != SH_OK)
            return err;
        if (sh_slice_trim(text).len == 0) {
            r->values[index] =
                column->not_null ? default_of(column, r->now) : (sh_value){.kind = SH_VALUE_NULL};
            return SH_OK;
        }
    }
    int64_t integer = 0;
    if (!member_to_integer(member, text, &integer))
        return sh_fail(error, SH_E_FORMAT, "%s is no whole number of at most 64 bits",
                       column->name);
    if (column->kind == SH_COLUMN_BOOLEAN && integer != 0 && integer != 1)
        return sh_fail(error, SH_E_FORMAT, "%s must be 0 or 1", column->name);
    r->values[index] = value_of_integer(integer);
    return SH_OK;
}

static sh_err read_mac(reading *r, sh_error *error)
{
    const sh_scan_member *member = &r->mac_member;
    if (!r->mac_seen || member->type == SH_SCAN_NULL)
        return sh_fail(error, SH_E_FORMAT, "devMac is missing");
    if (member->type != SH_SCAN_STRING && member->type != SH_SCAN_NUMBER)
        return sh_fail(error, SH_E_FORMAT, "devMac is no text");
    char number_text[NUMBER_TEXT_BYTES];
    sh_slice text;
    sh_err err = scalar_to_text(r, "devMac", member, number_text, &text, error);
    return err != SH_OK ? err : sh_mac_read(text, &r->mac, error);
}

static bool is_seen(const reading *r, size_t index)
{
    return (r->seen[index / 64] >> index % 64 & 1) != 0;
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
    if (!is_seen(r, index) || r->members[index].type == SH_SCAN_NULL) {
        r->values[index] = default_of(column, r->now);
        return SH_OK;
    }
    switch (column->kind) {
    case SH_COLUMN_INTEGER:
    case SH_COLUMN_BOOLEAN:
        return read_number(r, index, error);
    case SH_COLUMN_DATETIME:
        return read_datetime(r, index, error);
    case SH_COLUMN_TEXT:
        break;
    }
    return read_text(r, index, error);
}

/* Length and last letter tell nearly all names apart. */
static bool is_for(const sh_scan_member *member, const sh_column *column)
{
    sh_slice key = member->key;
    if (member->key_escaped)
        return sh_scan_key_is(member, column->name);
    return key.len > 0 && key.len < sizeof column->name && column->name[key.len] == '\0' &&
           column->name[key.len - 1] == key.data[key.len - 1] &&
           memcmp(column->name, key.data, key.len) == 0;
}

/* The column that a member is for, or count: first the one that is likely, then all. */
static size_t find_column(const reading *r, const sh_scan_member *member)
{
    for (size_t i = 0; i < r->count; i++) {
        size_t index = r->next + i < r->count ? r->next + i : r->next + i - r->count;
        if (is_for(member, &r->columns[index]))
            return index;
    }
    return r->count;
}

static sh_err twice(const char *name, sh_error *error)
{
    return sh_fail(error, SH_E_FORMAT, "%s comes twice in the row", name);
}

static sh_err take_member(void *context, const sh_scan_member *member, sh_error *error)
{
    reading *r = context;
    /* Nearly all keys differ in length alone, and there are fifty in a row. */
    if ((member->key_escaped || member->key.len == strlen("devMac")) &&
        sh_scan_key_is(member, "devMac")) {
        if (r->mac_seen)
            return twice("devMac", error);
        r->mac_seen = true;
        r->mac_member = *member;
    }
    size_t index = find_column(r, member);
    if (index == r->count)
        return SH_OK; /* no column of the hub's table */
    if (is_seen(r, index))
        return twice(r->columns[index].name, error);
    r->seen[index / 64] |= UINT64_C(1) << index % 64;
    r->members[index] = *member;
    r->next = index + 1 < r->count ? index + 1 : 0;
    return SH_OK;
}

/* Copies the values and their texts into one block, so that the row borrows from nobody. */
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
    sh_err err = sh_json_scan(json, take_member, r, error);
    if (err == SH_OK)
        err = read_mac(r, error);
    for (size_t i = 0; i < r->count && err == SH_OK; i++)
        err = read_column(r, i, error);
    return err;
}

sh_err sh_device_row_read(sh_slice json, const sh_column *columns, size_t count, sh_slice node,
                          const char *now, sh_arena *arena, sh_device_row **ret, sh_error *error)
{
    assert(count <= SH_COLUMNS_MAX);
    if (json.len > SH_ROW_MAX)
        return sh_fail(error, SH_E_LIMIT, "the row has %zu bytes, more than %lu", json.len,
                       SH_ROW_MAX);
    reading r;
    r.columns = columns;
    r.count = count;
    r.node = node;
    r.now = sh_slice_of(now);
    r.next = 0;
    r.mac_seen = false;
    memset(r.seen, 0, sizeof r.seen);
    r.storage = SH_BUF_INIT(json.len);
    sh_err err = read_all(&r, json, error);
    if (err != SH_OK) {
        sh_buf_reset(&r.storage);
        return err;
    }
    sh_device_row *row = row_from(&r, arena);
    sh_buf_reset(&r.storage);
    if (row == NULL)
        return sh_fail(error, SH_E_MEMORY, "out of memory while reading a device row");
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
