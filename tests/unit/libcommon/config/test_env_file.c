/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/config/env_file.h"

#include "libcommon/base/buffer.h"
#include "libcommon/base/limits.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Appends assignments as `name=<value>` lines. */
static sh_err take(void *context, sh_slice name, sh_slice value, sh_error *error)
{
    (void)error;
    return sh_buf_append_format(context, "%.*s=<%.*s>\n", (int)name.len, name.data, (int)value.len,
                                value.data == NULL ? "" : value.data);
}

static void check(const char *text, const char *expected)
{
    sh_buf out = SH_BUF_INIT(4096);
    sh_error error = {0};
    sh_err err = sh_env_file_read(sh_slice_of(text), take, &out, &error);
    if (err != SH_OK)
        fail_msg("'%s' is refused: %s", text, error.message);
    assert_string_equal(out.data == NULL ? "" : out.data, expected);
    sh_buf_reset(&out);
}

static void check_refused(const char *text, const char *message)
{
    sh_buf out = SH_BUF_INIT(4096);
    sh_error error = {0};
    assert_int_equal(sh_env_file_read(sh_slice_of(text), take, &out, &error), SH_E_FORMAT);
    if (strstr(error.message, message) == NULL)
        fail_msg("'%s' does not say '%s'", error.message, message);
    sh_buf_reset(&out);
}

static void lines_comments_and_white_space(void **state)
{
    (void)state;
    check("", "");
    check("A=b\n", "A=<b>\n");
    check("A=b", "A=<b>\n");
    check("\n# c=d\n;c=d\n  A = b c \t\r\n\n", "A=<b c>\n");
    check("A=\nB=\"\"\nC=''\n", "A=<>\nB=<>\nC=<>\n");
    check("A=b # no comment\n", "A=<b # no comment>\n");
    check("A=b=c\nA=d\n", "A=<b=c>\nA=<d>\n");
    check("# a comment that goes on \\\nA=b\nC=d\n", "C=<d>\n");
}

static void quotes_preserve_their_content(void **state)
{
    (void)state;
    check("A=\" b '\\\"\\\\\\`\\$ \\n\"\n", "A=< b '\"\\`$ \\n>\n");
    check("A=' b \"\\ $x'\n", "A=< b \"\\ $x>\n");
    check("A=\"['a', 'b=c']\"\n", "A=<['a', 'b=c']>\n");
    check("A=\"a\"'b'  \"c\"\nB=x\n", "A=<abc>\nB=<x>\n");
    check("A=a\"b\"'c'\n", "A=<a\"b\"'c'>\n");
    check("A=\"a\nb\"\n", "A=<a\nb>\n");
    check("A=\"a\\\nb\"\n", "A=<ab>\n");
}

static void a_backslash_escapes_an_unquoted_character(void **state)
{
    (void)state;
    check("A=a\\ b\\\\\\\"\\x\n", "A=<a b\\\"x>\n");
    check("A=a\\\nb\nC=d\n", "A=<ab>\nC=<d>\n");
    check("A=a\\ \n", "A=<a >\n");
    check("A=a\\", "A=<a\\>\n");
}

static void invalid_lines_are_rejected_with_their_number(void **state)
{
    (void)state;
    check_refused("A=b\n\nSYNC_hub_url: x\n", "line 3 has no '='");
    check_refused("A", "line 1 has no '='");
    check_refused("A=b\nC='d\nE=f\n", "line 2 has an unterminated quote (')");
    check_refused("A=\"\\", "line 1 has an unterminated quote (\")");
}

static void a_value_ends_at_its_limit(void **state)
{
    (void)state;
    static char text[SH_SETTING_LIST_MAX + 8];
    sh_buf out = SH_BUF_INIT(2 * SH_SETTING_LIST_MAX);
    sh_error error = {0};
    memset(text, 'x', sizeof text - 1);
    text[1] = '=';
    assert_int_equal(sh_env_file_read(sh_slice_of(text), take, &out, &error), SH_E_LIMIT);
    assert_non_null(strstr(error.message, "line 1: the value is too long"));
    sh_buf_reset(&out);
}

static sh_err refuse(void *context, sh_slice name, sh_slice value, sh_error *error)
{
    (void)context;
    (void)name;
    (void)value;
    return sh_fail(error, SH_E_FORMAT, "refused");
}

static void an_error_of_the_callback_ends_the_parsing(void **state)
{
    (void)state;
    sh_error error = {0};
    assert_int_equal(sh_env_file_read(SH_SLICE("A=b\nno assignment"), refuse, NULL, &error),
                     SH_E_FORMAT);
    assert_string_equal(error.message, "refused");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_comments_and_white_space),
        cmocka_unit_test(quotes_preserve_their_content),
        cmocka_unit_test(a_backslash_escapes_an_unquoted_character),
        cmocka_unit_test(invalid_lines_are_rejected_with_their_number),
        cmocka_unit_test(a_value_ends_at_its_limit),
        cmocka_unit_test(an_error_of_the_callback_ends_the_parsing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
