/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/netalertx/table_scan.h"

#include "libcommon/base/limits.h"
#include "libcommon/base/text_mask.h"
#include "libcommon/json/json_scan.h"

#include <assert.h>
#include <stddef.h>
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
    bool too_deep; /* the row is nested deeper than SH_JSON_DEPTH_MAX */
} mac_seen;

/* p is behind the ':' of "devMac". Looks only: the walk goes on from the same place. */
static void see_mac(const char *p, const char *end, mac_seen *seen)
{
    assert(seen != NULL);
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

/* at is an M inside a string of a row that began at `from`: whether it is the one of a "devMac". */
static void see_m(const char *from, const char *at, const char *end, mac_seen *seen)
{
    static const char mac_key[] = "\"devMac\"";
    const ptrdiff_t before = 4, behind = sizeof mac_key - 1 - 4;
    if (at - from < before || end - at < behind ||
        memcmp(at - before, mac_key, sizeof mac_key - 1) != 0)
        return;
    const char *p = skip_space(at + behind, end);
    if (p < end && *p == ':')
        see_mac(p + 1, end, seen);
}

/* p is behind a string with a backslash. As a key it may spell "devMac": only a parser can tell. */
static void see_escaped(const char *p, const char *end, mac_seen *seen)
{
    p = skip_space(p, end);
    if (p < end && *p == ':') {
        seen->times += 2;
        seen->kind = SH_SCAN_MAC_UNCLEAR;
    }
}

#define LEVELS_CHECKED 64 /* deeper ones are only counted: their row is not used */

typedef struct {
    uint64_t objects; /* bit n: level n is an object, else an array */
    size_t depth, deepest;
} levels;

static_assert(SH_JSON_DEPTH_MAX <= LEVELS_CHECKED, "what is used is checked");

/* Goes over one bracket; SH_OK, also where it closes the outermost one. */
static sh_err turn(levels *l, char c, sh_error *error)
{
    bool opens = c == '{' || c == '[';
    size_t level = opens ? l->depth++ : --l->depth;
    if (l->depth > l->deepest)
        l->deepest = l->depth;
    if (level >= LEVELS_CHECKED)
        return SH_OK;
    uint64_t bit = UINT64_C(1) << level;
    if (opens)
        l->objects = c == '{' ? l->objects | bit : l->objects & ~bit;
    else if (((l->objects & bit) != 0) != (c == '}'))
        return sh_fail(error, SH_E_FORMAT, "the table's brackets do not match");
    return SH_OK;
}

/* How far a walk over 64 bytes each has come. */
typedef struct {
    const char *from, *end;
    uint64_t in_string; /* all bits set inside a string, else none */
    bool escaped;       /* and there was a backslash in that string */
    uint64_t escape;    /* carry of sh_text_mask_escaped() */
    levels levels;
} walk;

/* Sees the strings of a block that have backslashes, wherever they end. */
static void see_strings(walk *w, const char *block, uint64_t backslashes, uint64_t ends,
                        mac_seen *seen)
{
    if (w->escaped)
        backslashes |= 1; /* it began before this block, so that its end is the first one */
    w->escaped = false;
    while (backslashes != 0) {
        uint64_t here = ends & -(backslashes & -backslashes);
        w->escaped = here == 0;
        if (w->escaped)
            return;
        see_escaped(block + __builtin_ctzll(here) + 1, w->end, seen);
        backslashes &= ~(here ^ (here - 1)); /* those behind its end */
    }
}

/* Goes over one block; *closed is the place behind the outermost bracket, or NULL to go on. */
static sh_err walk_block(walk *w, const char *block, size_t len, const sh_text_mask *mask,
                         mac_seen *seen, const char **closed, sh_error *error)
{
    uint64_t quotes = mask->quotes;
    uint64_t inside = mask->inside;
    if ((mask->backslashes | w->escape) != 0) {
        quotes &= ~sh_text_mask_escaped(mask->backslashes, &w->escape);
        inside = sh_text_mask_prefix_xor(quotes);
    }
    inside ^= w->in_string;
    if (seen != NULL && (mask->backslashes != 0 || w->escaped))
        see_strings(w, block, mask->backslashes, quotes & ~inside, seen);
    w->in_string = (inside >> (len - 1) & 1) != 0 ? UINT64_MAX : 0;
    uint64_t left = mask->brackets & ~inside;
    if (seen != NULL)
        left |= mask->ms & inside;
    for (; left != 0; left &= left - 1) {
        const char *at = block + __builtin_ctzll(left);
        if (*at == 'M') {
            assert(seen != NULL);
            if (w->levels.depth == 1 && (w->levels.objects & 1) != 0)
                see_m(w->from, at, w->end, seen);
            continue;
        }
        sh_err err = turn(&w->levels, *at, error);
        if (err != SH_OK)
            return err;
        if (w->levels.depth == 0) {
            *closed = at + 1;
            return SH_OK;
        }
    }
    return SH_OK;
}

/*
 * p is at '{' or '['. Gives the place behind its partner, or, after a failure, the place up to
 * which the text was read; seen (may be NULL) is told of the keys on the first level of an object.
 */
static sh_err skip_brackets(const char *p, const char *end, mac_seen *seen, const char **ret,
                            sh_error *error)
{
    walk w = {.from = p, .end = end};
    while (p < end) {
        sh_text_mask masks[SH_TEXT_MASKS];
        size_t count = sh_text_masks_of(p, (size_t)(end - p), masks);
        for (size_t i = 0; i < count; i++) {
            size_t left = (size_t)(end - p);
            size_t len = left < SH_TEXT_MASK_BYTES ? left : SH_TEXT_MASK_BYTES;
            const char *closed = NULL;
            sh_err err = walk_block(&w, p, len, &masks[i], seen, &closed, error);
            if (err != SH_OK) {
                *ret = p;
                return err;
            }
            if (closed != NULL) {
                if (seen != NULL)
                    seen->too_deep = w.levels.deepest > SH_JSON_DEPTH_MAX;
                *ret = closed;
                return SH_OK;
            }
            p += len;
        }
    }
    *ret = end;
    if (w.in_string != 0)
        return sh_fail(error, SH_E_FORMAT, "the table is cut inside a string");
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

/*
 * A value beside the rows, which nobody will read: so it is checked here, as the rows' reader
 * checks the rows.
 */
static sh_err skip_member(const char **p, const char *end, sh_error *error)
{
    const char *after = NULL;
    sh_err err = skip_value(*p, end, NULL, &after, error);
    if (err != SH_OK)
        return err;
    if (sh_json_check_loose((sh_slice){*p, (size_t)(after - *p)}, NULL) != SH_OK)
        return sh_fail(error, SH_E_FORMAT, "something beside the rows is no JSON; " SHAPE);
    *p = after;
    return SH_OK;
}

/* Reads `"key" :` of the outermost object; is_data: the key is "data", escaped or not. */
static sh_err read_key(const char **p, const char *end, bool *is_data, sh_error *error)
{
    const char *at = skip_space(*p, end);
    if (at == end || *at != '"')
        return sh_fail(error, SH_E_FORMAT, "the text is cut or no JSON; " SHAPE);
    const char *after = skip_string(at + 1, end);
    if (after == NULL)
        return sh_fail(error, SH_E_FORMAT, "the table is cut inside a string");
    if (sh_json_check((sh_slice){at, (size_t)(after - at)}, NULL) != SH_OK)
        return sh_fail(error, SH_E_FORMAT, "something beside the rows is no JSON; " SHAPE);
    sh_scan_member member = {.key = {at + 1, (size_t)(after - at) - 2}};
    member.key_escaped = memchr(member.key.data, '\\', member.key.len) != NULL;
    *is_data = sh_scan_key_is(&member, "data");
    at = skip_space(after, end);
    if (at == end || *at != ':')
        return sh_fail(error, SH_E_FORMAT, "the text is cut or no JSON; " SHAPE);
    *p = skip_space(at + 1, end);
    return SH_OK;
}

/* Finds the first row; *at is the start of the text, and then the place behind the '['. */
static sh_err find_rows(const char **at, const char *end, sh_error *error)
{
    const char *p = *at = skip_space(*at, end);
    if (p == end)
        return sh_fail(error, SH_E_FORMAT, "the text is empty; " SHAPE);
    if (*p != '{')
        return sh_fail(error, SH_E_FORMAT, "the text has another shape; " SHAPE);
    p++;
    for (;;) {
        bool is_data = false;
        const char *next = skip_space(p, end);
        if (next < end && *next == '}')
            return sh_fail(error, SH_E_FORMAT, "there is no \"data\"; " SHAPE);
        sh_err err = read_key(&p, end, &is_data, error);
        if (err != SH_OK)
            return err;
        if (is_data)
            break;
        err = skip_member(&p, end, error);
        *at = p;
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
    *at = p + 1;
    return SH_OK;
}

sh_err sh_table_scan_init(sh_table_scan *scan, const char *text, size_t len, sh_error *error)
{
    *scan = (sh_table_scan){.at = text, .end = text + len, .first = true};
    return find_rows(&scan->at, scan->end, error);
}

/*
 * What stands behind the rows: the rest of the outermost object, and nothing more. *at is moved to
 * where the text was read up to.
 */
static sh_err finish(const char **at, const char *end, sh_error *error)
{
    const char *p = *at;
    for (;;) {
        p = *at = skip_space(p, end);
        if (p == end)
            return sh_fail(error, SH_E_FORMAT, "the table is cut behind its rows");
        if (*p == '}')
            break;
        if (*p != ',')
            return sh_fail(error, SH_E_FORMAT, "something else stands behind the rows");
        p++;
        bool is_data = false;
        sh_err err = read_key(&p, end, &is_data, error);
        if (err == SH_OK && is_data)
            err = sh_fail(error, SH_E_FORMAT, "\"data\" is there twice");
        if (err == SH_OK)
            err = skip_member(&p, end, error);
        if (err != SH_OK)
            return err;
    }
    *at = skip_space(p + 1, end);
    if (*at != end)
        return sh_fail(error, SH_E_FORMAT, "something else stands behind the table");
    return SH_OK;
}

/* Goes to where the next row begins, or to the end of a table that is complete. */
static sh_err find_row(sh_table_scan *scan, bool *more, sh_error *error)
{
    *more = false;
    if (scan->done)
        return SH_OK;
    const char *p = skip_space(scan->at, scan->end);
    if (p < scan->end && *p == ']') {
        scan->done = true;
        scan->at = p + 1;
        return finish(&scan->at, scan->end, error);
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
    scan->at = p;
    *more = true;
    return SH_OK;
}

/* Goes over the row that was found; seen (may be NULL) is told of its keys. */
static sh_err skip_row(sh_table_scan *scan, mac_seen *seen, sh_error *error)
{
    sh_err err = skip_value(scan->at, scan->end, seen, &scan->at, error);
    if (err == SH_OK)
        scan->rows++;
    return err;
}

sh_err sh_table_scan_next(sh_table_scan *scan, sh_scan_row *row, bool *more, sh_error *error)
{
    mac_seen seen = {.kind = SH_SCAN_MAC_NONE};
    sh_err err = find_row(scan, more, error);
    const char *p = scan->at;
    if (err == SH_OK && *more) {
        err = skip_row(scan, &seen, error);
        *more = err == SH_OK;
    }
    if (!*more)
        return err;
    row->text = (sh_slice){p, (size_t)(scan->at - p)};
    row->mac = seen.mac;
    row->kind = *p != '{' ? SH_SCAN_NO_OBJECT : seen.too_deep ? SH_SCAN_TOO_DEEP : seen.kind;
    return SH_OK;
}

/* Scans the whole table. After a failure scan->at is about where the text was read up to. */
static sh_err scan_all(sh_table_scan *scan, const char *text, size_t len, sh_error *error)
{
    sh_err err = sh_table_scan_init(scan, text, len, error);
    bool more = false;
    while (err == SH_OK && (err = find_row(scan, &more, error)) == SH_OK && more)
        err = skip_row(scan, NULL, error);
    return err;
}

sh_err sh_table_check(const char *text, size_t len, size_t *rows, sh_error *error)
{
    sh_table_scan scan;
    sh_err err = scan_all(&scan, text, len, error);
    if (err == SH_OK && rows != NULL)
        *rows = scan.rows;
    return err;
}

void sh_table_check_dummy(const char *text, size_t len)
{
    volatile uint64_t sink = 0; /* so that no compiler leaves the work out */
    uint64_t all = 0;
    for (size_t at = 0; at < len;) {
        sh_text_mask masks[SH_TEXT_MASKS];
        size_t count = sh_text_masks_of(text + at, len - at, masks);
        for (size_t i = 0; i < count; i++)
            all ^= (masks[i].brackets & ~masks[i].inside) ^ masks[i].backslashes;
        at += count * SH_TEXT_MASK_BYTES;
    }
    sink = all;
    (void)sink;
}

sh_err sh_table_check_constant_time(const char *text, size_t len, sh_error *error)
{
    sh_table_scan scan;
    sh_err err = scan_all(&scan, text, len, error);
    if (err != SH_OK)
        sh_table_check_dummy(scan.at, (size_t)(scan.end - scan.at));
    return err;
}
