/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/base/buffer.h"
#include "receiver/store/device_row.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define NOW "2026-08-22 02:53:00"

/* Reading the next row frees the previous one. */
static sh_arena arena;

static sh_err read_row(const char *json, sh_device_row **ret, sh_error *error)
{
    sh_arena_clear(&arena);
    return sh_device_row_read(sh_slice_of(json),
                              &(sh_row_context){sh_device_columns, sh_device_columns_count,
                                                SH_SLICE("Node_A"), NOW, &arena},
                              ret, error);
}

/* A value as text: integers as #5, text in quotes, NULL as NULL. */
static const char *shown(const sh_device_row *row, const char *column)
{
    static char text[600];
    for (size_t i = 0; i < sh_device_columns_count; i++) {
        if (strcmp(sh_device_columns[i].name, column) != 0)
            continue;
        sh_value value = sh_device_row_value(row, i);
        switch (value.kind) {
        case SH_VALUE_NULL:
            return "NULL";
        case SH_VALUE_INTEGER:
            (void)snprintf(text, sizeof text, "#%lld", (long long)value.integer);
            return text;
        case SH_VALUE_TEXT:
            (void)snprintf(text, sizeof text, "'%.*s'", (int)value.text.len, value.text.data);
            return text;
        }
    }
    fail_msg("no column %s", column);
    return NULL;
}

static void the_table_has_netalertx_columns(void **state)
{
    (void)state;
    assert_int_equal(sh_device_columns_count, 49);
    assert_string_equal(sh_device_columns[0].name, "devMac");
    assert_string_equal(sh_device_columns[48].name, "devCanSleep");
    assert_ptr_equal(sh_device_column_find("devScan"), &sh_device_columns[16]);
    assert_null(sh_device_column_find("devscan"));
    assert_null(sh_device_column_find("rowid"));
}

static void missing_keys_take_sensible_defaults(void **state)
{
    (void)state;
    static const char *const expected[][2] = {
        {"devMac", "'00:11:22:33:44:55'"},
        {"devName", "'(unknown)'"},
        {"devOwner", "'(unknown)'"},
        {"devType", "NULL"},
        {"devFavorite", "#0"},
        {"devFirstConnection", "'" NOW "'"},
        {"devLastConnection", "'" NOW "'"},
        {"devLastIP", "''"},
        {"devStaticIP", "#0"},
        {"devScan", "#1"},
        {"devLogEvents", "#1"},
        {"devAlertEvents", "#1"},
        {"devAlertDown", "#0"},
        {"devSkipRepeated", "#0"},
        {"devLastNotification", "NULL"},
        {"devPresentLastScan", "#0"},
        {"devIsNew", "#1"},
        {"devIsArchived", "#0"},
        {"devParentPort", "NULL"},
        {"devSyncHubNode", "'Node_A'"},
        {"devCanSleep", "NULL"},
    };
    sh_device_row *row = NULL;
    assert_int_equal(read_row("{\"devMac\":\"00-11-22-33-44-55\"}", &row, NULL), SH_OK);
    assert_string_equal(sh_device_row_mac(row)->text, "00:11:22:33:44:55");
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++)
        assert_string_equal(shown(row, expected[i][0]), expected[i][1]);
}

