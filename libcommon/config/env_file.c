/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/config/env_file.h"

#include "libcommon/base/buffer.h"
#include "libcommon/base/cleanup.h"
#include "libcommon/base/limits.h"

#include <string.h>

typedef struct {
    sh_slice text;
    size_t at;
    size_t line; /* of text[at], from 1 */
} reader;

static bool at_end(const reader *r)
{
    return r->at >= r->text.len;
}

/* Consumes a character. Precondition: not at the end. */
static char next_char(reader *r)
{
    char c = r->text.data[r->at++];
    r->line += c == '\n';
    return c;
}

static bool is_line_end(char c)
{
    return c == '\n' || c == '\r';
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || is_line_end(c);
}

static void skip_spaces(reader *r)
{
    while (!at_end(r) && is_space(r->text.data[r->at]))
        (void)next_char(r);
}

/* A comment ends at the end of the line, unless a backslash continues it. */
static void skip_comment(reader *r)
{
    bool escaped = false;
    while (!at_end(r)) {
        char c = next_char(r);
        if (is_line_end(c) && !escaped)
            return;
        escaped = c == '\\' && !escaped;
    }
}

static sh_err read_name(reader *r, sh_slice *ret, sh_error *error)
{
    size_t begin = r->at;
    size_t line = r->line;
    while (!at_end(r) && r->text.data[r->at] != '=' && !is_line_end(r->text.data[r->at]))
        r->at++;
    if (at_end(r) || r->text.data[r->at] != '=')
        return sh_fail(error, SH_E_FORMAT, "line %zu has no '=': use NAME=value", line);
    *ret = sh_slice_trim((sh_slice){r->text.data + begin, r->at - begin});
    r->at++;
    return SH_OK;
}

/* Reads up to the closing quote. Precondition: the opening quote was consumed. */
static sh_err read_quoted(reader *r, char quote, sh_buf *value, sh_error *error)
{
    size_t line = r->line;
    sh_err err = SH_OK;
    while (err == SH_OK && !at_end(r)) {
        char c = next_char(r);
        if (c == quote)
            return SH_OK;
        if (c == '\\' && quote == '"' && !at_end(r)) {
            char escaped = next_char(r);
            if (escaped == '\n')
                continue;
            if (strchr("\"\\`$", escaped) == NULL || escaped == '\0')
                err = sh_buf_append(value, &c, 1);
            c = escaped;
        }
        if (err == SH_OK)
            err = sh_buf_append(value, &c, 1);
    }
    if (err != SH_OK)
        return sh_fail(error, err, "line %zu: the value is too long", line);
    return sh_fail(error, SH_E_FORMAT, "line %zu has an unterminated quote (%c)", line, quote);
}

/* Reads unquoted text up to the end of the line; quotes in it are ordinary characters. */
static sh_err read_unquoted(reader *r, sh_buf *value, sh_error *error)
{
    size_t kept = value->len; /* without unescaped trailing white space */
    while (!at_end(r) && !is_line_end(r->text.data[r->at])) {
        char c = next_char(r);
        bool escaped = c == '\\' && !at_end(r);
        if (escaped)
            c = next_char(r);
        if (escaped && c == '\n')
            continue;
        if (sh_buf_append(value, &c, 1) != SH_OK)
            return sh_fail(error, SH_E_LIMIT, "line %zu: the value is too long", r->line);
        if (escaped || !is_space(c))
            kept = value->len;
    }
    value->len = kept;
    return SH_OK;
}

static sh_err read_value(reader *r, sh_buf *value, sh_error *error)
{
    sh_err err = SH_OK;
    while (err == SH_OK && !at_end(r) && !is_line_end(r->text.data[r->at])) {
        char c = r->text.data[r->at];
        if (c == '\'' || c == '"') {
            r->at++;
            err = read_quoted(r, c, value, error);
        } else if (c == ' ' || c == '\t') {
            r->at++;
        } else {
            err = read_unquoted(r, value, error);
        }
    }
    return err;
}

sh_err sh_env_file_read(sh_slice text, sh_env_file_set set, void *context, sh_error *error)
{
    reader r = {.text = text, .line = 1};
    for (;;) {
        skip_spaces(&r);
        if (at_end(&r))
            return SH_OK;
        if (r.text.data[r.at] == '#' || r.text.data[r.at] == ';') {
            skip_comment(&r);
            continue;
        }
        sh_slice name;
        SH_CLEANUP(sh_buf_wipe) sh_buf value = SH_BUF_INIT(SH_SETTING_LIST_MAX + 1);
        sh_err err = read_name(&r, &name, error);
        if (err == SH_OK)
            err = read_value(&r, &value, error);
        if (err == SH_OK)
            err = set(context, name, (sh_slice){value.data, value.len}, error);
        if (err != SH_OK)
            return err;
    }
}
