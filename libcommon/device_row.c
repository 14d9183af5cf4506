/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/device_row.h"

#include "libcommon/cleanup.h"
#include "libcommon/json_read.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NUMBER_TEXT_BYTES 32 /* the longest, -1.7976931348623157e+308, has 24 */

#define EXACT_MAX (INT64_C(1) << 53) /* below it, a double holds every whole number */

/* One allocation: the values, and behind them the bytes of their texts. */
struct sh_device_row {
    sh_mac mac;
    size_t count;
    sh_value values[];
};

/*
 * What one call works on. The values borrow from the document, the columns and the number texts
 * here until they are copied into the row.
 */
typedef struct {
    const sh_column *columns;
    size_t count;
    sh_slice node, now;
    sh_mac mac;
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

/* The text of a string or a number; false for any other kind. */
static bool scalar_to_text(const sh_json *json, char number_text[static NUMBER_TEXT_BYTES],
                           sh_slice *ret)
{
    switch (sh_json_kind_of(json)) {
    case SH_JSON_STRING:
        *ret = sh_json_text(json);
        return true;
    case SH_JSON_INTEGER:
        *ret = (sh_slice){.data = number_text,
                          .len = (size_t)snprintf(number_text, NUMBER_TEXT_BYTES, "%" PRId64,
                                                  sh_json_integer(json))};
        return true;
    case SH_JSON_REAL:
        *ret = real_to_text(sh_json_real(json), number_text);
        return true;
    default:
        return false;
    }
}

static sh_err read_text(const sh_column *column, const sh_json *json,
                        char number_text[static NUMBER_TEXT_BYTES], sh_value *ret, sh_error *error)
{
    sh_slice text = SH_SLICE("");
    switch (sh_json_kind_of(json)) {
    case SH_JSON_TRUE:
        text = SH_SLICE("true");
        break;
    case SH_JSON_FALSE:
        text = SH_SLICE("false");
        break;
    default:
        if (!scalar_to_text(json, number_text, &text))
            return sh_fail(error, SH_E_FORMAT, "%s holds %s where text belongs", column->name,
                           sh_json_kind_of(json) == SH_JSON_ARRAY ? "an array" : "an object");
    }
    *ret = value_of_text(text);
    return SH_OK;
}

static sh_err read_datetime(const reading *r, const sh_column *column, const sh_json *json,
                            char number_text[static NUMBER_TEXT_BYTES], sh_value *ret,
                            sh_error *error)
{
    sh_err err = read_text(column, json, number_text, ret, error);
    if (err != SH_OK || sh_slice_trim(ret->text).len > 0)
        return err;
    *ret = column->not_null ? default_of(column, r->now) : (sh_value){.kind = SH_VALUE_NULL};
    return SH_OK;
}

/* Whole numbers alone: an optional sign and digits, within 64 bits. */
static bool text_to_integer(sh_slice text, int64_t *ret)
{
    char copy[NUMBER_TEXT_BYTES];
    if (text.len == 0 || text.len >= sizeof copy)
        return false;
    memcpy(copy, text.data, text.len);
    copy[text.len] = '\0';
    char *digits = copy + (copy[0] == '-' || copy[0] == '+');
    if (digits[0] == '\0' || digits[strspn(digits, "0123456789")] != '\0')
        return false;
    errno = 0;
    long long number = strtoll(copy, NULL, 10);
    *ret = number;
    return errno == 0;
}

static bool json_to_integer(const sh_json *json, int64_t *ret)
{
    switch (sh_json_kind_of(json)) {
    case SH_JSON_TRUE:
    case SH_JSON_FALSE:
        *ret = sh_json_kind_of(json) == SH_JSON_TRUE;
        return true;
    case SH_JSON_INTEGER:
        *ret = sh_json_integer(json);
        return true;
    case SH_JSON_REAL:
        return real_to_integer(sh_json_real(json), ret);
    case SH_JSON_STRING:
        return text_to_integer(sh_slice_trim(sh_json_text(json)), ret);
    default:
        return false;
    }
}

static sh_err read_number(const reading *r, const sh_column *column, const sh_json *json,
                          sh_value *ret, sh_error *error)
{
    if (sh_json_kind_of(json) == SH_JSON_STRING && sh_slice_trim(sh_json_text(json)).len == 0) {
        *ret = column->not_null ? default_of(column, r->now) : (sh_value){.kind = SH_VALUE_NULL};
        return SH_OK;
    }
    int64_t integer = 0;
    if (!json_to_integer(json, &integer))
        return sh_fail(error, SH_E_FORMAT, "%s is no whole number of at most 64 bits",
                       column->name);
    if (column->kind == SH_COLUMN_BOOLEAN && integer != 0 && integer != 1)
        return sh_fail(error, SH_E_FORMAT, "%s must be 0 or 1", column->name);
    *ret = value_of_integer(integer);
    return SH_OK;
}

static sh_err read_mac(const sh_json *object, sh_mac *ret, sh_error *error)
{
    const sh_json *json = sh_json_member(object, "devMac");
    if (json == NULL || sh_json_kind_of(json) == SH_JSON_NULL)
        return sh_fail(error, SH_E_FORMAT, "devMac is missing");
    char number_text[NUMBER_TEXT_BYTES];
    sh_slice text;
    if (!scalar_to_text(json, number_text, &text))
        return sh_fail(error, SH_E_FORMAT, "devMac is no text");
    if (sh_slice_trim(text).len == 0)
        return sh_fail(error, SH_E_FORMAT, "devMac is missing");
    return sh_mac_read(text, ret, error);
}

static sh_err read_column(reading *r, const sh_json *object, size_t index, sh_error *error)
{
    const sh_column *column = &r->columns[index];
    sh_value *value = &r->values[index];
    if (strcmp(column->name, "devMac") == 0) {
        *value = value_of_text((sh_slice){.data = r->mac.text, .len = r->mac.len});
        return SH_OK;
    }
    if (strcmp(column->name, "devSyncHubNode") == 0) {
        *value = value_of_text(r->node);
        return SH_OK;
    }
    const sh_json *json = sh_json_member(object, column->name);
    if (json == NULL || sh_json_kind_of(json) == SH_JSON_NULL) {
        *value = default_of(column, r->now);
        return SH_OK;
    }
    switch (column->kind) {
    case SH_COLUMN_INTEGER:
    case SH_COLUMN_BOOLEAN:
        return read_number(r, column, json, value, error);
    case SH_COLUMN_DATETIME:
        return read_datetime(r, column, json, r->number_text[index], value, error);
    case SH_COLUMN_TEXT:
        break;
    }
    return read_text(column, json, r->number_text[index], value, error);
}

/* Copies the values and their texts into one block, so that the row borrows from nobody. */
static sh_device_row *row_from(const reading *r)
{
    size_t text_len = 0;
    for (size_t i = 0; i < r->count; i++)
        text_len += r->values[i].text.len;
    sh_device_row *row = malloc(sizeof *row + r->count * sizeof row->values[0] + text_len);
    if (row == NULL)
        return NULL;
    row->mac = r->mac;
    row->count = r->count;
    char *at = (char *)&row->values[r->count];
    for (size_t i = 0; i < r->count; i++) {
        sh_value *value = &row->values[i];
        *value = r->values[i];
        if (value->kind != SH_VALUE_TEXT)
            continue;
        if (value->text.len > 0)
            memcpy(at, value->text.data, value->text.len);
        value->text.data = at;
        at += value->text.len;
    }
    return row;
}

sh_err sh_device_row_read(sh_slice json, const sh_column *columns, size_t count, sh_slice node,
                          const char *now, sh_device_row **ret, sh_error *error)
{
    assert(count <= SH_COLUMNS_MAX);
    if (json.len > SH_ROW_MAX)
        return sh_fail(error, SH_E_LIMIT, "the row has %zu bytes, more than %lu", json.len,
                       SH_ROW_MAX);
    SH_CLEANUP(sh_json_free_cleanup) sh_json *object = NULL;
    sh_err err = sh_json_parse(json.data, json.len, &object, error);
    if (err != SH_OK)
        return err;
    if (sh_json_kind_of(object) != SH_JSON_OBJECT)
        return sh_fail(error, SH_E_FORMAT, "the row is no JSON object");
    reading r = {.columns = columns, .count = count, .node = node, .now = sh_slice_of(now)};
    err = read_mac(object, &r.mac, error);
    for (size_t i = 0; i < count && err == SH_OK; i++)
        err = read_column(&r, object, i, error);
    if (err != SH_OK)
        return err;
    sh_device_row *row = row_from(&r);
    if (row == NULL)
        return sh_fail(error, SH_E_MEMORY, "out of memory while reading a device row");
    *ret = row;
    return SH_OK;
}

void sh_device_row_free(sh_device_row *row)
{
    free(row);
}

const sh_mac *sh_device_row_mac(const sh_device_row *row)
{
    return &row->mac;
}

const sh_value *sh_device_row_value(const sh_device_row *row, size_t index)
{
    assert(index < row->count);
    return &row->values[index];
}
