/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/base/buffer.h"
#include "libcommon/netalertx/plugin_lines.h"

#include "libcommon/base/limits.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define NINE "p|s|2026-08-22 02:53:00|1|2|3|4|x|f"

static void lines_of_nine_and_thirteen_columns_are_read(void **state)
{
    (void)state;
    static const char text[] = NINE "\r\n\n \t\n" NINE "|h1|h2||h4";
    sh_plugin_lines lines;
    sh_plugin_lines_init(&lines, text, sizeof text - 1);
    sh_plugin_line line;
    bool more = false;
    assert_int_equal(sh_plugin_lines_next(&lines, &line, &more, NULL), SH_OK);
    assert_true(more);
    assert_int_equal(line.columns, 9);
    assert_int_equal(lines.line, 1);
    assert_true(sh_slice_equals(line.field[SH_PLUGIN_PRIMARY_ID], SH_SLICE("p")));
    assert_true(sh_slice_equals(line.field[SH_PLUGIN_DATE_TIME], SH_SLICE("2026-08-22 02:53:00")));
    assert_true(sh_slice_equals(line.field[SH_PLUGIN_FOREIGN_KEY], SH_SLICE("f")));
    assert_int_equal(line.field[SH_PLUGIN_HELP_4].len, 0);
    assert_int_equal(sh_plugin_lines_next(&lines, &line, &more, NULL), SH_OK);
    assert_true(more);
    assert_int_equal(line.columns, 13);
    assert_int_equal(lines.line, 4);
    assert_int_equal(line.field[SH_PLUGIN_HELP_3].len, 0);
    assert_true(sh_slice_equals(line.field[SH_PLUGIN_HELP_4], SH_SLICE("h4")));
    assert_int_equal(sh_plugin_lines_next(&lines, &line, &more, NULL), SH_OK);
    assert_false(more);
}

/* clang-format's versions differ about braces in macros. */
/* clang-format off */
#define CASE(literal, message) \
    { \
        literal "\n" NINE, sizeof(literal "\n" NINE) - 1, message \
    }
/* clang-format on */
static void an_invalid_line_is_reported_and_skipped(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t len;
        const char *message;
    } cases[] = {
        CASE("p", "1 columns"),
        CASE("1|2|3|4|5|6|7|8", "8 columns"),
        CASE("1|2|3|4|5|6|7|8|9|10", "10 columns"),
        CASE("1|2|3|4|5|6|7|8|9|10|11|12", "12 columns"),
        CASE("1|2|3|4|5|6|7|8|9|10|11|12|13|14", "14 columns"),
        CASE("|s|d|1|2|3|4|x|f", "no primary id"),
        CASE("  |s|d|1|2|3|4|x|f", "no primary id"),
        CASE("p\xff|s|d|1|2|3|4|x|f", "not UTF-8"),
        CASE("p\0|s|d|1|2|3|4|x|f", "NUL"),
    };
#undef CASE
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        sh_plugin_lines lines;
        sh_plugin_lines_init(&lines, cases[i].text, cases[i].len);
        sh_plugin_line line;
        bool more = false;
        sh_error error = {.code = SH_OK};
        assert_int_equal(sh_plugin_lines_next(&lines, &line, &more, &error), SH_E_FORMAT);
        assert_true(more);
        if (strstr(error.message, cases[i].message) == NULL)
            fail_msg("'%s' does not say '%s'", error.message, cases[i].message);
        assert_int_equal(sh_plugin_lines_next(&lines, &line, &more, NULL), SH_OK);
        assert_true(more);
        assert_int_equal(lines.line, 2);
    }
}

static void a_line_is_limited(void **state)
{
    (void)state;
    for (size_t over = 0; over <= 1; over++) {
        sh_buf text = SH_BUF_INIT(SH_MIB);
        assert_int_equal(sh_buf_append_text(&text, NINE), SH_OK);
        while (text.len < SH_PLUGIN_LINE_MAX + over)
            assert_int_equal(sh_buf_append(&text, "x", 1), SH_OK);
        sh_plugin_lines lines;
        sh_plugin_lines_init(&lines, text.data, text.len);
        sh_plugin_line line;
        bool more = false;
        assert_int_equal(sh_plugin_lines_next(&lines, &line, &more, NULL),
                         over == 0 ? SH_OK : SH_E_LIMIT);
        sh_buf_reset(&text);
    }
}

/* clang-format's versions differ about braces in macros. */
/* clang-format off */
#define CASE(literal, code) \
    { \
        literal, sizeof(literal) - 1, code \
    }
/* clang-format on */
static void plugin_results_are_distinguished_from_other_text(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t len;
        sh_err err;
    } cases[] = {
        CASE("", SH_OK),
        CASE("\n \r\n", SH_OK),
        CASE(NINE, SH_OK),
        CASE("garbage\n" NINE "\n", SH_OK),
        CASE("garbage", SH_E_FORMAT),
        CASE("{\"data\": []}", SH_E_FORMAT),
        CASE(NINE "\n\0", SH_E_FORMAT),
        CASE(NINE "\n\xff", SH_E_FORMAT),
    };
#undef CASE
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        sh_error error = {.code = SH_OK};
        assert_int_equal(sh_plugin_text_check(cases[i].text, cases[i].len, &error), cases[i].err);
        assert_int_equal(error.code, cases[i].err);
    }
}

static void lines_of_a_result_are_limited(void **state)
{
    (void)state;
    static const char line[] = "p||||||||\n";
    sh_buf text = SH_BUF_INIT(SH_PLAIN_MAX);
    for (int i = 0; i < SH_PLUGIN_LINES_MAX; i++)
        assert_int_equal(sh_buf_append(&text, line, sizeof line - 1), SH_OK);
    assert_int_equal(sh_plugin_text_check(text.data, text.len, NULL), SH_OK);
    assert_int_equal(sh_buf_append(&text, line, sizeof line - 1), SH_OK);
    assert_int_equal(sh_plugin_text_check(text.data, text.len, NULL), SH_E_LIMIT);
    sh_buf_clear(&text);
    for (int i = 0; i <= SH_PLUGIN_LINES_MAX; i++)
        assert_int_equal(sh_buf_append(&text, "\n", 1), SH_OK);
    assert_int_equal(sh_plugin_text_check(text.data, text.len, NULL), SH_E_LIMIT);
    sh_buf_reset(&text);
}

static void every_truncation_stays_inside_the_text(void **state)
{
    (void)state;
    static const char text[] = NINE "\r\n" NINE "|h1|h2|h3|h4\r\n";
    for (size_t len = 0; len < sizeof text; len++) {
        char *copy = malloc(len + (len == 0));
        assert_non_null(copy);
        memcpy(copy, text, len);
        sh_plugin_lines lines;
        sh_plugin_lines_init(&lines, copy, len);
        bool more = true;
        size_t given = 0;
        while (more) {
            sh_plugin_line line;
            (void)sh_plugin_lines_next(&lines, &line, &more, NULL);
            given += more;
        }
        assert_in_range(given, 0, 3);
        free(copy);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_of_nine_and_thirteen_columns_are_read),
        cmocka_unit_test(an_invalid_line_is_reported_and_skipped),
        cmocka_unit_test(a_line_is_limited),
        cmocka_unit_test(plugin_results_are_distinguished_from_other_text),
        cmocka_unit_test(lines_of_a_result_are_limited),
        cmocka_unit_test(every_truncation_stays_inside_the_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
