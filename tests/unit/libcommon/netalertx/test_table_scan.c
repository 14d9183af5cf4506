/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include "libcommon/base/buffer.h"
#include "libcommon/base/limits.h"
#include "libcommon/netalertx/table_scan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static sh_err check(const char *text, size_t len, size_t *rows)
{
    /* Allocated exactly, so that ASan detects reads past the end. */
    char *copy = malloc(len == 0 ? 1 : len);
    assert_non_null(copy);
    memcpy(copy, text, len);
    sh_error error = {0};
    sh_err err = sh_table_check(copy, len, rows, &error);
    assert_int_equal(err, error.code);
    free(copy);
    return err;
}

static void tables_are_counted(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t rows;
    } cases[] = {
        {"{\"data\": []}", 0},
        {" \n\t{ \"data\" : [ ] } \r\n", 0},
        {"{\"data\":[{}]}", 1},
        {"{\"data\":[{\"a\":1},{\"a\":\"}]\"},{\"a\":{\"b\":[1,2,{\"c\":3}]}}]}", 3},
        {"{\"data\":[1,\"x\",null,[1,[2]],{\"a\":1}]}", 5},
        {"{\"before\":{\"data\":[1]},\"data\":[{}],\"after\":[{\"x\":\"\\\"\"}]}", 1},
        {"{\"d\\u0061ta\":[{}]}", 1},
        {"{\"\\n\":-1.5e3,\"data\":[{}],\"x\":[{\"data\":[1]}]}", 1},
        {"{\"data\":[{\"a\":\"\\\\\"},{\"b\":\"\\\\\\\"\"}]}", 2},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        size_t rows = 99;
        assert_int_equal(check(cases[i].text, strlen(cases[i].text), &rows), SH_OK);
        assert_int_equal(rows, cases[i].rows);
    }
}

static void other_shapes_are_rejected(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "",
        "   ",
        "x",
        "[]",
        "[{\"devMac\":\"a\"}]",
        "{}",
        "{ }",
        "{\"data\":{}}",
        "{\"data\":1}",
        "{\"data\":\"[]\"}",
        "{\"Data\":[]}",
        "{\"data\":[]}}",
        "{\"data\":[]} x",
        "{\"data\":[],\"data\":[]}",
        "{\"data\":[{}{}]}",
        "{\"data\":[{},]}",
        "{\"data\":[,{}]}",
        "{\"data\":[{]}]}",
        "{\"data\":[{\"a\":[}]}",
        "{\"data\" []}",
        "{\"data\":[] \"x\":1}",
        "{\"other\":[]}",
        "{\"before\":nonsense,\"data\":[]}",
        "{\"before\":[,],\"data\":[]}",
        "{\"data\":[],\"behind\":{\"a\" 1}}",
        "{\"data\":[],\"behind\":01}",
        "{\"data\":[],\"d\\u0061ta\":[]}",
        "{\"\\x\":1,\"data\":[]}",
        "{\"\xff\":1,\"data\":[]}",
        "{\"data\":[]",
        "null",
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        size_t rows;
        assert_int_equal(check(cases[i], strlen(cases[i]), &rows), SH_E_FORMAT);
    }
}

static void a_truncated_table_is_rejected(void **state)
{
    (void)state;
    static const char table[] =
        "{\"x\":[1,{\"y\":\"z\"}],\"data\": [{\"devMac\": \"a\\\"b\", \"n\": [1, "
        "{\"q\": null}]}, 5, {\"devMac\": 7}], \"more\": true}";
    size_t rows;
    assert_int_equal(check(table, sizeof table - 1, &rows), SH_OK);
    assert_int_equal(rows, 3);
    for (size_t len = 0; len < sizeof table - 1; len++)
        assert_int_equal(check(table, len, &rows), SH_E_FORMAT);
}

