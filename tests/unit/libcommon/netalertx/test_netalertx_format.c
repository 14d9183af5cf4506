/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/base/limits.h"
#include "libcommon/crypto/crypto.h"
#include "libcommon/json/json_read.h"
#include "libcommon/netalertx/netalertx_format.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static sh_slice slice_of(const sh_buf *buf)
{
    return (sh_slice){buf->data, buf->len};
}

static void assert_slice(sh_slice actual, const char *expected)
{
    assert_int_equal(actual.len, strlen(expected));
    assert_memory_equal(actual.data, expected, actual.len);
}

static void a_push_is_read_as_written(void **state)
{
    (void)state;
    sh_buf body = SH_BUF_INIT(4096);
    assert_int_equal(sh_netalertx_push_write(SH_SLICE("AAAA+/=="), "/tmp/\"x\".json", "SYNC",
                                             "B\xc3\xbcro \"1\"", &body),
                     SH_OK);
    sh_json *tree = NULL; /* another reader agrees that this is JSON */
    assert_int_equal(sh_json_parse(body.data, body.len, &tree, NULL), SH_OK);
    assert_int_equal(sh_json_count(tree), 4);
    assert_slice(sh_json_text(sh_json_member(tree, "file_path")), "/tmp/\"x\".json");
    sh_json_free(tree);

    sh_netalertx_push push;
    assert_int_equal(sh_netalertx_push_read(slice_of(&body), &push, NULL), SH_OK);
    assert_slice(push.data, "AAAA+/==");
    assert_slice(push.node, "B\xc3\xbcro \"1\"");
    assert_slice(push.plugin, "SYNC");
    assert_in_range((uintptr_t)push.data.data, (uintptr_t)body.data,
                    (uintptr_t)body.data + body.len); /* borrowed, not copied */
    sh_netalertx_push_reset(&push);
    sh_buf_reset(&body);
}

static void escapes_in_a_push_are_resolved(void **state)
{
    (void)state;
    sh_netalertx_push push;
    assert_int_equal(
        sh_netalertx_push_read(
            SH_SLICE("{\"d\\u0061ta\":\"A\\/B\",\"node_name\":\"n\\u00f6\","
                     "\"plugin\":\"\\u0053YNC\",\"file_path\":null,\"more\":[1,{\"data\":2}]}"),
            &push, NULL),
        SH_OK);
    assert_slice(push.data, "A/B");
    assert_slice(push.node, "n\xc3\xb6");
    assert_slice(push.plugin, "SYNC");
    sh_netalertx_push_reset(&push);
}

