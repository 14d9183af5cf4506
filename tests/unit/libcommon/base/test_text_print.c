/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include "libcommon/base/text_print.h"

#include <stdlib.h>
#include <string.h>

static void control_and_invisible_characters_are_escaped(void **state)
{
    (void)state;
    static const struct {
        const char *text, *printed;
    } cases[] = {
        {"", ""},
        {"Küche 平山 😀 e\xcc\x81", "Küche 平山 😀 e\xcc\x81"},
        {"a\x1b[31mb\x7f\r\n", "a\\x1b[31mb\\x7f\\x0d\\x0a"},
        {"\xc2\x85\xc2\x9b", "\\x85\\x9b"},
        {"\xc2\xad", "\\xad"}, /* soft hyphen */
        {"a\xe2\x80\x8b\xe2\x80\x8d\xe2\x80\xae"
         "b",
         "a\\u200b\\u200d\\u202eb"},
        {"\xe2\x80\xa8\xe2\x81\xa6\xef\xbb\xbf", "\\u2028\\u2066\\ufeff"},
        {"\xe3\x85\xa4\xee\x80\x80", "\\u3164\\ue000"}, /* filler, private use */
        {"\xf3\xa0\x81\x81", "\\U000e0041"},            /* tag */
        {"\xf0\x9f\xbf\xbf", "\\U0001ffff"},            /* noncharacter */
        {"\xff\xc3", "\\xff\\xc3"},
        {"\xed\xa0\x80", "\\xed\\xa0\\x80"},
        {"\xf0\x9f\x98", "\\xf0\\x9f\\x98"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        sh_buf printed = SH_BUF_INIT(1000);
        assert_int_equal(sh_text_append_printable(&printed, sh_slice_of(cases[i].text)), SH_OK);
        assert_string_equal(printed.data == NULL ? "" : printed.data, cases[i].printed);
        sh_buf_reset(&printed);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(control_and_invisible_characters_are_escaped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
