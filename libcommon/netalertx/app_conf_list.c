/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/netalertx/app_conf_list.h"

#include "libcommon/base/cleanup.h"
#include "libcommon/base/limits.h"
#include "libcommon/netalertx/app_conf_literal.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define FORMS "use ['a','b'], [\"a\",\"b\"] or a,b"

void sh_list_reset(sh_list *list)
{
    if (list == NULL)
        return;
    for (size_t i = 0; i < list->count; i++)
        free(list->items[i]);
    free(list->items);
    *list = (sh_list){0};
}

/* Grows items when count is a power of two, which is then the capacity. */
static sh_err reserve_item(sh_list *list)
{
    if ((list->count & (list->count - 1)) != 0)
        return SH_OK;
    size_t capacity = list->count == 0 ? 1 : 2 * list->count;
    char **items = realloc(list->items, capacity * sizeof *items);
    if (items == NULL)
        return SH_E_MEMORY;
    list->items = items;
    return SH_OK;
}

sh_err sh_list_add(sh_list *list, sh_slice text)
{
    if (list->count >= SH_LIST_MAX)
        return SH_E_LIMIT;
    char *copy = malloc(text.len + 1);
    if (copy == NULL)
        return SH_E_MEMORY;
    if (text.len > 0)
        memcpy(copy, text.data, text.len);
    copy[text.len] = '\0';
    if (reserve_item(list) != SH_OK) {
        free(copy);
        return SH_E_MEMORY;
    }
    list->items[list->count++] = copy;
    return SH_OK;
}

/* As sh_list_add(), with a message; ignores an empty entry. */
static sh_err add_entry(sh_list *list, sh_slice text, sh_error *error)
{
    if (text.len == 0)
        return SH_OK;
    sh_err err = sh_list_add(list, text);
    if (err == SH_E_LIMIT)
        return sh_fail(error, err, "the list has more than %d entries", SH_LIST_MAX);
    if (err != SH_OK)
        return sh_fail(error, err, "out of memory");
    return SH_OK;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\f' || c == '\v';
}

/* Skips white space and comments. */
static void skip_blank(sh_slice text, size_t *at)
{
    while (*at < text.len) {
        if (text.data[*at] == '#') {
            while (*at < text.len && text.data[*at] != '\n')
                (*at)++;
        } else if (is_space(text.data[*at])) {
            (*at)++;
        } else {
            return;
        }
    }
}

static sh_err read_quoted(sh_slice text, size_t *at, sh_list *list, sh_error *error)
{
    SH_CLEANUP(sh_buf_reset) sh_buf entry = SH_BUF_INIT(SH_SETTING_MAX);
    sh_slice rest = {.data = text.data + *at, .len = text.len - *at};
    if (!sh_literal_starts(rest))
        return sh_fail(error, SH_E_FORMAT,
                       "character %zu of the list: expected a quoted entry; " FORMS, *at + 1);
    sh_error why = {0};
    size_t used = 0;
    sh_err err = sh_literal_read(rest, SH_LITERAL_JSON, &entry, &used, &why);
    if (err != SH_OK)
        return sh_fail(error, err, "character %zu of the list: %s; " FORMS, *at + 1, why.message);
    *at += used;
    return add_entry(list, (sh_slice){.data = entry.data, .len = entry.len}, error);
}

/* Reads `[…]`; text[0] is the bracket. */
static sh_err read_brackets(sh_slice text, sh_list *list, sh_error *error)
{
    size_t at = 1;
    bool comma_due = false;
    for (;;) {
        skip_blank(text, &at);
        if (at >= text.len)
            return sh_fail(error, SH_E_FORMAT, "the list has no closing ']'; " FORMS);
        char c = text.data[at];
        if (c == ']')
            break;
        if (comma_due != (c == ','))
            return sh_fail(error, SH_E_FORMAT, "character %zu of the list: %s; " FORMS, at + 1,
                           comma_due ? "expected a comma or ']'" : "expected an entry");
        if (comma_due) {
            at++;
        } else {
            sh_err err = read_quoted(text, &at, list, error);
            if (err != SH_OK)
                return err;
        }
        comma_due = !comma_due;
    }
    at++;
    skip_blank(text, &at);
    if (at < text.len)
        return sh_fail(error, SH_E_FORMAT, "character %zu: unexpected text after the list; " FORMS,
                       at + 1);
    return SH_OK;
}

/* The length of the entry at text, up to a comma or a line end. */
static size_t entry_len(const char *text, size_t len)
{
    const char *comma = memchr(text, ',', len);
    len = comma == NULL ? len : (size_t)(comma - text);
    const char *line = memchr(text, '\n', len);
    return line == NULL ? len : (size_t)(line - text);
}

static sh_err read_commas(sh_slice text, sh_list *list, sh_error *error)
{
    size_t at = 0;
    while (at < text.len) {
        size_t len = entry_len(text.data + at, text.len - at);
        sh_slice entry = sh_slice_trim((sh_slice){.data = text.data + at, .len = len});
        if (entry.len > 0 && (memchr("'\"[]", entry.data[0], 4) != NULL))
            return sh_fail(error, SH_E_FORMAT,
                           "character %zu: quoted entries must be inside [ ]; " FORMS, at + 1);
        if (entry.len > 0 && memchr(entry.data, '\0', entry.len) != NULL)
            return sh_fail(error, SH_E_FORMAT, "an entry contains a NUL character");
        sh_err err = add_entry(list, entry, error);
        if (err != SH_OK)
            return err;
        at += len + 1;
    }
    return SH_OK;
}

sh_err sh_list_read(sh_slice text, sh_list *ret, sh_error *error)
{
    sh_list list = {0};
    sh_err err = SH_OK;
    text = sh_slice_trim(text);
    if (text.len > 0)
        err = text.data[0] == '[' ? read_brackets(text, &list, error)
                                  : read_commas(text, &list, error);
    if (err == SH_OK)
        *ret = list;
    else
        sh_list_reset(&list);
    return err;
}
