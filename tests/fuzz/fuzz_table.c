/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/fuzz/fuzz.h"

#include "libcommon/base/cleanup.h"
#include "libcommon/base/limits.h"
#include "libcommon/json/json_read.h"
#include "libcommon/json/json_scan.h"
#include "libcommon/netalertx/table_scan.h"

#include <stdlib.h>

/*
 * Compares the table scan with Jansson and with the scan of objects:
 * - a device table that Jansson accepts is split into the same rows, with the same devMac if the
 * scan returns one;
 * - if Jansson accepts each row of the scan, the whole text is JSON.
 */

typedef struct {
    const sh_json *data; /* Jansson's rows; NULL if it does not accept the table */
    size_t rows;
    bool all_parse;
} comparison;

static void compare_mac(const sh_table_row *row, const sh_json *seen)
{
    const sh_json *mac =
        sh_json_kind_of(seen) == SH_JSON_OBJECT ? sh_json_member(seen, "devMac") : NULL;
    fuzz_assert(!row->too_deep, "Jansson rejects a row that is nested too deeply");
    switch (row->kind) {
    case SH_ROW_MAC_TEXT:
        fuzz_assert(mac != NULL && sh_json_kind_of(mac) == SH_JSON_STRING &&
                        sh_slice_equals(sh_json_text(mac), row->mac),
                    "the scan's devMac matches Jansson");
        break;
    case SH_ROW_MAC_NONE:
        fuzz_assert(sh_json_kind_of(seen) == SH_JSON_OBJECT &&
                        (mac == NULL || sh_json_kind_of(mac) == SH_JSON_NULL),
                    "a row without devMac in the scan has none in Jansson");
        break;
    case SH_ROW_NOT_OBJECT:
        fuzz_assert(sh_json_kind_of(seen) != SH_JSON_OBJECT,
                    "an element that is not an object is not one in Jansson");
        break;
    case SH_ROW_MAC_UNCLEAR:
        fuzz_assert(sh_json_kind_of(seen) == SH_JSON_OBJECT, "a row with a devMac is an object");
        break;
    }
}

static void compare_row(comparison *c, const sh_table_row *row)
{
    SH_CLEANUP(sh_json_free_cleanup) sh_json *alone = NULL;
    if (sh_json_parse(row->text.data, row->text.len, &alone, NULL) != SH_OK) {
        c->all_parse = false;
        fuzz_assert(c->data == NULL,
                    "each row of a table that Jansson accepts can be parsed alone");
        return;
    }
    compare_mac(row, alone);
    if (c->data == NULL)
        return;
    fuzz_assert(c->rows < sh_json_count(c->data), "the scan returns no more rows than Jansson");
    compare_mac(row, sh_json_at(c->data, c->rows));
    c->rows++;
}

static sh_err scan_rows(const char *text, size_t len, comparison *c, sh_error *error)
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
    sh_err err = scan_rows(text, size, &c, &error);
    fuzz_assert(err == error.code, "an error has a message");
    if (c.data != NULL && err != SH_E_LIMIT) {
        fuzz_assert(err == SH_OK, "the scan accepts a table that Jansson accepts");
        fuzz_assert(c.rows == sh_json_count(c.data), "the scan returns as many rows as Jansson");
    }
    if (err == SH_OK && c.all_parse) {
        sh_err checked = sh_json_scan_lenient((sh_slice){text, size}, ignore_member, NULL, NULL);
        fuzz_assert(checked == SH_OK || checked == SH_E_LIMIT,
                    "a table of valid rows is valid JSON");
    }
    size_t rows;
    fuzz_assert(sh_table_check(text, size, &rows, NULL) == err,
                "sh_table_check() has the result of a complete scan");
    free(text);
    return 0;
}
