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

static void a_lone_value_is_a_document(void **state)
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
#define CASE(literal, words) \
    { \
        literal, sizeof(literal) - 1, words \
    }
/* clang-format on */
static void what_is_no_json_is_refused_with_the_reason(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t len;
        const char *words;
    } cases[] = {
        CASE("", "ends too early"),
        CASE("   ", "ends too early"),
        CASE("{\"a\":", "ends too early"),
        CASE("[1,2", "ends too early"),
        CASE("\"open", "ends too early"),
        CASE("\"open\\", "out of place"),
        CASE("{} x", "follows after its end"),
        CASE("{}{}", "follows after its end"),
        CASE("[] \0", "holds a NUL"),
        CASE("[1\0]", "holds a NUL"),
        CASE("{\"a\":1,\"a\":2}", "twice"),
        CASE("\"a\\u0000b\"", "\\u0000"),
        CASE("{\"a\\u0000\":1}", "\\u0000"),
        CASE("9223372036854775808", "too large"),
        CASE("-9223372036854775809", "too large"),
        CASE("1e400", "too large"),
        CASE("\"\xff\"", "not UTF-8"),
        CASE("\"\xed\xa0\x80\"", "not UTF-8"),
        CASE("\"\xc0\x80\"", "not UTF-8"),
        CASE("\"\\ud800\"", "out of place"),
        CASE("\"a\nb\"", "out of place"),
        CASE("\"a\0b\"", "holds a NUL"),
        CASE("[1,]", "out of place"),
        CASE("{'a':1}", "out of place"),
        CASE("NaN", "out of place"),
        CASE("01", "out of place"),
        CASE("]", "out of place"),
        CASE("\xef\xbb\xbf{}", "out of place"),
    };
#undef CASE
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        sh_json *doc = NULL;
        sh_error error = {.code = SH_OK};
        assert_int_equal(sh_json_parse(cases[i].text, cases[i].len, &doc, &error), SH_E_FORMAT);
        assert_null(doc);
        if (strstr(error.message, cases[i].words) == NULL)
            fail_msg("case %zu: '%s' does not say '%s'", i, error.message, cases[i].words);
    }
}

static void the_message_tells_the_place_and_never_the_text(void **state)
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

static void every_truncation_is_refused(void **state)
{
    (void)state;
    static const char text[] = "{\"devMac\":\"00:11\",\"a\":[1.5,true,{\"b\":\"\\u00e4\"}]}";
    for (size_t len = 0; len < sizeof text - 1; len++) {
        /* An exact copy, so that reading on past the end is seen by the address sanitizer. */
        char *copy = malloc(len + (len == 0));
        assert_non_null(copy);
        memcpy(copy, text, len);
        sh_json *doc = NULL;
        assert_int_equal(sh_json_parse(copy, len, &doc, NULL), SH_E_FORMAT);
        free(copy);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_of_value_is_read),
        cmocka_unit_test(a_lone_value_is_a_document),
        cmocka_unit_test(what_is_no_json_is_refused_with_the_reason),
        cmocka_unit_test(the_message_tells_the_place_and_never_the_text),
        cmocka_unit_test(nesting_is_limited),
        cmocka_unit_test(brackets_side_by_side_are_not_nesting),
        cmocka_unit_test(every_truncation_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
