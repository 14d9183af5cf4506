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
 * A sh_json is Jansson's json_t under a name of ours: documents are only ever read, so the casts
 * lose nothing.
 */
static json_t *node_of(const sh_json *value)
{
    return (json_t *)value;
}

/*
 * Jansson's own depth limit is 2048 and it descends by recursion, so the nesting is measured
 * before. Brackets inside strings do not count. Text that is no JSON passes: Jansson says what is
 * wrong.
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

/* Jansson's own words quote the text, which may be a payload: so the words are ours. */
static const char *words_of(enum json_error_code code)
{
    switch (code) {
    case json_error_invalid_utf8:
        return "it is not UTF-8";
    case json_error_premature_end_of_input:
        return "it ends too early";
    case json_error_end_of_input_expected:
        return "something follows after its end";
    case json_error_null_character:
    case json_error_null_byte_in_key:
        return "a string holds \\u0000";
    case json_error_duplicate_key:
        return "a key comes twice in one object";
    case json_error_numeric_overflow:
        return "a number is too large";
    case json_error_stack_overflow:
        return "it is nested too deep";
    default:
        return "a character there is out of place";
    }
}

/*
 * Where an allocation fails deep inside, Jansson reports a syntax error or nothing at all. Taken
 * for malformed, a good row would be set aside for good, so failed allocations are noted here.
 */
static _Thread_local bool allocation_failed;

static void *noting_malloc(size_t bytes)
{
    void *memory = malloc(bytes);
    if (memory == NULL)
        allocation_failed = true;
    return memory;
}

static void set_allocation(void)
{
    json_set_alloc_funcs(noting_malloc, free);
}

static sh_err fail_from(const json_error_t *problem, sh_error *error)
{
    enum json_error_code code = json_error_code(problem);
    if (code == json_error_out_of_memory || allocation_failed)
        return sh_fail(error, SH_E_MEMORY, "out of memory while reading JSON");
    return sh_fail(error, SH_E_FORMAT, "not valid JSON at line %d, column %d: %s", problem->line,
                   problem->column, words_of(code));
}

sh_err sh_json_parse(const char *text, size_t len, sh_json **ret, sh_error *error)
{
    assert(text != NULL || len == 0);
    if (is_too_deep(text, len))
        return sh_fail(error, SH_E_LIMIT, "JSON nested deeper than %d levels", SH_JSON_DEPTH_MAX);
    /* Jansson passes over a NUL that stands behind a number. */
    if (len > 0 && memchr(text, '\0', len) != NULL)
        return sh_fail(error, SH_E_FORMAT, "not valid JSON: it holds a NUL");
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    (void)pthread_once(&once, set_allocation);
    allocation_failed = false;
    json_error_t problem = {.text = ""};
    json_t *root =
        json_loadb(len == 0 ? "" : text, len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &problem);
    if (root == NULL)
        return fail_from(&problem, error);
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

void sh_json_library(char ret[static SH_LIBRARY_BYTES])
{
    (void)snprintf(ret, SH_LIBRARY_BYTES, "jansson %s", jansson_version_str());
}
