/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/config/node_entry.h"
#include "tests/unit/unit.h"

static void a_node_entry_is_split_into_name_and_url(void **state)
{
    (void)state;
    static const struct {
        const char *entry, *name, *url;
    } good[] = {
        {"http://h:1", "", "http://h:1"},    {"http://h/a=http://b", "", "http://h/a=http://b"},
        {"a=http://h", "a", "http://h"},     {" Site B = https://h/ ", "Site B", "https://h/"},
        {"x=y=http://h", "x=y", "http://h"}, {"zürich=HTTP://h", "zürich", "HTTP://h"},
    };
    static const char *const bad[] = {"",
                                      "a",
                                      "=http://h",
                                      "a=",
                                      "a=h",
                                      "a/b=http://h",
                                      "..=http://h",
                                      "a=ftp://h",
                                      "a\tb=http://h",
                                      "a=http://u@h"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        sh_slice name, url;
        sh_error error = {0};
        if (sh_node_entry_read(good[i].entry, &name, &url, &error) != SH_OK)
            fail_msg("%s: %s", good[i].entry, error.message);
        assert_true(sh_slice_equals(name, sh_slice_of(good[i].name)));
        assert_true(sh_slice_equals(url, sh_slice_of(good[i].url)));
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        sh_slice name, url;
        sh_error error = {0};
        if (sh_node_entry_read(bad[i], &name, &url, &error) != SH_E_FORMAT)
            fail_msg("'%s' passes", bad[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_node_entry_is_split_into_name_and_url),
    };
    return cmocka_run_group_tests_name("node_entry", tests, NULL, NULL);
}
