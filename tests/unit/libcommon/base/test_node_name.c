/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/base/limits.h"
#include "libcommon/base/node_name.h"
#include "tests/unit/unit.h"

#include <string.h>

static void node_names_obey_their_rules(void **state)
{
    (void)state;
    static const char *const good[] = {
        "a", "Node_A",     "B\xc3\xbcro 1", "...",          "a.b",
        "-", "\U0001f600", "\u2600\ufe0f",  "\u5317\u4eac", "Bu\u0308ro"};
    static const char *const bad[] = {
        "",           ".",
        "..",         "a/b",
        "a\\b",       "a\nb",
        "\x7f",       "\xff",
        "a\xc2\x80", /* control */
        "a\u200b",    "a\u200d\u200c",
        "\u202ea",    "\u2066a\u2069",
        "\ufeffa",    "a\u00ad", /* format */
        "\ue000",     "\U000f0000",
        "\U0010ffff", "\uffff",
        "\U000e0041", /* private, none, tags */
        " a",         "a ",
        "\ta",        "a\u00a0",
        "\u3000a",    "a\u2003",
        "\u2028",     "a\u2029b",
        "\u2800",     " ",
        "\u3164",     "a\u115f",
        "a\u034f",    "\ufe0f", /* drawn as nothing */
    };
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        assert_int_equal(sh_node_name_check(sh_slice_of(good[i]), NULL), SH_OK);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (sh_node_name_check(sh_slice_of(bad[i]), NULL) != SH_E_FORMAT)
            fail_msg("name %zu is taken", i);
    assert_int_equal(sh_node_name_check((sh_slice){"a\0b", 3}, NULL), SH_E_FORMAT);
}

static void a_node_name_has_at_most_50_characters(void **state)
{
    (void)state;
    for (size_t bytes = 1; bytes <= 4; bytes++) {
        static const char *const letters[] = {"", "a", "\u00e9", "\u5317", "\U0001f600"};
        char name[51 * 4 + 1] = "";
        for (size_t i = 0; i < 51; i++)
            memcpy(name + i * bytes, letters[bytes], bytes);
        assert_int_equal(sh_node_name_check((sh_slice){name, 50 * bytes}, NULL), SH_OK);
        assert_int_equal(sh_node_name_check((sh_slice){name, 51 * bytes}, NULL), SH_E_FORMAT);
    }
}

static void plugin_names_obey_their_rules(void **state)
{
    (void)state;
    char longest[SH_PLUGIN_NAME_MAX + 1];
    memset(longest, 'P', sizeof longest);
    static const char *const bad[] = {"",         "a-b",  "a.b",  "../x", "a b",
                                      "\xc3\xa9", "SYNC", "sync", "Sync"};
    assert_int_equal(sh_plugin_name_check(SH_SLICE("ARPSCAN_2"), NULL), SH_OK);
    assert_int_equal(sh_plugin_name_check(SH_SLICE("SYNC2"), NULL), SH_OK);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(sh_plugin_name_check(sh_slice_of(bad[i]), NULL), SH_E_FORMAT);
    assert_int_equal(sh_plugin_name_check((sh_slice){longest, SH_PLUGIN_NAME_MAX}, NULL), SH_OK);
    assert_int_equal(sh_plugin_name_check((sh_slice){longest, SH_PLUGIN_NAME_MAX + 1}, NULL),
                     SH_E_FORMAT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(node_names_obey_their_rules),
        cmocka_unit_test(a_node_name_has_at_most_50_characters),
        cmocka_unit_test(plugin_names_obey_their_rules),
    };
    return cmocka_run_group_tests_name("node_name", tests, NULL, NULL);
}