static void an_incomplete_push_is_rejected_with_the_field(void **state)
{
    (void)state;
    static const struct {
        const char *body;
        sh_err expected;
        const char *message;
    } cases[] = {
        {"", SH_E_FORMAT, "JSON"},
        {"[]", SH_E_FORMAT, "JSON"},
        {"{\"data\":\"x\",\"node_name\":\"n\",\"plugin\":\"SYNC\"", SH_E_FORMAT, "JSON"},
        {"{\"data\":\"x\",\"node_name\":\"n\",\"plugin\":\"SYNC\",}", SH_E_FORMAT, "JSON"},
        {"{\"data\":\"x\",\"data\":\"y\",\"node_name\":\"n\",\"plugin\":\"S\"}", SH_E_FORMAT,
         "duplicate"},
        {"{\"data\":\"x\",\"node_name\":\"n\",\"plugin\":\"S\",\"plugi\\u006e\":\"S\"}",
         SH_E_FORMAT, "duplicate"},
        {"{\"data\":\"\\ud800\",\"node_name\":\"n\",\"plugin\":\"S\"}", SH_E_FORMAT, "data"},
        {"{}", SH_E_NOT_FOUND, "Missing required 'data'"},
        {"{\"node_name\":\"n\",\"plugin\":\"S\"}", SH_E_NOT_FOUND, "Missing required 'data'"},
        {"{\"data\":5,\"node_name\":\"n\",\"plugin\":\"S\"}", SH_E_NOT_FOUND,
         "Missing required 'data'"},
        {"{\"data\":\"x\",\"plugin\":\"S\"}", SH_E_NOT_FOUND, "Missing required 'node_name'"},
        {"{\"data\":\"x\",\"node_name\":null,\"plugin\":\"S\"}", SH_E_NOT_FOUND,
         "Missing required 'node_name'"},
        {"{\"data\":\"x\",\"node_name\":\"\",\"plugin\":\"S\"}", SH_E_NOT_FOUND,
         "Missing required 'node_name'"},
        {"{\"data\":\"x\",\"node_name\":\"n\"}", SH_E_NOT_FOUND, "Missing required 'plugin'"},
        {"{\"data\":\"x\",\"node_name\":\"n\",\"plugin\":[\"S\"]}", SH_E_NOT_FOUND,
         "Missing required 'plugin'"},
        {"{\"data\":\"x\",\"node_name\":\"n\",\"plugin\":\"S\",\"file_path\":7}", SH_E_NOT_FOUND,
         "Missing required 'file_path'"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        sh_netalertx_push push;
        sh_error error = {.code = SH_OK};
        assert_int_equal(sh_netalertx_push_read(sh_slice_of(cases[i].body), &push, &error),
                         cases[i].expected);
        assert_non_null(strstr(error.message, cases[i].message));
        sh_netalertx_push_reset(&push);
    }
}

static void the_last_bytes_of_a_push_claim_a_name(void **state)
{
    (void)state;
    static const struct {
        const char *tail, *name; /* NULL: none */
    } cases[] = {
        {"{\"data\":\"x\",\"plugin\":\"S\",\"node_name\":\"Office\"}", "Office"},
        {"AAA==\", \"node_name\" : \n\"B\\u00fcro \\\"1\\\"\", \"more\":1}", "B\xc3\xbcro \"1\""},
        {"\"node_name\":\"first\",\"node_name\":\"last\"", "last"},
        {"\"node_name\":\"first\",\"node_name\":\"cut", "first"},
        {"\"node_name\":\"\"", ""},
        {"\"node_name\":\"cut", NULL},
        {"\"node_name\":\"cut\\", NULL},
        {"\"node_name\":\"cut\\\"", NULL},
        {"\"node_name\":", NULL},
        {"\"node_name\"", NULL},
        {"\"node_name", NULL},
        {"\"node_name\":7", NULL},
        {"\"node_name\":\"\\ud83d\"", NULL},
        {"\"node_name\":\"\\q\"", NULL},
        {"\"node_name\":\"\\u12\"", NULL},
        {"\"node_name\":\"a\\u12g4b\"", NULL},
        {"\"node_name\":\"\\ud83d\\ude0\"", NULL},
        {"node_name=Office", NULL},
        {"", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        size_t len = strlen(cases[i].tail);
        char *exact =
            malloc(len > 0 ? len : 1); /* allocated exactly, so that ASan detects reads past it */
        assert_non_null(exact);
        memcpy(exact, cases[i].tail, len);
        sh_buf name = SH_BUF_INIT(64);
        assert_int_equal(sh_netalertx_push_claimed((sh_slice){exact, len}, &name),
                         cases[i].name != NULL);
        if (cases[i].name != NULL)
            assert_slice(slice_of(&name), cases[i].name);
        sh_buf_reset(&name);
        free(exact);
    }
}

static void a_push_nested_over_the_limit_is_rejected(void **state)
{
    (void)state;
    sh_buf body = SH_BUF_INIT(4096);
    assert_int_equal(
        sh_buf_append_text(&body, "{\"data\":\"x\",\"node_name\":\"n\",\"plugin\":\"S\",\"deep\":"),
        SH_OK);
    for (size_t i = 0; i < SH_JSON_DEPTH_MAX; i++)
        assert_int_equal(sh_buf_append_text(&body, "["), SH_OK);
    for (size_t i = 0; i < SH_JSON_DEPTH_MAX; i++)
        assert_int_equal(sh_buf_append_text(&body, "]"), SH_OK);
    assert_int_equal(sh_buf_append_text(&body, "}"), SH_OK);
    sh_netalertx_push push;
    sh_error error = {0};
    assert_int_equal(sh_netalertx_push_read(slice_of(&body), &push, &error), SH_E_FORMAT);
    assert_int_equal(error.code, SH_E_FORMAT);
    sh_netalertx_push_reset(&push);
    sh_buf_reset(&body);
}

static void a_pull_has_exactly_netalertx_fields(void **state)
{
    (void)state;
    sh_buf body = SH_BUF_INIT(4096);
    assert_int_equal(
        sh_netalertx_pull_write(SH_SLICE("{\"data\": []}"), "Node_A", "2026-08-22 02:53:00", &body),
        SH_OK);
    assert_string_equal(body.data, "{\"data_base64\":\"eyJkYXRhIjogW119\",\"message\":\"OK\","
                                   "\"node_name\":\"Node_A\",\"status\":200,"
                                   "\"timestamp\":\"2026-08-22 02:53:00\"}");
    sh_buf table = SH_BUF_INIT(SH_PLAIN_MAX), node = SH_BUF_INIT(64);
    assert_int_equal(sh_netalertx_pull_read(slice_of(&body), &table, &node, NULL), SH_OK);
    assert_string_equal(table.data, "{\"data\": []}");
    assert_string_equal(node.data, "Node_A");
    sh_buf_reset(&table);
    sh_buf_reset(&node);
    sh_buf_reset(&body);
}

static void a_broken_pull_is_rejected_with_the_reason(void **state)
{
    (void)state;
    static const struct {
        const char *body;
        sh_err expected;
        const char *message; /* "" where it is read */
        const char *node;
    } cases[] = {
        {"{\"data_base64\":\"e30=\",\"node_name\":\"n\"}", SH_OK, "", "n"},
        {"{\"data_base64\":\"e30=\"}", SH_OK, "", ""},
        {"{\"data_base64\":\"e30=\",\"node_name\":null}", SH_OK, "", ""},
        {"{\"data_base64\":\"e30=\",\"node_name\":\"\"}", SH_OK, "", ""},
        {"{\"data_base64\":\"\\u0065\\u00330=\",\"node_name\":\"\\u006e\"}", SH_OK, "", "n"},
        {"<html>", SH_E_FORMAT, "JSON", ""},
        {"{\"message\":\"OK\"}", SH_E_FORMAT, "data_base64", ""},
        {"{\"data_base64\":5}", SH_E_FORMAT, "data_base64", ""},
        {"{\"data_base64\":\"e30\"}", SH_E_FORMAT, "not base64", ""},
        {"{\"data_base64\":\"e3 =\"}", SH_E_FORMAT, "not base64", ""},
        {"{\"data_base64\":\"e30=\",\"data_base64\":\"e30=\"}", SH_E_FORMAT, "duplicate", ""},
        {"{\"data_base64\":\"e30=\",\"node_name\":7}", SH_E_FORMAT, "node_name", ""},
        {"{\"data_base64\":\"e30=\",\"node_name\":\"\\ud800\"}", SH_E_FORMAT, "node_name", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        sh_buf table = SH_BUF_INIT(SH_PLAIN_MAX), node = SH_BUF_INIT(64);
        sh_error error = {.code = SH_OK};
        assert_int_equal(sh_netalertx_pull_read(sh_slice_of(cases[i].body), &table, &node, &error),
                         cases[i].expected);
        assert_non_null(strstr(error.message, cases[i].message));
        if (cases[i].expected == SH_OK) {
            assert_string_equal(table.data, "{}");
            assert_string_equal(node.data == NULL ? "" : node.data, cases[i].node);
        }
        sh_buf_reset(&table);
        sh_buf_reset(&node);
    }
}

static void a_pulled_table_is_limited(void **state)
{
    (void)state;
    const char *body = "{\"data_base64\":\"e30=\",\"node_name\":\"0123456789\"}";
    for (size_t short_of = 0; short_of <= 1; short_of++) {
        sh_buf table = SH_BUF_INIT(2 - short_of), node = SH_BUF_INIT(10);
        assert_int_equal(sh_netalertx_pull_read(sh_slice_of(body), &table, &node, NULL),
                         short_of == 0 ? SH_OK : SH_E_LIMIT);
        sh_buf_reset(&table);
        sh_buf_reset(&node);
    }
    sh_buf table = SH_BUF_INIT(2), node = SH_BUF_INIT(9);
    assert_int_equal(sh_netalertx_pull_read(sh_slice_of(body), &table, &node, NULL), SH_E_LIMIT);
    sh_buf_reset(&table);
    sh_buf_reset(&node);
}

static int start_crypto(void **state)
{
    (void)state;
    return sh_crypto_init(NULL) == SH_OK ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_push_is_read_as_written),
        cmocka_unit_test(escapes_in_a_push_are_resolved),
        cmocka_unit_test(an_incomplete_push_is_rejected_with_the_field),
        cmocka_unit_test(the_last_bytes_of_a_push_claim_a_name),
        cmocka_unit_test(a_push_nested_over_the_limit_is_rejected),
        cmocka_unit_test(a_pull_has_exactly_netalertx_fields),
        cmocka_unit_test(a_broken_pull_is_rejected_with_the_reason),
        cmocka_unit_test(a_pulled_table_is_limited),
    };
    return cmocka_run_group_tests(tests, start_crypto, NULL);
}
