/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/json/json_read.h"

#include "libcommon/base/limits.h"

#include <assert.h>
#include <jansson.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * A sh_json is a Jansson json_t. The cast drops const, which is safe because documents are only
 * read.
 */
static json_t *node_of(const sh_json *value)
{
    return (json_t *)value;
}

/*
 * Checks the nesting before parsing: Jansson parses by recursion and its own limit is 2048. Ignores
 * brackets in strings. Does not detect invalid JSON; Jansson does.
 */
static bool is_too_deep(const char *text, size_t len)
{
    size_t depth = 0;
    bool in_string = false;
    for (size_t i = 0; i < len; i++) {
        char c = text[i];
        if (in_string) {
            if (c == '\\')
                i++;
            else if (c == '"')
                in_string = false;
        } else if (c == '"') {
            in_string = true;
        } else if (c == '[' || c == '{') {
            if (++depth > SH_JSON_DEPTH_MAX)
                return true;
        } else if ((c == ']' || c == '}') && depth > 0) {
            depth--;
        }
    }
    return false;
}

/* Replaces Jansson's messages, which quote the text: it can be a payload. */
static const char *describe_error(enum json_error_code code)
{
    switch (code) {
    case json_error_invalid_utf8:
        return "it is not UTF-8";
    case json_error_premature_end_of_input:
        return "it is truncated";
    case json_error_end_of_input_expected:
        return "trailing characters";
    case json_error_null_character:
    case json_error_null_byte_in_key:
        return "a string contains \\u0000";
    case json_error_duplicate_key:
        return "duplicate key in an object";
    case json_error_numeric_overflow:
        return "a number is out of range";
    case json_error_stack_overflow:
        return "it is nested too deeply";
    default:
        return "unexpected character";
    }
}

/*
 * Jansson reports some failed allocations as a syntax error or not at all. A valid row would then
 * be rejected permanently as malformed, so record failed allocations.
 */
static _Thread_local bool allocation_failed;

static void *recording_malloc(size_t bytes)
{
    void *memory = malloc(bytes);
    if (memory == NULL)
        allocation_failed = true;
    return memory;
}

static void set_alloc_funcs(void)
{
    json_set_alloc_funcs(recording_malloc, free);
}

static sh_err fail_with_json_error(const json_error_t *problem, sh_error *error)
{
    enum json_error_code code = json_error_code(problem);
    if (code == json_error_out_of_memory || allocation_failed)
        return sh_fail(error, SH_E_MEMORY, "out of memory while parsing JSON");
    return sh_fail(error, SH_E_FORMAT, "not valid JSON at line %d, column %d: %s", problem->line,
                   problem->column, describe_error(code));
}

sh_err sh_json_parse(const char *text, size_t len, sh_json **ret, sh_error *error)
{
    assert(text != NULL || len == 0);
    if (is_too_deep(text, len))
        return sh_fail(error, SH_E_LIMIT, "JSON nested deeper than %d levels", SH_JSON_DEPTH_MAX);
    /* Jansson accepts a NUL after a number. */
    if (len > 0 && memchr(text, '\0', len) != NULL)
        return sh_fail(error, SH_E_FORMAT, "not valid JSON: it contains a NUL");
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    (void)pthread_once(&once, set_alloc_funcs);
    allocation_failed = false;
    json_error_t problem = {.text = ""};
    json_t *root =
        json_loadb(len == 0 ? "" : text, len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &problem);
    if (root == NULL)
        return fail_with_json_error(&problem, error);
    *ret = (sh_json *)root;
    return SH_OK;
}

void sh_json_free(sh_json *document)
{
    json_decref((json_t *)document);
}

void sh_json_free_cleanup(sh_json **document)
{
    sh_json_free(*document);
}

sh_json_kind sh_json_kind_of(const sh_json *value)
{
    switch (json_typeof(node_of(value))) {
    case JSON_OBJECT:
        return SH_JSON_OBJECT;
    case JSON_ARRAY:
        return SH_JSON_ARRAY;
    case JSON_STRING:
        return SH_JSON_STRING;
    case JSON_INTEGER:
        return SH_JSON_INTEGER;
    case JSON_REAL:
        return SH_JSON_REAL;
    case JSON_TRUE:
        return SH_JSON_TRUE;
    case JSON_FALSE:
        return SH_JSON_FALSE;
    case JSON_NULL:
        break;
    }
    return SH_JSON_NULL;
}

sh_slice sh_json_text(const sh_json *value)
{
    assert(sh_json_kind_of(value) == SH_JSON_STRING);
    const json_t *node = node_of(value);
    return (sh_slice){.data = json_string_value(node), .len = json_string_length(node)};
}

int64_t sh_json_integer(const sh_json *value)
{
    assert(sh_json_kind_of(value) == SH_JSON_INTEGER);
    return (int64_t)json_integer_value(node_of(value));
}

double sh_json_real(const sh_json *value)
{
    assert(sh_json_kind_of(value) == SH_JSON_REAL);
    return json_real_value(node_of(value));
}

size_t sh_json_count(const sh_json *value)
{
    const json_t *node = node_of(value);
    return json_is_object(node) ? json_object_size(node) : json_array_size(node);
}

const sh_json *sh_json_at(const sh_json *array, size_t index)
{
    return (const sh_json *)json_array_get(node_of(array), index);
}

const sh_json *sh_json_member(const sh_json *object, const char *key)
{
    return (const sh_json *)json_object_get(node_of(object), key);
}

sh_err sh_json_each_member(const sh_json *object, sh_json_each each, void *context, sh_error *error)
{
    assert(sh_json_kind_of(object) == SH_JSON_OBJECT);
    json_t *node = node_of(object);
    sh_err err = SH_OK;
    for (void *at = json_object_iter(node); at != NULL && err == SH_OK;
         at = json_object_iter_next(node, at))
        err = each(context, sh_slice_of(json_object_iter_key(at)),
                   (const sh_json *)json_object_iter_value(at), error);
    return err;
}

void sh_json_library(char ret[static SH_LIBRARY_BYTES])
{
    (void)snprintf(ret, SH_LIBRARY_BYTES, "jansson %s", jansson_version_str());
}
