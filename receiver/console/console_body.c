/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/console/console_body.h"

#include <inttypes.h>
#include <string.h>

static const char *const kind_names[] = {[CONSOLE_BODY_TEXT] = "a text",
                                         [CONSOLE_BODY_FLAG] = "true or false",
                                         [CONSOLE_BODY_INTEGER] = "an integer",
                                         [CONSOLE_BODY_ARRAY] = "an array"};

static bool is_kind(console_body_kind kind, sh_json_kind of_value)
{
    switch (kind) {
    case CONSOLE_BODY_TEXT:
        return of_value == SH_JSON_STRING;
    case CONSOLE_BODY_FLAG:
        return of_value == SH_JSON_TRUE || of_value == SH_JSON_FALSE;
    case CONSOLE_BODY_INTEGER:
        return of_value == SH_JSON_INTEGER;
    case CONSOLE_BODY_ARRAY:
        return of_value == SH_JSON_ARRAY;
    default:
        return true;
    }
}

static sh_err read_integer(const console_body_field *field, const sh_json *value, sh_error *error)
{
    int64_t number = sh_json_integer(value);
    bool limited = field->least != 0 || field->largest != 0;
    if (limited && (number < field->least || number > field->largest))
        return sh_fail(error, SH_E_FORMAT, "`%s` takes %" PRId64 " to %" PRId64, field->name,
                       field->least, field->largest);
    *(int64_t *)field->ret = number;
    return SH_OK;
}

static sh_err read_field(const console_body_field *field, const sh_json *value, sh_error *error)
{
    if (!is_kind(field->kind, sh_json_kind_of(value)))
        return sh_fail(error, SH_E_FORMAT, "`%s` must be %s", field->name, kind_names[field->kind]);
    switch (field->kind) {
    case CONSOLE_BODY_TEXT:
        *(const char **)field->ret = sh_json_text(value).data;
        break;
    case CONSOLE_BODY_FLAG:
        *(bool *)field->ret = sh_json_kind_of(value) == SH_JSON_TRUE;
        break;
    case CONSOLE_BODY_INTEGER:
        return read_integer(field, value, error);
    default:
        *(const sh_json **)field->ret = value;
        break;
    }
    return SH_OK;
}

typedef struct {
    const console_body_field *fields;
    size_t count;
} known_fields;

static sh_err check_name(void *context, sh_slice key, const sh_json *value, sh_error *error)
{
    const known_fields *known = context;
    (void)value;
    for (size_t i = 0; i < known->count; i++)
        if (sh_slice_equals(key, sh_slice_of(known->fields[i].name)))
            return SH_OK;
    return sh_fail(error, SH_E_FORMAT, "this request has no member `%.64s`", key.data);
}

sh_err console_body_read(const sh_json *body, const console_body_field fields[], size_t count,
                         sh_error *error)
{
    known_fields known = {fields, count};
    sh_err err = body == NULL ? SH_OK : sh_json_each_member(body, check_name, &known, error);
    for (size_t i = 0; i < count && err == SH_OK; i++) {
        const sh_json *value = body == NULL ? NULL : sh_json_member(body, fields[i].name);
        bool is_null = value != NULL && sh_json_kind_of(value) == SH_JSON_NULL;
        if (value != NULL && (!is_null || fields[i].kind == CONSOLE_BODY_ANY))
            err = read_field(&fields[i], value, error);
        else if (fields[i].required)
            err = sh_fail(error, SH_E_FORMAT, "`%s` is missing", fields[i].name);
    }
    return err;
}
