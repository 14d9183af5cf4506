/* SPDX-License-Identifier: Apache-2.0 */
#include "puller/nodes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static sh_err read_one(const char *entry, puller_nodes *ret, sh_error *error)
{
    sh_list list = {.items = NULL};
    assert_int_equal(sh_list_add(&list, sh_slice_of(entry)), SH_OK);
    sh_err err = puller_nodes_read(&list, ret, error);
    sh_list_reset(&list);
    return err;
}

static void an_entry_gives_name_url_and_what_is_fetched(void **state)
{
    (void)state;
    static const struct {
        const char *entry, *name, *url, *sync_url;
        bool in_clear;
    } cases[] = {
        {"http://node-a:20212", "", "http://node-a:20212", "http://node-a:20212/sync", true},
        {"http://node-a/", "", "http://node-a", "http://node-a/sync", true},
        {"http://node-a/base//", "", "http://node-a/base", "http://node-a/base/sync", true},
        {"https://node-a", "", "https://node-a", "https://node-a/sync", false},
        {"site b=https://node-b", "site b", "https://node-b", "https://node-b/sync", false},
        {"x=http://127.0.0.1:1/n", "x", "http://127.0.0.1:1/n", "http://127.0.0.1:1/n/sync", false},
        {"http://[::1]:5", "", "http://[::1]:5", "http://[::1]:5/sync", false},
        {"http://localhost", "", "http://localhost", "http://localhost/sync", false},
        {"http://192.168.1.5", "", "http://192.168.1.5", "http://192.168.1.5/sync", true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        puller_nodes nodes;
        assert_int_equal(read_one(cases[i].entry, &nodes, NULL), SH_OK);
        assert_int_equal(nodes.count, 1);
        assert_string_equal(nodes.items[0].name, cases[i].name);
        assert_string_equal(nodes.items[0].url, cases[i].url);
        assert_string_equal(nodes.items[0].sync_url, cases[i].sync_url);
        assert_int_equal(nodes.items[0].in_clear, cases[i].in_clear);
        puller_nodes_reset(&nodes);
    }
}

static void a_wrong_entry_is_a_wrong_setting(void **state)
{
    (void)state;
    static const char *const cases[] = {"node-a", "ftp://node-a", "a/b=http://node-a",
                                        "http://user:pw@node-a", "=http://node-a"};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        puller_nodes nodes;
        sh_error error = {.code = SH_OK};
        assert_int_equal(read_one(cases[i], &nodes, &error), SH_E_CONFIG);
        assert_non_null(strstr(error.message, "SYNC_nodes"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_entry_gives_name_url_and_what_is_fetched),
        cmocka_unit_test(a_wrong_entry_is_a_wrong_setting),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
