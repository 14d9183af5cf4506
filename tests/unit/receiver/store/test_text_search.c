/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/store/text_search.h"

#include "tests/unit/unit.h"

static void check(sh_slice sought, sh_slice text, bool found)
{
    text_search *s = text_search_new(sought);
    assert_non_null(s);
    if (text_search_finds(s, text) != found)
        fail_msg("'%.*s' in '%.*s'", (int)sought.len, sought.data, (int)text.len, text.data);
    text_search_free(s);
}

static void a_text_is_found_anywhere_without_regard_to_case(void **state)
{
    (void)state;
    const sh_slice text = SH_SLICE("Printer-17.Example.ORG");
    check(SH_SLICE("printer"), text, true);
    check(SH_SLICE("PRINTER-17"), text, true);
    check(SH_SLICE("example.org"), text, true);
    check(SH_SLICE("org"), text, true);
    check(text, text, true);
    check(SH_SLICE("printer-17.example.org."), text, false);
    check(SH_SLICE("printer18"), text, false);
    check(SH_SLICE("rr"), text, false);
    check(SH_SLICE("aab"), SH_SLICE("aaab"), true);
    check(SH_SLICE("a"), SH_SLICE(""), false);
    check(SH_SLICE(""), SH_SLICE(""), true);
}

static void only_letters_are_folded(void **state)
{
    (void)state;
    check(SH_SLICE("["), SH_SLICE("{"), false);
    check(SH_SLICE("@"), SH_SLICE("`"), false);
    check(SH_SLICE("%"), SH_SLICE("a"), false);
    check(SH_SLICE("_"), SH_SLICE("a"), false);
    check(SH_SLICE("_"), SH_SLICE("a_b"), true);
}

static void letters_of_all_scripts_are_folded(void **state)
{
    (void)state;
    check(SH_SLICE("BÜRO"), SH_SLICE("im Büro"), true);
    check(SH_SLICE("büro"), SH_SLICE("IM BÜRO 2"), true);
    check(SH_SLICE("Ü"), SH_SLICE("U"), false);
    check(SH_SLICE("склад"), SH_SLICE("СКЛАД 7"), true);
    check(SH_SLICE("倉庫"), SH_SLICE("第二倉庫"), true);
    check(SH_SLICE("倉庫"), SH_SLICE("倉"), false);
}

static void bytes_that_are_not_utf8_match_themselves(void **state)
{
    (void)state;
    check(SH_SLICE("\xff"), SH_SLICE("a\xff"), true);
    check(SH_SLICE("\xff"), SH_SLICE("a\xfe"), false);
    check(SH_SLICE("\xc3"), SH_SLICE("\xc3\xbc"), false); /* half of a character */
    check(SH_SLICE("\xc3\xbc"), SH_SLICE("\xc3"), false);
    check(SH_SLICE("b"),
          SH_SLICE("\xff\xff"
                   "B"),
          true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_text_is_found_anywhere_without_regard_to_case),
        cmocka_unit_test(only_letters_are_folded),
        cmocka_unit_test(letters_of_all_scripts_are_folded),
        cmocka_unit_test(bytes_that_are_not_utf8_match_themselves),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