static const struct {
    const char *column, *json, *expected;
} stored_values[] = {
    {"devName", "\"T\\u00e4st \\\"x\\\"\"", "'T\xc3\xa4st \"x\"'"},
    {"devName", "7", "'7'"},
    {"devName", "-0", "'0'"},
    {"devName", "-9223372036854775808", "'-9223372036854775808'"},
    {"devName", "0.1", "'0.1'"},
    {"devName", "1.5e3", "'1500'"},
    {"devName", "10.0", "'10'"},
    {"devName", "1e18", "'1000000000000000000'"},
    {"devName", "1e300", "'1e+300'"},
    {"devName", "0.30000000000000004", "'0.30000000000000004'"},
    {"devName", "-1.7976931348623157e308", "'-1.7976931348623157e+308'"},
    {"devName", "true", "'1'"},
    {"devName", "false", "'0'"},
    {"devName", "\"\"", "''"},
    {"devName", "\"007\"", "'007'"},
    {"devName", "null", "'(unknown)'"},
    {"devComments", "10.0", "'10.0'"},
    {"devComments", "10", "'10'"},
    {"devComments", "0.1", "'0.1'"},
    {"devComments", "1e300", "'1.0e+300'"},
    {"devComments", "0.30000000000000004", "'0.3'"},
    {"devComments", "true", "'1'"},
    {"devType", "\"\"", "''"},
    {"devType", "null", "NULL"},
    {"devVlan", "10", "'10'"},
    {"devScan", "5", "#5"},
    {"devScan", "5.0", "#5"},
    {"devScan", "-1e3", "#-1000"},
    {"devScan", "1.5", "'1.5'"},
    {"devScan", "9.3e18", "'9.3e+18'"},
    {"devScan", "\"5\"", "#5"},
    {"devScan", "\" -5 \"", "#-5"},
    {"devScan", "\"+5\"", "#5"},
    {"devScan", "\"007\"", "#7"},
    {"devScan", "\"1.0\"", "#1"},
    {"devScan", "\".5e1\"", "#5"},
    {"devScan", "\"1.5\"", "'1.5'"},
    {"devScan", "\"9223372036854775807\"", "#9223372036854775807"},
    {"devScan", "\"9223372036854775808\"", "'9.223372036854776e+18'"},
    {"devScan", "\"text\"", "'text'"},
    {"devScan", "\"5x\"", "'5x'"},
    {"devScan", "\"-\"", "'-'"},
    {"devScan", "\"+-5\"", "'+-5'"},
    {"devScan", "\"1e\"", "'1e'"},
    {"devScan", "\".\"", "'.'"},
    {"devScan", "\"0x10\"", "'0x10'"},
    {"devScan", "true", "#1"},
    {"devScan", "\"\"", "''"},
    {"devScan", "null", "#1"},
    {"devSkipRepeated", "\"daily\"", "'daily'"},
    {"devParentPort", "\"Gi1/0/24\"", "'Gi1/0/24'"},
    {"devParentPort", "\"LAN 2\"", "'LAN 2'"},
    {"devParentPort", "\"eth0\"", "'eth0'"},
    {"devParentPort", "\"\"", "''"},
    {"devParentPort", "\"  \"", "'  '"},
    {"devParentPort", "null", "NULL"},
    {"devParentPort", "8", "#8"},
    {"devParentPort", "\"24\"", "#24"},
    {"devFavorite", "1", "#1"},
    {"devFavorite", "0.0", "#0"},
    {"devFavorite", "true", "#1"},
    {"devFavorite", "false", "#0"},
    {"devFavorite", "\"1\"", "#1"},
    {"devFavorite", "\" 1.0\"", "#1"},
    {"devFirstConnection", "\"2024-01-01 00:00:00\"", "'2024-01-01 00:00:00'"},
    {"devFirstConnection", "\"\"", "''"},
    {"devFirstConnection", "null", "'" NOW "'"},
    {"devLastNotification", "\"\"", "''"},
    {"devLastNotification", "null", "NULL"},
    {"devLastNotification", "\"2024-01-01 00:00:00\"", "'2024-01-01 00:00:00'"},
    {"devParentMAC", "\"AABB.CC00.000F\"", "'aa:bb:cc:00:00:0f'"},
    {"devParentMAC", "\" 0:c:29:1:2:3 \"", "'00:0c:29:01:02:03'"},
    {"devParentMAC", "\"Internet\"", "'Internet'"},
    {"devParentMAC", "\"\"", "''"},
    {"devSyncHubNode", "\"Other\"", "'Node_A'"},
    {"devSyncHubNode", "[1]", "'Node_A'"},
    {"devStatus", "[\"unknown key\"]", NULL},
    {"rowid", "\"x\"", NULL},
    {"devIsSleeping", "{}", NULL},
    {"DEVNAME", "[]", NULL},
    {"devFuture", "12345678901234567", NULL},
    {"devFuture", "[Infinity, NaN]", NULL},
    {"devF\xff", "1", NULL},
};

