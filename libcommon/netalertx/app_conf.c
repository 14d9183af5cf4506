/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/netalertx/app_conf.h"

#include "libcommon/base/cleanup.h"
#include "libcommon/base/limits.h"
#include "libcommon/base/utf8.h"
#include "libcommon/netalertx/app_conf_literal.h"

#include <string.h>
#include <strings.h>

typedef struct {
    sh_slice text;
    size_t at;
    size_t line; /* of text[at], from 1 */
} reader;

static sh_slice rest_of(const reader *r)
{
    return (sh_slice){.data = r->text.data + r->at, .len = r->text.len - r->at};
}

static bool at_end(const reader *r)
{
    return r->at >= r->text.len;
}

static char peek(const reader *r)
{
    return at_end(r) ? '\n' : r->text.data[r->at];
}

static void advance(reader *r, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (r->text.data[r->at + i] == '\n')
            r->line++;
    }
    r->at += len;
}

static bool is_name_character(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

static void skip_spaces(reader *r)
{
    while (!at_end(r) && (peek(r) == ' ' || peek(r) == '\t' || peek(r) == '\f'))
        r->at++;
}

static void skip_comment(reader *r)
{
    while (!at_end(r) && peek(r) != '\n')
        r->at++;
}

/*
 * Skips one Python token other than a line end and tracks the bracket depth. Recognizes what
 * determines the end of a statement: strings, comments, brackets and continued lines.
 */
static sh_err skip_token(reader *r, size_t *depth, sh_error *error)
{
    char c = peek(r);
    if (sh_literal_starts(rest_of(r))) {
        size_t used;
        size_t line = r->line;
        bool closed = sh_literal_skip(rest_of(r), &used);
        advance(r, used);
        if (!closed && at_end(r))
            return sh_fail(error, SH_E_FORMAT, "line %zu: unterminated string", line);
        return SH_OK;
    }
    if (c == '#') {
        skip_comment(r);
    } else if (is_name_character(c)) {
        while (!at_end(r) && is_name_character(peek(r)))
            r->at++;
    } else {
        if (c == '(' || c == '[' || c == '{')
            (*depth)++;
        else if ((c == ')' || c == ']' || c == '}') && *depth > 0)
            (*depth)--;
        else if (c == '\\' && r->text.len - r->at > 1)
            advance(r, 1);
        if (c == '\\' && peek(r) == '\r' && r->text.len - r->at > 1)
            advance(r, 1);
        if (!at_end(r))
            advance(r, 1);
    }
    return SH_OK;
}

/* Skips the rest of a statement and its line end. */
static sh_err skip_statement(reader *r, sh_error *error)
{
    size_t depth = 0;
    size_t line = r->line;
    while (!at_end(r)) {
        if (peek(r) == '\n') {
            advance(r, 1);
            if (depth == 0)
                return SH_OK;
            continue;
        }
        sh_err err = skip_token(r, &depth, error);
        if (err != SH_OK)
            return err;
    }
    if (depth > 0)
        return sh_fail(error, SH_E_FORMAT, "line %zu: unclosed bracket", line);
    return SH_OK;
}

/* Reads `'a'`, or adjacent literals `'a' 'b'`, which Python concatenates. */
static sh_err read_strings(reader *r, sh_buf *value, sh_error *error)
{
    while (sh_literal_starts(rest_of(r))) {
        size_t used;
        sh_err err = sh_literal_read(rest_of(r), SH_LITERAL_PYTHON, value, &used, error);
        if (err != SH_OK)
            return err;
        advance(r, used);
        skip_spaces(r);
    }
    return SH_OK;
}

/* Fails for a string that cannot be read, with its own line, as lists extend over many lines. */
static sh_err check_entry(const reader *r, sh_app_conf_item *item, sh_error *error)
{
    size_t used;
    SH_CLEANUP(sh_buf_wipe) sh_buf entry = SH_BUF_INIT(SH_SETTING_MAX);
    sh_error why = {0};
    if (!sh_literal_starts(rest_of(r)) || !sh_literal_skip(rest_of(r), &used))
        return SH_OK;
    sh_err err = sh_literal_read(rest_of(r), SH_LITERAL_PYTHON, &entry, &used, &why);
    if (err == SH_OK)
        return SH_OK;
    item->line = r->line;
    return sh_fail(error, err, "%s", why.message);
}

static sh_err read_list(reader *r, sh_app_conf_item *item, sh_error *error)
{
    size_t begin = r->at;
    size_t depth = 0;
    sh_slice *value = &item->value;
    do {
        if (at_end(r))
            return sh_fail(error, SH_E_FORMAT, "the list has no closing ']'");
        sh_err err = check_entry(r, item, error);
        if (err != SH_OK)
            return err;
        if (peek(r) == '\n')
            advance(r, 1);
        else
            err = skip_token(r, &depth, error);
        if (err != SH_OK)
            return err;
    } while (depth > 0);
    *value = (sh_slice){.data = r->text.data + begin, .len = r->at - begin};
    if (value->len > SH_SETTING_LIST_MAX)
        return sh_fail(error, SH_E_FORMAT, "the list is longer than %lu bytes",
                       SH_SETTING_LIST_MAX);
    return SH_OK;
}

/* Reads True, False, None or a number. */
static sh_err read_word(reader *r, sh_slice *value, sh_error *error)
{
    size_t begin = r->at;
    while (!at_end(r) && (is_name_character(peek(r)) || strchr("+-.", peek(r)) != NULL))
        r->at++;
    *value = (sh_slice){.data = r->text.data + begin, .len = r->at - begin};
    if (sh_slice_equals(*value, SH_SLICE("None")))
        *value = (sh_slice){.data = "", .len = 0};
    else if (value->len == 0 || (!sh_slice_equals(*value, SH_SLICE("True")) &&
                                 !sh_slice_equals(*value, SH_SLICE("False")) &&
                                 strchr("+-.0123456789", value->data[0]) == NULL))
        return sh_fail(error, SH_E_FORMAT,
                       "expected a literal: 'text' in quotes, True, False, a number or a list");
    return SH_OK;
}

static sh_err read_value(reader *r, sh_buf *buf, sh_app_conf_item *item, sh_error *error)
{
    sh_err err;
    if (sh_literal_starts(rest_of(r))) {
        err = read_strings(r, buf, error);
        item->value = (sh_slice){.data = buf->data == NULL ? "" : buf->data, .len = buf->len};
    } else if (peek(r) == '[') {
        item->is_list = true;
        err = read_list(r, item, error);
    } else {
        err = read_word(r, &item->value, error);
    }
    if (err != SH_OK)
        return err;
    skip_spaces(r);
    if (peek(r) == '#')
        skip_comment(r);
    if (peek(r) == '\r')
        r->at++;
    if (peek(r) != '\n')
        return sh_fail(error, SH_E_FORMAT, "unexpected text after the literal");
    if (!at_end(r))
        advance(r, 1);
    return SH_OK;
}

static bool is_setting_name(sh_slice name)
{
    static const char metadata[] = "__metadata";
    size_t len = sizeof metadata - 1;
    if (name.len >= len && memcmp(name.data + name.len - len, metadata, len) == 0)
        return false;
    return (name.len > 5 && strncasecmp(name.data, "SYNC_", 5) == 0) ||
           (name.len == 9 && strncasecmp(name.data, "API_TOKEN", 9) == 0);
}

/* Reads `NAME =` of a Sync Hub setting; false without moving the reader for other text. */
static bool read_setting_name(reader *r, sh_slice *name)
{
    reader probe = *r;
    while (!at_end(&probe) && is_name_character(peek(&probe)))
        probe.at++;
    *name = (sh_slice){.data = r->text.data + r->at, .len = probe.at - r->at};
    if (!is_setting_name(*name))
        return false;
    skip_spaces(&probe);
    sh_slice rest = rest_of(&probe);
    if (rest.len == 0 || rest.data[0] != '=' || (rest.len > 1 && rest.data[1] == '='))
        return false;
    probe.at++;
    skip_spaces(&probe);
    *r = probe;
    return true;
}

static sh_err read_assignment(reader *r, sh_slice name, sh_app_conf_set set, void *context,
                              sh_error *error)
{
    SH_CLEANUP(sh_buf_wipe) sh_buf buf = SH_BUF_INIT(SH_SETTING_MAX);
    sh_app_conf_item item = {.name = name, .line = r->line};
    const reader value = *r;
    sh_error why = {0}, invalid = {0};
    sh_err err = read_value(r, &buf, &item, &why);
    if (err == SH_E_MEMORY)
        return sh_fail(error, err, "out of memory");
    if (err == SH_OK)
        return set(context, &item, error);
    (void)sh_fail(&invalid, SH_E_FORMAT, "line %zu: %.*s: %s", item.line,
                  (int)(name.len < 100 ? name.len : 100), name.data, why.message);
    *r = value;
    bool ends_there = skip_statement(r, NULL) == SH_OK || r->line == value.line;
    if (!ends_there)
        return sh_fail(error, SH_E_FORMAT, "%s", invalid.message);
    item = (sh_app_conf_item){
        .name = name, .value = SH_SLICE(""), .line = item.line, .invalid = invalid.message};
    return set(context, &item, error);
}

sh_err sh_app_conf_read(const char *text, size_t len, sh_app_conf_set set, void *context,
                        sh_error *error)
{
    reader r = {.text = {.data = text, .len = len}, .line = 1};
    if (sh_utf8_has_bom(text, len))
        r.at = SH_UTF8_BOM_BYTES;
    while (!at_end(&r)) {
        sh_slice name;
        sh_err err = read_setting_name(&r, &name) ? read_assignment(&r, name, set, context, error)
                                                  : skip_statement(&r, error);
        if (err != SH_OK)
            return err;
    }
    return SH_OK;
}
