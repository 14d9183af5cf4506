/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/table_scan.h"

#include "libcommon/limits.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

#define SHAPE "a device table is {\"data\": [ {row}, ... ]}"

static bool is_space(char c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

static const char *skip_space(const char *p, const char *end)
{
    while (p < end && is_space(*p))
        p++;
    return p;
}

/* p is behind the opening quote; gives the place behind the closing one, or NULL where it is cut.
 */
static const char *skip_string(const char *p, const char *end)
{
    const char *from = p;
    for (;;) {
        const char *quote = memchr(p, '"', (size_t)(end - p));
        if (quote == NULL)
            return NULL;
        const char *back = quote;
        while (back > from && back[-1] == '\\')
            back--;
        if ((quote - back) % 2 == 0)
            return quote + 1;
        p = quote + 1;
    }
}

/* p is at a number or literal; gives the place behind it. */
static const char *skip_scalar(const char *p, const char *end)
{
    while (p < end && *p != ',' && *p != '}' && *p != ']' && *p != '{' && *p != '[' && *p != '"' &&
           *p != ':' && !is_space(*p))
        p++;
    return p;
}

/* What was found of "devMac" on the first level of a row. */
typedef struct {
    unsigned times;
    sh_slice mac;
    sh_scan_kind kind;
} mac_seen;

/* p is behind the ':' of "devMac". Looks only: the walk goes on from the same place. */
static void see_mac(const char *p, const char *end, mac_seen *seen)
{
    seen->times++;
    p = skip_space(p, end);
    if (p == end)
        return;
    if (*p == '"') {
        const char *after = skip_string(p + 1, end);
        if (after == NULL)
            return;
        sh_slice mac = {p + 1, (size_t)(after - p) - 2};
        bool escaped = memchr(mac.data, '\\', mac.len) != NULL;
        seen->kind = escaped ? SH_SCAN_MAC_UNCLEAR : SH_SCAN_MAC_TEXT;
        seen->mac = mac;
    } else {
        const char *after = skip_scalar(p, end);
        bool null = after - p == 4 && memcmp(p, "null", 4) == 0;
        seen->kind = null ? SH_SCAN_MAC_NONE : SH_SCAN_MAC_UNCLEAR;
    }
    if (seen->times > 1)
        seen->kind = SH_SCAN_MAC_UNCLEAR;
}

/* A key on the first level of a row: text between its quotes, p behind the closing one. */
static void see_key(sh_slice key, const char *p, const char *end, mac_seen *seen)
{
    if (memchr(key.data, '\\', key.len) != NULL) {
        /* It may spell "devMac" in escapes: only a parser can tell. */
        seen->times += 2;
        seen->kind = SH_SCAN_MAC_UNCLEAR;
        return;
    }
    if (!sh_slice_equals(key, SH_SLICE("devMac")))
        return;
    p = skip_space(p, end);
    if (p < end && *p == ':')
        see_mac(p + 1, end, seen);
}

typedef struct {
    uint64_t objects; /* bit n: level n is an object, else an array */
    unsigned depth;
    bool key_next; /* on the first level of an object: the next string is a key */
} levels;

static_assert(SH_JSON_DEPTH_MAX < 64, "levels are kept in the bits of one word");

/* Goes over one bracket; false where it does not match. */
static bool turn(levels *l, char c)
{
    if (c == '{' || c == '[') {
        l->objects = c == '{' ? l->objects | 1ULL << l->depth : l->objects & ~(1ULL << l->depth);
        l->depth++;
    } else {
        l->depth--;
        bool object = (l->objects >> l->depth & 1) != 0;
        if (object != (c == '}'))
            return false;
    }
    l->key_next = l->depth == 1 && c == '{';
    return true;
}

/*
 * p is at '{' or '['. Gives the place behind its partner; seen (may be NULL) is told of the keys on
 * the first level of an object.
 */
static sh_err skip_brackets(const char *p, const char *end, mac_seen *seen, const char **ret,
                            sh_error *error)
{
    levels l = {0};
    while (p < end) {
        char c = *p;
        switch (c) {
        case '"': {
            const char *after = skip_string(p + 1, end);
            if (after == NULL)
                return sh_fail(error, SH_E_FORMAT, "the table is cut inside a string");
            if (l.depth == 1 && l.key_next && seen != NULL)
                see_key((sh_slice){p + 1, (size_t)(after - p) - 2}, after, end, seen);
            p = after;
            continue;
        }
        case '{':
        case '[':
            if (l.depth == SH_JSON_DEPTH_MAX)
                return sh_fail(error, SH_E_LIMIT, "the table is nested deeper than %d levels",
                               SH_JSON_DEPTH_MAX);
            (void)turn(&l, c);
            break;
        case '}':
        case ']':
            if (!turn(&l, c))
                return sh_fail(error, SH_E_FORMAT, "the table's brackets do not match");
            if (l.depth == 0) {
                *ret = p + 1;
                return SH_OK;
            }
            break;
        case ',':
            l.key_next = l.depth == 1 && (l.objects & 1) != 0;
            break;
        case ':':
            l.key_next = false;
            break;
        default:
            break;
        }
        p++;
    }
    return sh_fail(error, SH_E_FORMAT, "the table is cut: a bracket is not closed");
}

/* Any value; p is at its first byte. */
static sh_err skip_value(const char *p, const char *end, mac_seen *seen, const char **ret,
                         sh_error *error)
{
    if (p < end && (*p == '{' || *p == '['))
        return skip_brackets(p, end, seen, ret, error);
    const char *after = NULL;
    if (p < end)
        after = *p == '"' ? skip_string(p + 1, end) : skip_scalar(p, end);
    if (after == NULL || after == p)
        return sh_fail(error, SH_E_FORMAT, "the table is cut or no JSON: a value is missing");
    *ret = after;
    return SH_OK;
}

/* Reads `"key" :` of the outermost object. */
static sh_err read_key(const char **p, const char *end, sh_slice *key, sh_error *error)
{
    const char *at = skip_space(*p, end);
    if (at == end || *at != '"')
        return sh_fail(error, SH_E_FORMAT, "the text is cut or no JSON; " SHAPE);
    const char *after = skip_string(at + 1, end);
    if (after == NULL)
        return sh_fail(error, SH_E_FORMAT, "the table is cut inside a string");
    *key = (sh_slice){at + 1, (size_t)(after - at) - 2};
    at = skip_space(after, end);
    if (at == end || *at != ':')
        return sh_fail(error, SH_E_FORMAT, "the text is cut or no JSON; " SHAPE);
    *p = skip_space(at + 1, end);
    return SH_OK;
}

sh_err sh_table_scan_init(sh_table_scan *scan, const char *text, size_t len, sh_error *error)
{
    const char *end = text + len;
    const char *p = skip_space(text, end);
    if (p == end)
        return sh_fail(error, SH_E_FORMAT, "the text is empty; " SHAPE);
    if (*p != '{')
        return sh_fail(error, SH_E_FORMAT, "the text has another shape; " SHAPE);
    p++;
    for (;;) {
        sh_slice key;
        const char *next = skip_space(p, end);
        if (next < end && *next == '}')
            return sh_fail(error, SH_E_FORMAT, "there is no \"data\"; " SHAPE);
        sh_err err = read_key(&p, end, &key, error);
        if (err != SH_OK)
            return err;
        if (sh_slice_equals(key, SH_SLICE("data")))
            break;
        err = skip_value(p, end, NULL, &p, error);
        if (err != SH_OK)
            return err;
        p = skip_space(p, end);
        if (p < end && *p == '}')
            return sh_fail(error, SH_E_FORMAT, "there is no \"data\"; " SHAPE);
        if (p == end || *p != ',')
            return sh_fail(error, SH_E_FORMAT, "the text is cut or no JSON; " SHAPE);
        p++;
    }
    if (p == end)
        return sh_fail(error, SH_E_FORMAT, "the text is cut; " SHAPE);
    if (*p != '[')
        return sh_fail(error, SH_E_FORMAT, "\"data\" is no array; " SHAPE);
    *scan = (sh_table_scan){.at = p + 1, .end = end, .first = true};
    return SH_OK;
}

/* What stands behind the rows: the rest of the outermost object, and nothing more. */
static sh_err finish(const char *p, const char *end, sh_error *error)
{
    for (;;) {
        p = skip_space(p, end);
        if (p == end)
            return sh_fail(error, SH_E_FORMAT, "the table is cut behind its rows");
        if (*p == '}')
            break;
        if (*p != ',')
            return sh_fail(error, SH_E_FORMAT, "something else stands behind the rows");
        p++;
        sh_slice key;
        sh_err err = read_key(&p, end, &key, error);
        if (err == SH_OK && sh_slice_equals(key, SH_SLICE("data")))
            err = sh_fail(error, SH_E_FORMAT, "\"data\" is there twice");
        if (err == SH_OK)
            err = skip_value(p, end, NULL, &p, error);
        if (err != SH_OK)
            return err;
    }
    if (skip_space(p + 1, end) != end)
        return sh_fail(error, SH_E_FORMAT, "something else stands behind the table");
    return SH_OK;
}

static sh_err read_row(sh_table_scan *scan, const char *p, sh_scan_row *row, sh_error *error)
{
    mac_seen seen = {.kind = SH_SCAN_MAC_NONE};
    const char *after = NULL;
    sh_err err = skip_value(p, scan->end, &seen, &after, error);
    if (err != SH_OK)
        return err;
    row->text = (sh_slice){p, (size_t)(after - p)};
    row->mac = seen.mac;
    row->kind = *p == '{' ? seen.kind : SH_SCAN_NO_OBJECT;
    scan->at = after;
    scan->rows++;
    return SH_OK;
}

sh_err sh_table_scan_next(sh_table_scan *scan, sh_scan_row *row, bool *more, sh_error *error)
{
    *more = false;
    if (scan->done)
        return SH_OK;
    const char *p = skip_space(scan->at, scan->end);
    if (p < scan->end && *p == ']') {
        scan->done = true;
        return finish(p + 1, scan->end, error);
    }
    if (!scan->first) {
        if (p < scan->end && *p != ',')
            return sh_fail(error, SH_E_FORMAT, "behind row %zu a comma is missing", scan->rows);
        if (p < scan->end)
            p = skip_space(p + 1, scan->end);
    }
    if (p == scan->end)
        return sh_fail(error, SH_E_FORMAT, "the table is cut behind row %zu", scan->rows);
    if (scan->rows == SH_ROWS_MAX)
        return sh_fail(error, SH_E_LIMIT, "the table has more than %d rows", SH_ROWS_MAX);
    scan->first = false;
    sh_err err = read_row(scan, p, row, error);
    *more = err == SH_OK;
    return err;
}

sh_err sh_table_check(const char *text, size_t len, size_t *rows, sh_error *error)
{
    sh_table_scan scan;
    sh_err err = sh_table_scan_init(&scan, text, len, error);
    bool more = err == SH_OK;
    while (err == SH_OK && more) {
        sh_scan_row row;
        err = sh_table_scan_next(&scan, &row, &more, error);
    }
    if (err == SH_OK && rows != NULL)
        *rows = scan.rows;
    return err;
}
