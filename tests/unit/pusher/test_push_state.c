/* SPDX-License-Identifier: Apache-2.0 */
#include "pusher/push_state.h"

#include "libcommon/base/limits.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/pusher_folder.h"

#define NOW_MS INT64_C(1790000000000)
#define DAY_MS ((int64_t)SH_FULL_TABLE_INTERVAL_S * 1000)

static const uint8_t one[SH_DIGEST_BYTES] = {1}, two[SH_DIGEST_BYTES] = {2};

static state *open_state(const char *node, const char *hub)
{
    state *s = NULL;
    sh_error error = {0};
    assert_int_equal(state_open(folder, node, hub, &s, &error), SH_OK);
    assert_non_null(s);
    return s;
}

static void save_some(void)
{
    state *s = open_state("Näme \"x\"", "http://hub");
    assert_false(state_full_is_due(s, NOW_MS));
    state_full_set(s, one, NOW_MS);
    assert_int_equal(state_plugin_set(s, "ARPSCAN", one, NULL), SH_OK);
    assert_int_equal(state_plugin_set(s, "NMAP", one, NULL), SH_OK);
    assert_int_equal(state_plugin_set(s, "NMAP", two, NULL), SH_OK);
    assert_int_equal(state_save(s, NULL), SH_OK);
    state_free(s);
}

static void what_was_saved_is_remembered(void **state_)
{
    (void)state_;
    save_some();
    state *s = open_state("Näme \"x\"", "http://hub");
    assert_true(state_full_is(s, one));
    assert_false(state_full_is(s, two));
    assert_false(state_full_is_other(s, one));
    assert_true(state_full_is_other(s, two));
    assert_true(state_plugin_is(s, "ARPSCAN", one));
    assert_false(state_plugin_is(s, "ARPSCAN", two));
    assert_true(state_plugin_is(s, "NMAP", two));
    assert_false(state_plugin_is(s, "OTHER", one));
    state_free(s);
}

static void the_full_table_is_due_after_a_day(void **state_)
{
    (void)state_;
    save_some();
    state *s = open_state("Näme \"x\"", "http://hub");
    assert_false(state_full_is_due(s, NOW_MS));
    assert_false(state_full_is_due(s, NOW_MS + DAY_MS));
    assert_true(state_full_is_due(s, NOW_MS + DAY_MS + 1));
    assert_true(state_full_is_due(s, NOW_MS - 1)); /* the clock was set back */
    state_free(s);
}

static void another_node_or_hub_remembers_nothing(void **state_)
{
    (void)state_;
    static const char *const owners[][2] = {{"other", "http://hub"},
                                            {"Näme \"x\"", "http://other"}};
    for (size_t i = 0; i < 2; i++) {
        save_some();
        state *s = open_state(owners[i][0], owners[i][1]);
        assert_false(state_full_is(s, one));
        assert_false(state_full_is_other(s, one));
        assert_false(state_plugin_is(s, "ARPSCAN", one));
        state_free(s);
    }
}

static void a_damaged_state_is_told_and_empty(void **state_)
{
    (void)state_;
    static const char *const texts[] = {"", "{", "[]", "{}", "{\"version\":1", "\xff", "null"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        folder_put("state.json", texts[i]);
        state *s = NULL;
        sh_error error = {0};
        assert_int_equal(state_open(folder, "n", "h", &s, &error), SH_E_FORMAT);
        assert_non_null(strstr(error.message, in_folder("state.json")));
        assert_non_null(s);
        assert_false(state_full_is(s, one));
        assert_int_equal(state_save(s, NULL), SH_OK);
        state_free(s);
        state_free(open_state("n", "h"));
    }
}

static void members_that_are_wrong_are_passed_over(void **state_)
{
    (void)state_;
    folder_put("state.json",
               "{\"version\":1,\"node\":\"n\",\"hub\":\"h\",\"full_ms\":\"x\",\"full_digest\":5,"
               "\"plugins\":[5,{},{\"plugin\":\"../x\",\"digest\":\"00\"},"
               "{\"plugin\":\"A\",\"digest\":\"01000000000000000000000000000000"
               "00000000000000000000000000000000\"}]}");
    state *s = open_state("n", "h");
    assert_false(state_full_is_due(s, INT64_MAX));
    assert_true(state_plugin_is(s, "A", one));
    state_free(s);
}

static void without_a_folder_it_is_kept_in_memory(void **state_)
{
    (void)state_;
    state *s = NULL;
    assert_int_equal(state_open(NULL, "n", "h", &s, NULL), SH_OK);
    state_full_set(s, one, NOW_MS);
    assert_int_equal(state_save(s, NULL), SH_OK);
    assert_true(state_full_is(s, one));
    state_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FOLDER_TEST(what_was_saved_is_remembered),
        FOLDER_TEST(the_full_table_is_due_after_a_day),
        FOLDER_TEST(another_node_or_hub_remembers_nothing),
        FOLDER_TEST(a_damaged_state_is_told_and_empty),
        FOLDER_TEST(members_that_are_wrong_are_passed_over),
        FOLDER_TEST(without_a_folder_it_is_kept_in_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
