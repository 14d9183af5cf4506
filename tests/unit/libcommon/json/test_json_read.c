/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/json/json_read.h"

#include "libcommon/base/limits.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void every_kind_of_value_is_read(void **state)
{
    (void)state;
    static const char text[] = " {\"s\":\"t\\u00e4\",\"i\":-9223372036854775808,\"r\":1.5,"
                               "\"n\":null,\"t\":true,\"f\":false,\"a\":[1,2],\"o\":{}}\r\n";
    sh_json *doc = NULL;
    sh_error error = {.code = SH_OK};
    assert_int_equal(sh_json_parse(text, sizeof text - 1, &doc, &error), SH_OK);
    assert_int_equal(sh_json_kind_of(doc), SH_JSON_OBJECT);
    assert_int_equal(sh_json_count(doc), 8);
    assert_true(sh_slice_equals(sh_json_text(sh_json_member(doc, "s")), SH_SLICE("t\xc3\xa4")));
    assert_true(sh_json_integer(sh_json_member(doc, "i")) == INT64_MIN);
    assert_true(sh_json_real(sh_json_member(doc, "r")) == 1.5);
    assert_int_equal(sh_json_kind_of(sh_json_member(doc, "n")), SH_JSON_NULL);
    assert_int_equal(sh_json_kind_of(sh_json_member(doc, "t")), SH_JSON_TRUE);
    assert_int_equal(sh_json_kind_of(sh_json_member(doc, "f")), SH_JSON_FALSE);
    const sh_json *array = sh_json_member(doc, "a");
    assert_int_equal(sh_json_kind_of(array), SH_JSON_ARRAY);
    assert_int_equal(sh_json_count(array), 2);
    assert_int_equal(sh_json_integer(sh_json_at(array, 1)), 2);
    assert_null(sh_json_at(array, 2));
    assert_null(sh_json_member(doc, "S"));
    assert_int_equal(sh_json_count(sh_json_member(doc, "o")), 0);
    sh_json_free(doc);
}

static void a_single_value_is_a_document(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        sh_json_kind kind;
    } cases[] = {
        {"null", SH_JSON_NULL},
        {"7", SH_JSON_INTEGER},
        {"9223372036854775807", SH_JSON_INTEGER},
        {"1e5", SH_JSON_REAL},
        {"\"\"", SH_JSON_STRING},
        {"[]", SH_JSON_ARRAY},
        {"\t true ", SH_JSON_TRUE},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        sh_json *doc = NULL;
        assert_int_equal(sh_json_parse(cases[i].text, strlen(cases[i].text), &doc, NULL), SH_OK);
        assert_int_equal(sh_json_kind_of(doc), cases[i].kind);
        sh_json_free(doc);
    }
}

/* clang-format's versions differ about braces in macros. */
/* clang-format off */
#define CASE(literal, message) \
    { \
        literal, sizeof(literal) - 1, message \
    }
/* clang-format on */
static void invalid_json_is_rejected_with_a_reason(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t len;
        const char *message;
    } cases[] = {
        CASE("", "is truncated"),
        CASE("   ", "is truncated"),
        CASE("{\"a\":", "is truncated"),
        CASE("[1,2", "is truncated"),
        CASE("\"open", "is truncated"),
        CASE("\"open\\", "unexpected character"),
        CASE("{} x", "trailing characters"),
        CASE("{}{}", "trailing characters"),
        CASE("[] \0", "contains a NUL"),
        CASE("[1\0]", "contains a NUL"),
        CASE("{\"a\":1,\"a\":2}", "duplicate key"),
        CASE("\"a\\u0000b\"", "\\u0000"),
        CASE("{\"a\\u0000\":1}", "\\u0000"),
        CASE("9223372036854775808", "out of range"),
        CASE("-9223372036854775809", "out of range"),
        CASE("1e400", "out of range"),
        CASE("\"\xff\"", "not UTF-8"),
        CASE("\"\xed\xa0\x80\"", "not UTF-8"),
        CASE("\"\xc0\x80\"", "not UTF-8"),
        CASE("\"\\ud800\"", "unexpected character"),
        CASE("\"a\nb\"", "unexpected character"),
        CASE("\"a\0b\"", "contains a NUL"),
        CASE("[1,]", "unexpected character"),
        CASE("{'a':1}", "unexpected character"),
        CASE("NaN", "unexpected character"),
        CASE("01", "unexpected character"),
        CASE("]", "unexpected character"),
        CASE("\xef\xbb\xbf{}", "unexpected character"),
    };
#undef CASE
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        sh_json *doc = NULL;
        sh_error error = {.code = SH_OK};
        assert_int_equal(sh_json_parse(cases[i].text, cases[i].len, &doc, &error), SH_E_FORMAT);
        assert_null(doc);
        if (strstr(error.message, cases[i].message) == NULL)
            fail_msg("case %zu: '%s' does not contain '%s'", i, error.message, cases[i].message);
    }
}