static void the_mac_of_each_row_is_found_or_unclear(void **state)
{
    (void)state;
    static const struct {
        const char *row;
        sh_table_row_kind kind;
        const char *mac;
    } cases[] = {
        {"{\"devMac\":\"00:11\"}", SH_ROW_MAC_TEXT, "00:11"},
        {"{ \"devMac\" :\t\"00:11\" , \"x\":1}", SH_ROW_MAC_TEXT, "00:11"},
        {"{\"a\":\"devMac\",\"devMac\":\"z\"}", SH_ROW_MAC_TEXT, "z"},
        {"{\"a\":\"\\\"devMac\\\":\",\"devMac\":\"z\"}", SH_ROW_MAC_TEXT, "z"},
        {"{\"a\":{\"devMac\":\"inner\"},\"devMac\":\"outer\"}", SH_ROW_MAC_TEXT, "outer"},
        {"{\"a\":[\"devMac\",{\"devMac\":1}]}", SH_ROW_MAC_NONE, NULL},
        {"{\"devMac\":\"\"}", SH_ROW_MAC_TEXT, ""},
        {"{}", SH_ROW_MAC_NONE, NULL},
        {"{\"devmac\":\"x\"}", SH_ROW_MAC_NONE, NULL},
        {"{\"devMac\":null}", SH_ROW_MAC_NONE, NULL},
        {"{\"devMac\":0}", SH_ROW_MAC_UNCLEAR, NULL},
        {"{\"devMac\":\"a\\u0041\"}", SH_ROW_MAC_UNCLEAR, NULL},
        {"{\"dev\\u004dac\":\"a\"}", SH_ROW_MAC_UNCLEAR, NULL},
        {"{\"devMac\":\"a\",\"devMac\":\"b\"}", SH_ROW_MAC_UNCLEAR, NULL},
        {"{\"devMac\":\"a\",\"\\u0064evMac\":\"b\"}", SH_ROW_MAC_UNCLEAR, NULL},
        {"{\"\\u0064evMac\":\"b\",\"devMac\":\"a\"}", SH_ROW_MAC_UNCLEAR, NULL},
        {"[\"devMac\"]", SH_ROW_NOT_OBJECT, NULL},
        {"\"devMac\"", SH_ROW_NOT_OBJECT, NULL},
        {"17", SH_ROW_NOT_OBJECT, NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char table[256];
        int len = snprintf(table, sizeof table, "{\"data\":[%s]}", cases[i].row);
        sh_table_scan scan;
        sh_table_row row;
        bool more = false;
        sh_error error = {0};
        assert_int_equal(sh_table_scan_init(&scan, table, (size_t)len, &error), SH_OK);
        assert_int_equal(sh_table_scan_next(&scan, &row, &more, &error), SH_OK);
        assert_true(more);
        assert_int_equal(row.kind, cases[i].kind);
        assert_int_equal(row.text.len, strlen(cases[i].row));
        assert_memory_equal(row.text.data, cases[i].row, row.text.len);
        if (cases[i].mac != NULL)
            assert_true(sh_slice_equals(row.mac, sh_slice_of(cases[i].mac)));
        assert_int_equal(sh_table_scan_next(&scan, &row, &more, &error), SH_OK);
        assert_false(more);
    }
}

/* Appends a table whose second row is nested `depth` deep. */
static void nested_table(size_t depth, const char *opening, sh_buf *ret)
{
    assert_int_equal(sh_buf_append_text(ret, "{\"data\":[{\"devMac\":\"a\"},"), SH_OK);
    for (size_t i = 0; i < depth; i++)
        assert_int_equal(sh_buf_append_text(ret, i == 0 ? "{\"devMac\":\"b\",\"x\":" : opening),
                         SH_OK);
    assert_int_equal(sh_buf_append_text(ret, "1"), SH_OK);
    for (size_t i = 0; i < depth; i++)
        assert_int_equal(sh_buf_append_text(ret, i + 1 == depth || opening[0] == '{' ? "}" : "]"),
                         SH_OK);
    assert_int_equal(sh_buf_append_text(ret, ",{\"devMac\":\"c\"}]}"), SH_OK);
}

static void only_the_row_that_is_nested_too_deep_is_reported(void **state)
{
    (void)state;
    static const size_t depths[] = {SH_JSON_DEPTH_MAX, SH_JSON_DEPTH_MAX + 1, 63, 64, 65, 66, 5000};
    for (size_t i = 0; i < 2 * sizeof depths / sizeof depths[0]; i++) {
        size_t depth = depths[i / 2];
        sh_buf text = SH_BUF_INIT(SH_MIB);
        sh_table_scan scan;
        size_t rows = 0;
        nested_table(depth, i % 2 == 0 ? "[" : "{\"devMac\":", &text);
        assert_int_equal(check(text.data, text.len, &rows), SH_OK);
        assert_int_equal(rows, 3);
        assert_int_equal(sh_table_scan_init(&scan, text.data, text.len, NULL), SH_OK);
        for (size_t k = 0; k < 3; k++) {
            sh_table_row row;
            bool more = false;
            assert_int_equal(sh_table_scan_next(&scan, &row, &more, NULL), SH_OK);
            assert_true(more);
            assert_int_equal(row.kind, SH_ROW_MAC_TEXT);
            assert_int_equal(row.mac.len, 1);
            assert_int_equal(row.mac.data[0], "abc"[k]);
            assert_int_equal(row.too_deep, k == 1 && depth > SH_JSON_DEPTH_MAX);
        }
        /* Deep brackets that do not match do not end a row. */
        size_t last = text.len - strlen("},{\"devMac\":\"c\"}]}");
        text.data[last] = ']';
        assert_int_equal(check(text.data, text.len, &rows), SH_E_FORMAT);
        sh_buf_reset(&text);
    }
}

static void infinite_numbers_outside_of_data_are_accepted(void **state)
{
    (void)state;
    static const char text[] =
        "{\"a\":Infinity,\"b\":[NaN,-Infinity],\"data\":[{\"x\":Infinity}],\"c\":NaN}";
    size_t rows = 0;
    assert_int_equal(check(text, sizeof text - 1, &rows), SH_OK);
    assert_int_equal(rows, 1);
    static const char other[] = "{\"a\":Inf,\"data\":[]}";
    assert_int_equal(check(other, sizeof other - 1, &rows), SH_E_FORMAT);
}

static void rows_are_limited(void **state)
{
    (void)state;
    sh_buf text = SH_BUF_INIT(SH_MIB);
    assert_int_equal(sh_buf_append_text(&text, "{\"data\":[0"), SH_OK);
    for (int i = 1; i < SH_ROWS_MAX; i++)
        assert_int_equal(sh_buf_append_text(&text, ",0"), SH_OK);
    size_t at = text.len;
    size_t rows = 0;
    assert_int_equal(sh_buf_append_text(&text, "]}"), SH_OK);
    assert_int_equal(check(text.data, text.len, &rows), SH_OK);
    assert_int_equal(rows, SH_ROWS_MAX);
    text.len = at;
    assert_int_equal(sh_buf_append_text(&text, ",0]}"), SH_OK);
    assert_int_equal(check(text.data, text.len, &rows), SH_E_LIMIT);
    sh_buf_reset(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tables_are_counted),
        cmocka_unit_test(other_shapes_are_rejected),
        cmocka_unit_test(a_truncated_table_is_rejected),
        cmocka_unit_test(the_mac_of_each_row_is_found_or_unclear),
        cmocka_unit_test(only_the_row_that_is_nested_too_deep_is_reported),
        cmocka_unit_test(infinite_numbers_outside_of_data_are_accepted),
        cmocka_unit_test(rows_are_limited),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
