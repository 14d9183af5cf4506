/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/fuzz/fuzz.h"

#include "libcommon/base/cleanup.h"
#include "libcommon/base/limits.h"
#include "libcommon/json/json_read.h"
#include "libcommon/json/json_scan.h"
#include "libcommon/netalertx/table_scan.h"

#include <stdlib.h>

/*
 * The table scan against Jansson and against the scan of whole objects:
 * - what Jansson takes for a device table the scan splits into the same rows, with the same devMac
 *   wherever it gives one as plain text;
 * - where every row the scan gives is JSON to Jansson, the whole is JSON.
 */

typedef struct {
    const sh_json *data; /* the rows as Jansson sees them; NULL where it sees no table */
    size_t rows;
    bool all_parse;
} comparison;

static void compare_mac(const sh_table_row *row, const sh_json *seen)
{
    const sh_json *mac =
        sh_json_kind_of(seen) == SH_JSON_OBJECT ? sh_json_member(seen, "devMac") : NULL;
    switch (row->kind) {
    case SH_ROW_MAC_TEXT:
        fuzz_must(mac != NULL && sh_json_kind_of(mac) == SH_JSON_STRING &&
                      sh_slice_equals(sh_json_text(mac), row->mac),
                  "the scan's devMac is Jansson's");
        break;
    case SH_ROW_MAC_NONE:
        fuzz_must(sh_json_kind_of(seen) == SH_JSON_OBJECT &&
                      (mac == NULL || sh_json_kind_of(mac) == SH_JSON_NULL),
                  "where the scan finds no devMac there is none");
        break;
    case SH_ROW_NOT_OBJECT:
        fuzz_must(sh_json_kind_of(seen) != SH_JSON_OBJECT, "what is no object is none");
        break;
    case SH_ROW_TOO_DEEP:
        fuzz_must(false, "Jansson reads no row that is nested too deep");
        break;
    case SH_ROW_MAC_UNCLEAR:
        fuzz_must(sh_json_kind_of(seen) == SH_JSON_OBJECT, "a row with a devMac is an object");
        break;
    }
}

static void compare_row(comparison *c, const sh_table_row *row)
{
    SH_CLEANUP(sh_json_free_cleanup) sh_json *alone = NULL;
    if (sh_json_parse(row->text.data, row->text.len, &alone, NULL) != SH_OK) {
        c->all_parse = false;
        fuzz_must(c->data == NULL, "a row of what Jansson takes for a table parses alone");
        return;
    }
    compare_mac(row, alone);
    if (c->data == NULL)
        return;
    fuzz_must(c->rows < sh_json_count(c->data), "the scan gives no more rows than Jansson");
    compare_mac(row, sh_json_at(c->data, c->rows));
    c->rows++;
}

static sh_err scan(const char *text, size_t len, comparison *c, sh_error *error)
{
    sh_table_scan s;
    bool more = true;
    sh_err err = sh_table_scan_init(&s, text, len, error);
    while (err == SH_OK && more) {
        sh_table_row row;
        err = sh_table_scan_next(&s, &row, &more, error);
        if (err == SH_OK && more)
            compare_row(c, &row);
    }
    return err;
}

static sh_err ignore_member(void *context, const sh_json_scan_member *member, sh_error *error)
{
    (void)context;
    (void)member;
    (void)error;
    return SH_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = fuzz_copy(data, size);
    comparison c = {.all_parse = true};
    SH_CLEANUP(sh_json_free_cleanup) sh_json *whole = NULL;
    sh_err parsed = sh_json_parse(text, size, &whole, NULL);
    if (parsed == SH_OK && sh_json_kind_of(whole) == SH_JSON_OBJECT)
        c.data = sh_json_member(whole, "data");
    if (c.data != NULL && sh_json_kind_of(c.data) != SH_JSON_ARRAY)
        c.data = NULL;
    sh_error error = {0};
    sh_err err = scan(text, size, &c, &error);
    fuzz_must(err == error.code, "a failure has words");
    if (c.data != NULL && err != SH_E_LIMIT) {
        fuzz_must(err == SH_OK, "what Jansson takes for a table the scan takes for one");
        fuzz_must(c.rows == sh_json_count(c.data), "the scan gives as many rows as Jansson");
    }
    if (err == SH_OK && c.all_parse) {
        sh_err checked = sh_json_scan_lenient((sh_slice){text, size}, ignore_member, NULL, NULL);
        fuzz_must(checked == SH_OK || checked == SH_E_LIMIT, "a table of good rows is good JSON");
    }
    size_t rows;
    fuzz_must(sh_table_check(text, size, &rows, NULL) == err, "checking is scanning to the end");
    free(text);
    return 0;
}