static void the_message_has_the_position_but_not_the_text(void **state)
{
    (void)state;
    static const char text[] = "{\n  \"devName\": secret-word\n}";
    sh_json *doc = NULL;
    sh_error error = {.code = SH_OK};
    assert_int_equal(sh_json_parse(text, sizeof text - 1, &doc, &error), SH_E_FORMAT);
    assert_non_null(strstr(error.message, "line 2"));
    assert_null(strstr(error.message, "secret"));
}

static sh_err parse_nested(size_t depth, const char *inside)
{
    sh_buf text = SH_BUF_INIT(SH_MIB);
    for (size_t i = 0; i < depth; i++)
        assert_int_equal(sh_buf_append_text(&text, i % 2 == 0 ? "[" : "{\"k\":"), SH_OK);
    assert_int_equal(sh_buf_append_text(&text, inside), SH_OK);
    for (size_t i = depth; i-- > 0;)
        assert_int_equal(sh_buf_append_text(&text, i % 2 == 0 ? "]" : "}"), SH_OK);
    sh_json *doc = NULL;
    sh_err err = sh_json_parse(text.data, text.len, &doc, NULL);
    sh_json_free(doc);
    sh_buf_reset(&text);
    return err;
}

static void nesting_is_limited(void **state)
{
    (void)state;
    assert_int_equal(parse_nested(SH_JSON_DEPTH_MAX, "1"), SH_OK);
    assert_int_equal(parse_nested(SH_JSON_DEPTH_MAX + 1, "1"), SH_E_LIMIT);
    assert_int_equal(parse_nested(100000, "1"), SH_E_LIMIT);
    assert_int_equal(parse_nested(SH_JSON_DEPTH_MAX, "\"[[{{\\\"[[\""), SH_OK);
}

static void brackets_side_by_side_are_not_nesting(void **state)
{
    (void)state;
    sh_buf text = SH_BUF_INIT(SH_MIB);
    assert_int_equal(sh_buf_append_text(&text, "[[]"), SH_OK);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(sh_buf_append_text(&text, ",[{}]"), SH_OK);
    assert_int_equal(sh_buf_append_text(&text, "]"), SH_OK);
    sh_json *doc = NULL;
    assert_int_equal(sh_json_parse(text.data, text.len, &doc, NULL), SH_OK);
    assert_int_equal(sh_json_count(doc), 1001);
    sh_json_free(doc);
    sh_buf_reset(&text);
}

static void every_truncation_is_rejected(void **state)
{
    (void)state;
    static const char text[] = "{\"devMac\":\"00:11\",\"a\":[1.5,true,{\"b\":\"\\u00e4\"}]}";
    for (size_t len = 0; len < sizeof text - 1; len++) {
        /* Allocated exactly, so that ASan detects reads past the end. */
        char *copy = malloc(len + (len == 0));
        assert_non_null(copy);
        memcpy(copy, text, len);
        sh_json *doc = NULL;
        assert_int_equal(sh_json_parse(copy, len, &doc, NULL), SH_E_FORMAT);
        free(copy);
    }
}

static sh_err note_member(void *context, sh_slice key, const sh_json *value, sh_error *error)
{
    sh_buf *seen = context;
    if (sh_json_kind_of(value) == SH_JSON_NULL)
        return sh_fail(error, SH_E_FORMAT, "%s is null", key.data);
    return sh_buf_append_format(seen, "%s=%lld ", key.data, (long long)sh_json_integer(value));
}

static void members_are_visited_in_order_until_one_fails(void **state)
{
    (void)state;
    static const struct {
        const char *text, *seen;
        sh_err err;
    } cases[] = {{"{}", "", SH_OK},
                 {"{\"b\":1,\"a\":2,\"\u00e4\":3}", "b=1 a=2 \u00e4=3 ", SH_OK},
                 {"{\"b\":1,\"a\":null,\"c\":3}", "b=1 ", SH_E_FORMAT}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        sh_buf seen = SH_BUF_INIT(SH_KIB);
        sh_json *doc = NULL;
        sh_error error = {.code = SH_OK};
        assert_int_equal(sh_json_parse(cases[i].text, strlen(cases[i].text), &doc, NULL), SH_OK);
        assert_int_equal(sh_buf_append_text(&seen, ""), SH_OK);
        assert_int_equal(sh_json_each_member(doc, note_member, &seen, &error), cases[i].err);
        assert_int_equal(error.code, cases[i].err);
        assert_string_equal(seen.data == NULL ? "" : seen.data, cases[i].seen);
        sh_buf_reset(&seen);
        sh_json_free(doc);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_of_value_is_read),
        cmocka_unit_test(a_single_value_is_a_document),
        cmocka_unit_test(invalid_json_is_rejected_with_a_reason),
        cmocka_unit_test(the_message_has_the_position_but_not_the_text),
        cmocka_unit_test(nesting_is_limited),
        cmocka_unit_test(brackets_side_by_side_are_not_nesting),
        cmocka_unit_test(every_truncation_is_rejected),
        cmocka_unit_test(members_are_visited_in_order_until_one_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
