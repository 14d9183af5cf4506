/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/netalertx/plugin_lines.h"

#include "libcommon/base/limits.h"
#include "libcommon/base/utf8.h"

#include <assert.h>
#include <string.h>

#define COLUMNS_SHORT 9
#define COLUMNS_LONG SH_PLUGIN_FIELDS

void sh_plugin_lines_init(sh_plugin_lines *lines, const char *text, size_t len)
{
    assert(text != NULL || len == 0);
    lines->rest = (sh_slice){.data = text, .len = len};
    lines->line = 0;
}

/* Removes one line from the rest and returns it without its line end. */
static sh_slice next_line(sh_plugin_lines *lines)
{
    sh_slice line = lines->rest;
    const char *end = memchr(line.data, '\n', line.len);
    if (end == NULL) {
        lines->rest.data += line.len;
        lines->rest.len = 0;
    } else {
        line.len = (size_t)(end - line.data);
        lines->rest.data = end + 1;
        lines->rest.len -= line.len + 1;
    }
    if (line.len > 0 && line.data[line.len - 1] == '\r')
        line.len--;
    lines->line++;
    return line;
}

/* Splits a line at '|', stores up to 13 columns and returns the number of all columns. */
static size_t split_columns(sh_slice line, sh_slice field[static SH_PLUGIN_FIELDS])
{
    size_t columns = 0;
    for (;;) {
        const char *bar = line.len == 0 ? NULL : memchr(line.data, '|', line.len);
        sh_slice one = line;
        if (bar != NULL)
            one.len = (size_t)(bar - line.data);
        if (columns < SH_PLUGIN_FIELDS)
            field[columns] = one;
        columns++;
        if (bar == NULL)
            return columns;
        line.data = bar + 1;
        line.len -= one.len + 1;
    }
}

static void clear_missing_columns(sh_plugin_line *line)
{
    for (size_t i = line->columns; i < SH_PLUGIN_FIELDS; i++)
        line->field[i] = SH_SLICE("");
}

static sh_err read_line(sh_slice text, size_t number, sh_plugin_line *ret, sh_error *error)
{
    if (text.len > SH_PLUGIN_LINE_MAX)
        return sh_fail(error, SH_E_LIMIT, "line %zu has %zu bytes, more than %lu", number, text.len,
                       SH_PLUGIN_LINE_MAX);
    if (memchr(text.data, '\0', text.len) != NULL)
        return sh_fail(error, SH_E_FORMAT, "line %zu contains a NUL byte", number);
    if (!sh_utf8_is_valid(text.data, text.len))
        return sh_fail(error, SH_E_FORMAT, "line %zu is not UTF-8", number);
    sh_plugin_line line = {.columns = 0, .text = text};
    line.columns = split_columns(text, line.field);
    if (line.columns != COLUMNS_SHORT && line.columns != COLUMNS_LONG)
        return sh_fail(error, SH_E_FORMAT, "line %zu has %zu columns instead of %d or %d", number,
                       line.columns, COLUMNS_SHORT, COLUMNS_LONG);
    if (sh_slice_trim(line.field[SH_PLUGIN_PRIMARY_ID]).len == 0)
        return sh_fail(error, SH_E_FORMAT, "line %zu has no primary id", number);
    clear_missing_columns(&line);
    *ret = line;
    return SH_OK;
}

void sh_plugin_line_split(sh_slice text, sh_plugin_line *ret)
{
    ret->text = text;
    ret->columns = split_columns(text, ret->field);
    clear_missing_columns(ret);
}

sh_err sh_plugin_lines_next(sh_plugin_lines *lines, sh_plugin_line *ret, bool *more,
                            sh_error *error)
{
    while (lines->rest.len > 0 && lines->line < SH_PLUGIN_LINES_MAX) {
        sh_slice text = next_line(lines);
        if (sh_slice_trim(text).len == 0)
            continue;
        *more = true;
        return read_line(text, lines->line, ret, error);
    }
    *more = false;
    return SH_OK;
}

/* Whether any line is valid; *why has the first failure. SH_E_LIMIT for too many lines. */
static sh_err find_valid_line(const char *text, size_t len, bool *found, bool *blank, sh_error *why)
{
    sh_plugin_lines lines;
    sh_plugin_lines_init(&lines, text, len);
    *found = false;
    *blank = true;
    for (;;) {
        sh_plugin_line line;
        bool more = false;
        sh_err err = sh_plugin_lines_next(&lines, &line, &more, why);
        if (!more)
            return lines.rest.len > 0 ? SH_E_LIMIT : SH_OK;
        *blank = false;
        *found = *found || err == SH_OK;
    }
}

sh_err sh_plugin_text_check(const char *text, size_t len, sh_error *error)
{
    if (len == 0)
        return SH_OK;
    if (memchr(text, '\0', len) != NULL)
        return sh_fail(error, SH_E_FORMAT, "the plugin result contains a NUL byte");
    if (!sh_utf8_is_valid(text, len))
        return sh_fail(error, SH_E_FORMAT, "the plugin result is not UTF-8");
    bool found = false;
    bool blank = false;
    sh_error why = {.code = SH_OK};
    if (find_valid_line(text, len, &found, &blank, &why) != SH_OK)
        return sh_fail(error, SH_E_LIMIT, "the plugin result has more than %d lines",
                       SH_PLUGIN_LINES_MAX);
    if (!found && !blank)
        return sh_fail(error, SH_E_FORMAT, "no line of the plugin result is valid: %s",
                       why.message);
    return SH_OK;
}
