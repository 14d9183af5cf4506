/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/netalertx/table_scan.h"

#include "libcommon/base/limits.h"
#include "libcommon/base/text_mask.h"
#include "libcommon/json/json_scan.h"

#include <stdint.h>
#include <string.h>

#define SHAPE "a device table is {\"data\": [ {row}, ... ]}"

/*
 * Skips the value of a member other than "data". Nothing reads it later, so it is validated here,
 * as strictly as the rows are when they are parsed.
 */
static sh_err skip_member(const char **at, const char *end, sh_error *error)
{
    const char *after = NULL;
    sh_err err = sh_table_skip_value(*at, end, NULL, &after, error);
    if (err != SH_OK)
        return err;
    if (sh_json_check_lenient((sh_slice){*at, (size_t)(after - *at)}, NULL) != SH_OK)
        return sh_fail(error, SH_E_FORMAT, "a value outside of \"data\" is not valid JSON; " SHAPE);
    *at = after;
    return SH_OK;
}

/* Reads `"key":` of the outermost object; *is_data: the key, unescaped, is "data". */
static sh_err read_key(const char **at, const char *end, bool *is_data, sh_error *error)
{
    const char *quote = sh_table_skip_space(*at, end);
    if (quote == end || *quote != '"')
        return sh_fail(error, SH_E_FORMAT, "the text is truncated or not JSON; " SHAPE);
    const char *after = sh_table_skip_string(quote + 1, end);
    if (after == NULL)
        return sh_fail(error, SH_E_FORMAT, "the table is truncated inside a string");
    if (sh_json_check((sh_slice){quote, (size_t)(after - quote)}, NULL) != SH_OK)
        return sh_fail(error, SH_E_FORMAT, "a key is not a valid JSON string; " SHAPE);
    sh_json_scan_member member = {.key = {quote + 1, (size_t)(after - quote) - 2}};
    member.key_escaped = memchr(member.key.data, '\\', member.key.len) != NULL;
    *is_data = sh_json_scan_key_is(&member, "data");
    const char *colon = sh_table_skip_space(after, end);
    if (colon == end || *colon != ':')
        return sh_fail(error, SH_E_FORMAT, "the text is truncated or not JSON; " SHAPE);
    *at = sh_table_skip_space(colon + 1, end);
    return SH_OK;
}

/*
 * Finds the start of the rows. *at is the start of the text, and on return the position after the
 * '[' or, after a failure, about where the text was read up to.
 */
static sh_err find_rows(const char **at, const char *end, sh_error *error)
{
    const char *p = *at = sh_table_skip_space(*at, end);
    if (p == end)
        return sh_fail(error, SH_E_FORMAT, "the text is empty; " SHAPE);
    if (*p != '{')
        return sh_fail(error, SH_E_FORMAT, "the text is not an object; " SHAPE);
    p++;
    for (;;) {
        bool is_data = false;
        const char *next = sh_table_skip_space(p, end);
        if (next < end && *next == '}')
            return sh_fail(error, SH_E_FORMAT, "\"data\" is missing; " SHAPE);
        sh_err err = read_key(&p, end, &is_data, error);
        if (err != SH_OK)
            return err;
        if (is_data)
            break;
        err = skip_member(&p, end, error);
        *at = p;
        if (err != SH_OK)
            return err;
        p = sh_table_skip_space(p, end);
        if (p < end && *p == '}')
            return sh_fail(error, SH_E_FORMAT, "\"data\" is missing; " SHAPE);
        if (p == end || *p != ',')
            return sh_fail(error, SH_E_FORMAT, "the text is truncated or not JSON; " SHAPE);
        p++;
    }
    if (p == end)
        return sh_fail(error, SH_E_FORMAT, "the text is truncated; " SHAPE);
    if (*p != '[')
        return sh_fail(error, SH_E_FORMAT, "\"data\" is not an array; " SHAPE);
    *at = p + 1;
    return SH_OK;
}

sh_err sh_table_scan_init(sh_table_scan *scan, const char *text, size_t len, sh_error *error)
{
    *scan = (sh_table_scan){.at = text, .end = text + len, .first = true};
    return find_rows(&scan->at, scan->end, error);
}

/*
 * Reads the rest of the outermost object after the rows, up to the end of the text. Moves *at to
 * about where the text was read up to.
 */
static sh_err read_rest(const char **at, const char *end, sh_error *error)
{
    const char *p = *at;
    for (;;) {
        p = *at = sh_table_skip_space(p, end);
        if (p == end)
            return sh_fail(error, SH_E_FORMAT, "the table is truncated after its rows");
        if (*p == '}')
            break;
        if (*p != ',')
            return sh_fail(error, SH_E_FORMAT, "unexpected text after the rows");
        p++;
        bool is_data = false;
        sh_err err = read_key(&p, end, &is_data, error);
        if (err == SH_OK && is_data)
            err = sh_fail(error, SH_E_FORMAT, "duplicate key \"data\"");
        if (err == SH_OK)
            err = skip_member(&p, end, error);
        if (err != SH_OK)
            return err;
    }
    *at = sh_table_skip_space(p + 1, end);
    if (*at != end)
        return sh_fail(error, SH_E_FORMAT, "unexpected text after the table");
    return SH_OK;
}

/* Moves to the start of the next row, or with *more = false to the end of a complete table. */
static sh_err find_row(sh_table_scan *scan, bool *more, sh_error *error)
{
    *more = false;
    if (scan->done)
        return SH_OK;
    const char *p = sh_table_skip_space(scan->at, scan->end);
    if (p < scan->end && *p == ']') {
        scan->done = true;
        scan->at = p + 1;
        return read_rest(&scan->at, scan->end, error);
    }
    if (!scan->first) {
        if (p < scan->end && *p != ',')
            return sh_fail(error, SH_E_FORMAT, "expected a comma after row %zu", scan->rows);
        if (p < scan->end)
            p = sh_table_skip_space(p + 1, scan->end);
    }
    if (p == scan->end)
        return sh_fail(error, SH_E_FORMAT, "the table is truncated after row %zu", scan->rows);
    if (scan->rows == SH_ROWS_MAX)
        return sh_fail(error, SH_E_LIMIT, "the table has more than %d rows", SH_ROWS_MAX);
    scan->first = false;
    scan->at = p;
    *more = true;
    return SH_OK;
}

/* Skips the row that find_row() found; fills *mac (may be NULL). */
static sh_err skip_row(sh_table_scan *scan, sh_row_mac *mac, sh_error *error)
{
    sh_err err = sh_table_skip_value(scan->at, scan->end, mac, &scan->at, error);
    if (err == SH_OK)
        scan->rows++;
    return err;
}

sh_err sh_table_scan_next(sh_table_scan *scan, sh_table_row *row, bool *more, sh_error *error)
{
    sh_row_mac mac = {.kind = SH_ROW_MAC_NONE};
    sh_err err = find_row(scan, more, error);
    const char *start = scan->at;
    if (err == SH_OK && *more) {
        err = skip_row(scan, &mac, error);
        *more = err == SH_OK;
    }
    if (!*more)
        return err;
    row->text = (sh_slice){start, (size_t)(scan->at - start)};
    row->mac = mac.mac;
    row->state = mac.state;
    row->kind = *start != '{' ? SH_ROW_NOT_OBJECT : mac.kind;
    row->too_deep = mac.too_deep;
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
    volatile uint64_t sink = 0; /* prevents the compiler from removing the loop */
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
