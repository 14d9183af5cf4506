/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/merge/table_row_places.h"

#include "libcommon/base/buffer.h"
#include "libcommon/base/cleanup.h"
#include "libcommon/base/limits.h"
#include "tests/unit/unit.h"

#include <string.h>

/* As long as an address may be to be stored. */
#define IP_16 "0123456789abcdef"
#define IP_64 IP_16 IP_16 IP_16 IP_16

static void assert_same(sh_slice a, sh_slice b)
{
    assert_int_equal(a.len, b.len);
    assert_true(a.len == 0 || a.data == b.data);
}

/* An address may be a copy. */
static void assert_equal(sh_slice a, sh_slice b)
{
    assert_int_equal(a.len, b.len);
    assert_true(a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

static void compare_macs(const table_rows *rows, sh_slice text, size_t i, sh_slice written)
{
    sh_mac mac, expected;
    sh_err err = sh_mac_read(written, &expected, NULL);
    assert_int_equal(table_rows_mac(rows, text.data, i, &mac, NULL), err);
    if (err != SH_OK)
        return;
    assert_string_equal(mac.text, expected.text);
    assert_int_equal(mac.len, expected.len);
    assert_int_equal(mac.number, expected.number);
}

/* Whether all rows are those that a scan returns. */
static void compare_with_scan(const table_rows *rows, sh_slice text)
{
    sh_table_scan scan;
    sh_table_row row;
    bool more = false;
    assert_int_equal(sh_table_scan_init(&scan, text.data, text.len, NULL), SH_OK);
    for (size_t i = 0; i < rows->count; i++) {
        assert_int_equal(sh_table_scan_next(&scan, &row, &more, NULL), SH_OK);
        assert_true(more);
        const sh_table_row found = table_rows_at(rows, text.data, i);
        assert_same(found.text, row.text);
        assert_same(found.mac, row.mac);
        assert_equal(found.state.last_ip, row.state.last_ip);
        if (row.kind == SH_ROW_MAC_TEXT)
            compare_macs(rows, text, i, row.mac);
        assert_same(found.state.last_connection, row.state.last_connection);
        assert_int_equal(found.kind, row.kind);
        assert_int_equal(found.state.present, row.state.present);
        assert_int_equal(found.state.has_present_key, row.state.has_present_key);
        assert_int_equal(found.state.unclear, row.state.unclear);
    }
    assert_int_equal(sh_table_scan_next(&scan, &row, &more, NULL), SH_OK);
    assert_false(more);
}

static void the_rows_are_those_of_a_scan(void **state)
{
    static const char *const tables[] = {
        "{\"data\":[]}",
        " {\"data\" : [ {\"devMac\":\"02:00:00:00:00:01\"} , 7, null, \"x\", [] ], \"more\": 1 } ",
        "{\"data\":[{\"devMac\":\"m\",\"devLastIP\":\"10.0.0.1\",\"devPresentLastScan\":1,"
        "\"devLastConnection\":\"2026-01-01 00:00:00\",\"present\":\"unknown\"},"
        "{\"devMac\":\"m\",\"devPresentLastScan\":0},{\"devMac\":5},{\"dev\\u004dac\":\"x\"},"
        "{\"devMac\":null},{\"devMac\":\"a\",\"devMac\":\"b\"},{\"devMac\":\"\"},"
        "{\"devMac\":\" 02-AA-bb-00-00-FF \",\"devLastIP\":\"" IP_64 "\"},"
        "{\"devMac\":\"00:00:00:00:00:00\",\"devLastIP\":\"" IP_64 "5\"},"
        "{\"devMac\":\"\xff\",\"devLastIP\":\"fe80::1\"}]}",
    };
    table_rows rows = {.count = 0};
    (void)state;
    for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++) {
        sh_slice text = sh_slice_of(tables[i]);
        assert_int_equal(table_rows_find(&rows, text, SH_ROWS_MAX, NULL), SH_OK);
        compare_with_scan(&rows, text);
    }
    assert_int_equal(rows.count, 10);
    table_rows_reset(&rows);
}

static void a_large_table_is_found_and_its_memory_freed(void **state)
{
    SH_CLEANUP(sh_buf_reset) sh_buf text = SH_BUF_INIT(SH_PLAIN_MAX);
    table_rows rows = {.count = 0};
    (void)state;
    assert_int_equal(sh_buf_append_text(&text, "{\"data\":[{}"), SH_OK);
    for (int i = 1; i < 40000; i++)
        assert_int_equal(sh_buf_append_text(&text, ",{}"), SH_OK);
    assert_int_equal(sh_buf_append_text(&text, "]}"), SH_OK);
    assert_int_equal(table_rows_find(&rows, (sh_slice){text.data, text.len}, 40000, NULL), SH_OK);
    assert_int_equal(rows.count, 40000);
    compare_with_scan(&rows, (sh_slice){text.data, text.len});
    table_rows_clear(&rows);
    assert_int_equal(rows.count, 0);
    assert_int_equal(rows.capacity, 0);
}

static void an_invalid_table_has_no_rows(void **state)
{
    table_rows rows = {.count = 0};
    (void)state;
    assert_int_equal(table_rows_find(&rows, SH_SLICE("{\"data\":[{},{}]}"), 2, NULL), SH_OK);
    assert_int_equal(rows.count, 2);
    assert_int_equal(table_rows_find(&rows, SH_SLICE("{\"data\":[{},{}"), 2, NULL), SH_E_FORMAT);
    assert_int_equal(rows.count, 0);
    assert_int_equal(table_rows_find(&rows, SH_SLICE("[]"), 2, NULL), SH_E_FORMAT);
    assert_int_equal(table_rows_find(&rows, SH_SLICE("{\"data\":[{},{},{}]}"), 2, NULL),
                     SH_E_LIMIT);
    assert_int_equal(rows.count, 0);
    table_rows_reset(&rows);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_rows_are_those_of_a_scan),
        cmocka_unit_test(a_large_table_is_found_and_its_memory_freed),
        cmocka_unit_test(an_invalid_table_has_no_rows),
    };
    return cmocka_run_group_tests_name("table_rows", tests, NULL, NULL);
}