/*
 * As a database with NetAlertX's declared types stores what its own sync inserts: STRING has
 * numeric affinity, so that whole numbers are whole there, TEXT has not.
 */
static void values_are_those_that_netalertx_would_store(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof stored_values / sizeof stored_values[0]; i++) {
        char json[300], reason[SH_ROW_REPLACED_BYTES];
        (void)snprintf(json, sizeof json, "{\"%s\":%s,\"devMac\":\"aa\"}", stored_values[i].column,
                       stored_values[i].json);
        sh_device_row *row = NULL;
        sh_error error = {.code = SH_OK};
        if (read_row(json, &row, &error) != SH_OK)
            fail_msg("%s: %s", json, error.message);
        if (stored_values[i].expected != NULL)
            assert_string_equal(shown(row, stored_values[i].column), stored_values[i].expected);
        else
            assert_string_equal(shown(row, "devName"), "'(unknown)'");
        assert_int_equal(sh_device_row_replaced(row, sh_device_columns, reason), 0);
        assert_string_equal(reason, "");
    }
}

static void values_that_cannot_be_stored_become_the_default_and_are_told(void **state)
{
    (void)state;
    static const struct {
        const char *column, *json, *expected, *message;
    } cases[] = {
        {"devName", "[\"leak\"]", "'(unknown)'", "devName held an array or an object"},
        {"devName", "{\"leak\":1}", "'(unknown)'", "devName held an array or an object"},
        {"devName", "Infinity", "'(unknown)'", "devName held a number that is not finite"},
        {"devName", "-Infinity", "'(unknown)'", "not finite"},
        {"devName", "NaN", "'(unknown)'", "not finite"},
        {"devName", "1e999", "'(unknown)'", "not finite"},
        {"devName", "\"a\\u0000leak\"", "'(unknown)'", "\\u0000"},
        {"devName", "\"\\ud800leak\"", "'(unknown)'", "surrogate"},
        {"devName", "\"leak\xff\"", "'(unknown)'", "not UTF-8"},
        {"devName", "99999999999999999999", "'(unknown)'", "more than 64 bits"},
        {"devType", "[]", "NULL", "devType held an array or an object and became NULL"},
        {"devComments", "Infinity", "NULL", "became NULL"},
        {"devLastNotification", "{}", "NULL", "became NULL"},
        {"devFirstConnection", "{}", "'" NOW "'", "became its default"},
        {"devScan", "[1]", "#1", "devScan held an array"},
        {"devScan", "-9223372036854775809", "#1", "more than 64 bits"},
        {"devScan", "NaN", "#1", "not finite"},
        {"devParentPort", "99999999999999999999", "NULL", "more than 64 bits"},
        {"devParentPort", "\"a\\u0000\"", "NULL", "\\u0000"},
        {"devFavorite", "2", "#0", "devFavorite held a value that is neither 0 nor 1"},
        {"devFavorite", "-1", "#0", "neither 0 nor 1"},
        {"devFavorite", "0.5", "#0", "neither 0 nor 1"},
        {"devFavorite", "\"leak\"", "#0", "neither 0 nor 1"},
        {"devFavorite", "\"\"", "#0", "neither 0 nor 1"},
        {"devIsNew", "\"\"", "#1", "neither 0 nor 1"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char json[300], reason[SH_ROW_REPLACED_BYTES];
        (void)snprintf(json, sizeof json, "{\"%s\":%s,\"devMac\":\"aa\",\"devLastIP\":[]}",
                       cases[i].column, cases[i].json);
        sh_device_row *row = NULL;
        sh_error error = {.code = SH_OK};
        if (read_row(json, &row, &error) != SH_OK)
            fail_msg("%s: %s", json, error.message);
        assert_string_equal(shown(row, cases[i].column), cases[i].expected);
        assert_string_equal(shown(row, "devLastIP"), "''");
        assert_int_equal(sh_device_row_replaced(row, sh_device_columns, reason), 2);
        bool is_first = strncmp(reason, cases[i].column, strlen(cases[i].column)) == 0;
        if (is_first && strstr(reason, cases[i].message) == NULL)
            fail_msg("%s: '%s' does not say '%s'", json, reason, cases[i].message);
        assert_true(is_first || strncmp(reason, "devLastIP", 9) == 0);
        assert_null(strstr(reason, "leak"));
    }
}

static void of_a_key_that_comes_twice_the_last_one_counts(void **state)
{
    (void)state;
    sh_device_row *row = NULL;
    assert_int_equal(
        read_row("{\"devMac\":[],\"devName\":{},\"devMac\":\"aa\",\"devName\":\"x\"}", &row, NULL),
        SH_OK);
    assert_string_equal(sh_device_row_mac(row)->text, "aa");
    assert_string_equal(shown(row, "devName"), "'x'");
}

static void a_row_without_a_valid_key_is_rejected_and_told_why(void **state)
{
    (void)state;
    static const struct {
        const char *json, *message;
    } cases[] = {
        {"{}", "devMac is missing"},
        {"{\"devMac\":null}", "devMac is missing"},
        {"{\"devMac\":\"\"}", "devMac is missing"},
        {"{\"devMac\":\" \\t\"}", "devMac is missing"},
        {"{\"devMac\":[]}", "devMac is not text"},
        {"{\"devMac\":true}", "devMac is not text"},
        {"{\"devMac\":Infinity}", "devMac is not text"},
        {"{\"devMac\":\"leak\xff\"}", "devMac is text that is not UTF-8"},
        {"{\"devMac\":\"a\\u0000leak\"}", "devMac is text with \\u0000"},
        {"{\"devMac\":99999999999999999999}", "devMac is a whole number"},
        {"{\"devMac\":\"a\\u0007b\"}", "devMac contains a control character"},
        {"{\"DevMac\":\"aa\"}", "devMac is missing"},
        {"{\"dev_MAC\":\"aa\"}", "devMac is missing"},
        {"{\"devMac\":\"aa\"", "expected"},
        {"{\"devMac\":\"aa\"} x", "expected the end"},
        {"{\"devMac\":\"aa\",\"devName\":Infinit}", "expected a value"},
        {"[]", "expected an object"},
        {"\"leak\"", "expected an object"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        sh_device_row *row = NULL;
        sh_error error = {.code = SH_OK};
        assert_int_equal(read_row(cases[i].json, &row, &error), SH_E_FORMAT);
        assert_null(row);
        if (strstr(error.message, cases[i].message) == NULL)
            fail_msg("%s: '%s' does not say '%s'", cases[i].json, error.message, cases[i].message);
        assert_null(strstr(error.message, "leak"));
    }
}

static void keys_are_limited(void **state)
{
    (void)state;
    sh_device_row *row = NULL;
    sh_buf json = SH_BUF_INIT(SH_MIB);
    assert_int_equal(sh_buf_append_text(&json, "{\"devMac\":\"aa\""), SH_OK);
    for (int i = 1; i < SH_ROW_KEYS_MAX; i++)
        assert_int_equal(sh_buf_append_format(&json, ",\"k%d\":1", i), SH_OK);
    assert_int_equal(sh_buf_append_text(&json, "}"), SH_OK);
    assert_int_equal(read_row(json.data, &row, NULL), SH_OK);
    json.len--;
    assert_int_equal(sh_buf_append_text(&json, ",\"one more\":1}"), SH_OK);
    assert_int_equal(read_row(json.data, &row, NULL), SH_E_LIMIT);
    sh_buf_reset(&json);
}

static void the_key_is_normalised_and_numbers_are_keys(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"\"AA:BB:CC:DD:EE:FF\"", "aa:bb:cc:dd:ee:ff"},
        {"\"aabbccddeeff\"", "aa:bb:cc:dd:ee:ff"},
        {"\" Internet \"", "Internet"},
        {"0", "0"},
        {"1.5", "1.5"},
        {"112233445566", "11:22:33:44:55:66"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char json[100];
        (void)snprintf(json, sizeof json, "{\"devMac\":%s}", cases[i][0]);
        sh_device_row *row = NULL;
        assert_int_equal(read_row(json, &row, NULL), SH_OK);
        assert_string_equal(sh_device_row_mac(row)->text, cases[i][1]);
    }
}

static void size_is_limited(void **state)
{
    (void)state;
    sh_buf json = SH_BUF_INIT(2 * SH_ROW_MAX);
    assert_int_equal(sh_buf_append_text(&json, "{\"devMac\":\"aa\",\"devComments\":\""), SH_OK);
    while (json.len < SH_ROW_MAX - 2)
        assert_int_equal(sh_buf_append(&json, "x", 1), SH_OK);
    assert_int_equal(sh_buf_append_text(&json, "\"}"), SH_OK);
    assert_int_equal(json.len, SH_ROW_MAX);
    sh_device_row *row = NULL;
    assert_int_equal(read_row(json.data, &row, NULL), SH_OK);
    row = NULL;
    assert_int_equal(sh_buf_append_text(&json, " "), SH_OK);
    assert_int_equal(read_row(json.data, &row, NULL), SH_E_LIMIT);
    assert_null(row);
    sh_buf_reset(&json);
}

static void the_row_borrows_from_nobody(void **state)
{
    (void)state;
    static const sh_column columns[] = {
        {.name = "devSyncHubNode", .kind = SH_COLUMN_TEXT},
        {.name = "devFirstConnection",
         .kind = SH_COLUMN_DATETIME,
         .not_null = true,
         .default_kind = SH_DEFAULT_NOW},
        {.name = "devColor",
         .kind = SH_COLUMN_TEXT,
         .not_null = true,
         .default_kind = SH_DEFAULT_TEXT,
         .default_text = "blue"},
        {.name = "devName", .kind = SH_COLUMN_TEXT},
    };
    enum { COUNT = sizeof columns / sizeof columns[0] };
    sh_column *given = malloc(sizeof columns);
    char *json = strdup("{\"devMac\":\"aa\",\"devName\":\"name\"}");
    char *node = strdup("Node_B");
    char *now = strdup(NOW);
    assert_true(given != NULL && json != NULL && node != NULL && now != NULL);
    memcpy(given, columns, sizeof columns);
    sh_device_row *row = NULL;
    assert_int_equal(
        sh_device_row_read(sh_slice_of(json),
                           &(sh_row_context){given, COUNT, sh_slice_of(node), now, &arena}, &row,
                           NULL),
        SH_OK);
    free(given);
    free(json);
    free(node);
    free(now);
    static const char *const expected[COUNT] = {"Node_B", NOW, "blue", "name"};
    for (size_t i = 0; i < COUNT; i++)
        assert_true(sh_slice_equals(sh_device_row_value(row, i).text, sh_slice_of(expected[i])));
    assert_string_equal(sh_device_row_mac(row)->text, "aa");
}

static int free_rows(void **state)
{
    (void)state;
    sh_arena_reset(&arena);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_table_has_netalertx_columns),
        cmocka_unit_test(missing_keys_take_sensible_defaults),
        cmocka_unit_test(values_are_those_that_netalertx_would_store),
        cmocka_unit_test(values_that_cannot_be_stored_become_the_default_and_are_told),
        cmocka_unit_test(of_a_key_that_comes_twice_the_last_one_counts),
        cmocka_unit_test(a_row_without_a_valid_key_is_rejected_and_told_why),
        cmocka_unit_test(keys_are_limited),
        cmocka_unit_test(the_key_is_normalised_and_numbers_are_keys),
        cmocka_unit_test(size_is_limited),
        cmocka_unit_test(the_row_borrows_from_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, free_rows);
}
