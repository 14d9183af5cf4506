/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/store/device_value.h"

#include <assert.h>

const char *device_value_fault_text(device_value_fault fault)
{
    switch (fault) {
    case DEVICE_VALUE_NO_SCALAR:
        return "an array or an object";
    case DEVICE_VALUE_INFINITE:
        return "a number that is not finite";
    case DEVICE_VALUE_TOO_LARGE:
        return "a whole number of more than 64 bits";
    case DEVICE_VALUE_NO_TEXT:
        return "text with \\u0000 or an unpaired surrogate";
    case DEVICE_VALUE_NOT_UTF8:
        return "text that is not UTF-8";
    case DEVICE_VALUE_NO_BOOLEAN:
        return "a value that is neither 0 nor 1";
    case DEVICE_VALUE_GOOD:
        break;
    }
    return "a value";
}

static void give_text(device_value *ret, sh_slice text)
{
    ret->value = (sh_value){.kind = SH_VALUE_TEXT, .text = text};
}

static void give_integer(device_value *ret, int64_t integer)
{
    ret->value = (sh_value){.kind = SH_VALUE_INTEGER, .integer = integer};
}

static void give_fault(device_value *ret, device_value_fault fault)
{
    *ret = (device_value){.value.kind = SH_VALUE_NULL, .fault = fault};
}

/* The text of a string; unescapes it into the storage if necessary. */
static sh_err read_string(const sh_json_scan_member *member, const device_value_room *room,
                          device_value *ret)
{
    give_text(ret, member->value);
    if (member->not_utf8)
        give_fault(ret, DEVICE_VALUE_NOT_UTF8);
    if (member->not_utf8 || !member->escaped)
        return SH_OK;
    sh_buf *storage = room->storage;
    size_t from = storage->len;
    /*
     * The first one reserves the maximum, so that texts do not move: unescaping only shrinks them.
     */
    sh_err err = sh_buf_reserve(storage, storage->limit);
    if (err == SH_OK)
        err = sh_json_unescape(member->value, storage);
    if (err == SH_E_FORMAT) {
        give_fault(ret, DEVICE_VALUE_NO_TEXT);
        return SH_OK;
    }
    if (err != SH_OK)
        return SH_E_MEMORY;
    give_text(ret, (sh_slice){storage->data + from, storage->len - from});
    return SH_OK;
}

/* A JSON number in a text column. */
static void read_number_text(const sh_column *column, sh_slice json, const device_value_room *room,
                             device_value *ret)
{
    number_value n = number_read(json);
    bool whole = number_is_whole(json);
    bool as_text = column != NULL && column->text_affinity;
    if (n.kind == NUMBER_NONE)
        give_fault(ret, DEVICE_VALUE_INFINITE);
    else if (whole && n.kind == NUMBER_REAL)
        give_fault(ret, DEVICE_VALUE_TOO_LARGE);
    else if (whole && n.integer != 0) /* not "-0" */
        give_text(ret, json);
    else if (n.kind == NUMBER_INTEGER && !(as_text && !whole))
        give_text(ret, number_of_integer(n.integer, room->short_text));
    else if (as_text)
        give_text(ret, number_as_text(n.kind == NUMBER_REAL ? n.real : (double)n.integer,
                                      room->short_text));
    else
        give_text(ret, number_shortest(n.real, room->short_text));
}

/* A JSON number in a column of integers; other numbers are stored as reals. */
static void read_number(sh_slice json, const device_value_room *room, device_value *ret)
{
    number_value n = number_read(json);
    if (n.kind == NUMBER_INTEGER)
        give_integer(ret, n.integer);
    else if (n.kind == NUMBER_NONE)
        give_fault(ret, DEVICE_VALUE_INFINITE);
    else if (number_is_whole(json))
        give_fault(ret, DEVICE_VALUE_TOO_LARGE);
    else
        give_text(ret, number_shortest(n.real, room->short_text));
}

/* Converts text that is a number, as SQLite does. */
static void convert_text(const device_value_room *room, device_value *ret)
{
    number_value n = number_read(ret->value.text);
    if (n.kind == NUMBER_INTEGER)
        give_integer(ret, n.integer);
    else if (n.kind == NUMBER_REAL)
        give_text(ret, number_shortest(n.real, room->short_text));
}

static sh_err read_in_number_column(const sh_json_scan_member *member,
                                    const device_value_room *room, device_value *ret)
{
    if (member->type == SH_JSON_SCAN_NUMBER) {
        read_number(member->value, room, ret);
        return SH_OK;
    }
    assert(member->type == SH_JSON_SCAN_STRING);
    sh_err err = read_string(member, room, ret);
    if (err == SH_OK && ret->fault == DEVICE_VALUE_GOOD)
        convert_text(room, ret);
    return err;
}

static void check_boolean(device_value *ret)
{
    const sh_value *value = &ret->value;
    bool good = value->kind == SH_VALUE_INTEGER && (value->integer == 0 || value->integer == 1);
    if (ret->fault == DEVICE_VALUE_GOOD && !good)
        give_fault(ret, DEVICE_VALUE_NO_BOOLEAN);
}

sh_err device_value_text(const sh_json_scan_member *member, const device_value_room *room,
                         device_value *ret)
{
    *ret = (device_value){.fault = DEVICE_VALUE_GOOD};
    if (member->type == SH_JSON_SCAN_STRING)
        return read_string(member, room, ret);
    if (member->type == SH_JSON_SCAN_NUMBER)
        read_number_text(NULL, member->value, room, ret);
    else
        give_fault(ret, DEVICE_VALUE_NO_SCALAR);
    return SH_OK;
}

static sh_err read_scalar(const sh_column *column, const sh_json_scan_member *member,
                          const device_value_room *room, device_value *ret)
{
    bool numbers = column->kind == SH_COLUMN_INTEGER || column->kind == SH_COLUMN_BOOLEAN;
    sh_err err = SH_OK;
    if (numbers)
        err = read_in_number_column(member, room, ret);
    else if (member->type == SH_JSON_SCAN_STRING)
        err = read_string(member, room, ret);
    else
        read_number_text(column, member->value, room, ret);
    if (err == SH_OK && column->kind == SH_COLUMN_BOOLEAN)
        check_boolean(ret);
    return err;
}

sh_err device_value_read(const sh_column *column, const sh_json_scan_member *member,
                         const device_value_room *room, device_value *ret)
{
    bool numbers = column->kind == SH_COLUMN_INTEGER || column->kind == SH_COLUMN_BOOLEAN;
    *ret = (device_value){.fault = DEVICE_VALUE_GOOD};
    switch (member->type) {
    case SH_JSON_SCAN_STRING:
    case SH_JSON_SCAN_NUMBER:
        return read_scalar(column, member, room, ret);
    case SH_JSON_SCAN_BOOLEAN: {
        int64_t integer = member->value.data[0] == 't';
        if (numbers)
            give_integer(ret, integer);
        else
            give_text(ret, integer == 1 ? SH_SLICE("1") : SH_SLICE("0"));
        break;
    }
    case SH_JSON_SCAN_NOT_FINITE:
        give_fault(ret, DEVICE_VALUE_INFINITE);
        break;
    case SH_JSON_SCAN_ARRAY:
    case SH_JSON_SCAN_OBJECT:
        give_fault(ret, DEVICE_VALUE_NO_SCALAR);
        break;
    case SH_JSON_SCAN_NULL:
        break;
    }
    return SH_OK;
}
