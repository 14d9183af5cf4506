/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/base/utf8.h"
#include "tests/unit/unit.h"

#include <stdlib.h>
#include <string.h>

static void utf8_validation_follows_rfc_3629(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool valid;
    } cases[] = {
        {"", true},
        {"plain ascii text", true},
        {"\xc3\xa9", true},
        {"\xe2\x82\xac", true},
        {"\xf0\x9f\x98\x80", true},
        {"12345678\xc3\xa9", true},
        {"\x80", false},
        {"\xc3", false},
        {"\xc0\x80", false},         /* overlong */
        {"\xe0\x80\x80", false},     /* overlong */
        {"\xed\xa0\x80", false},     /* surrogate */
        {"\xf4\x90\x80\x80", false}, /* over U+10FFFF */
        {"\xf8\x88\x80\x80\x80", false},
        {"12345678\xc3", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        size_t len = strlen(cases[i].text);
        char *copy = malloc(len + 1);
        assert_non_null(copy);
        memcpy(copy, cases[i].text, len);
        assert_int_equal(sh_utf8_is_valid(copy, len), cases[i].valid);
        free(copy);
    }
    assert_int_equal(sh_utf8_count("a\xc3\xa9\xe2\x82\xac", 6), 3);
    assert_true(sh_utf8_has_control("a\x1f", 2));
    assert_true(sh_utf8_has_control("a\x7f", 2));
    assert_true(sh_utf8_has_control("\xc2\x85", 2));
    assert_false(sh_utf8_has_control("\xc2\xa0\xc3\x85", 4));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(utf8_validation_follows_rfc_3629),
    };
    return cmocka_run_group_tests_name("utf8", tests, NULL, NULL);
}
