/* SPDX-License-Identifier: Apache-2.0 */
#include "pusher/watch.h"

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "pusher_folder.h"

static const char *watched[2];
static watch *w;

static int watch_start(void **state)
{
    if (folder_make(state) != 0)
        return 1;
    static char table[PATH_MAX], result[PATH_MAX];
    (void)snprintf(table, sizeof table, "%s/api/deep/table.json", folder);
    (void)snprintf(result, sizeof result, "%s/api/deep/er/result.log", folder);
    watched[0] = table;
    watched[1] = result;
    return watch_new(watched, 2, &w, NULL) != SH_OK;
}

static int watch_end(void **state)
{
    watch_free(w);
    return folder_remove(state);
}

#define WATCH_TEST(test) cmocka_unit_test_setup_teardown(test, watch_start, watch_end)

/* inotify queues events before the call that causes them returns: there is nothing to wait for. */
static bool has_event(void)
{
    struct pollfd fd = {.fd = watch_fd(w), .events = POLLIN};
    return poll(&fd, 1, 0) == 1;
}

/* A watch that is taken off says so by an event of its own: the second turn is quiet. */
static void arm(void)
{
    for (int turn = 0; turn < 2; turn++) {
        sh_error error = {0};
        watch_drain(w);
        if (watch_arm(w, &error) != SH_OK)
            fail_msg("%s", error.message);
    }
    assert_false(has_event());
}

static void expect_event(void)
{
    assert_true(has_event());
    arm();
}

static void folders_are_followed_down_as_they_appear(void **state)
{
    (void)state;
    arm();
    assert_int_equal(mkdir(in_folder("api"), 0700), 0);
    expect_event();
    assert_int_equal(mkdir(in_folder("api/deep"), 0700), 0);
    expect_event();
    folder_put("api/deep/table.json", "x");
    expect_event();
    assert_int_equal(mkdir(in_folder("api/deep/er"), 0700), 0);
    expect_event();
    folder_put("api/deep/er/result.log", "x");
    expect_event();
    assert_int_equal(rename(in_folder("api/deep/er/result.log"), in_folder("api/deep/table.json")),
                     0);
    expect_event();
}

static void folders_that_go_and_come_back_are_seen(void **state)
{
    (void)state;
    for (int turn = 0; turn < 3; turn++) {
        arm();
        assert_int_equal(mkdir(in_folder("api"), 0700), 0);
        assert_int_equal(mkdir(in_folder("api/deep"), 0700), 0);
        expect_event();
        folder_put("api/deep/table.json", "x");
        expect_event();
        assert_int_equal(unlink(in_folder("api/deep/table.json")), 0);
        assert_int_equal(rmdir(in_folder("api/deep")), 0);
        expect_event();
        assert_int_equal(rmdir(in_folder("api")), 0);
        expect_event();
    }
}

static void a_folder_moved_away_is_no_longer_watched(void **state)
{
    (void)state;
    assert_int_equal(mkdir(in_folder("api"), 0700), 0);
    assert_int_equal(mkdir(in_folder("api/deep"), 0700), 0);
    arm();
    assert_int_equal(rename(in_folder("api/deep"), in_folder("away")), 0);
    expect_event();
    folder_put("away/table.json", "x");
    assert_false(has_event());
    assert_int_equal(rename(in_folder("away"), in_folder("api/deep")), 0);
    expect_event();
    folder_put("api/deep/table.json", "y");
    expect_event();
}

static void arming_twice_changes_nothing(void **state)
{
    (void)state;
    assert_int_equal(mkdir(in_folder("api"), 0700), 0);
    assert_int_equal(mkdir(in_folder("api/deep"), 0700), 0);
    for (int i = 0; i < 5; i++)
        arm();
    folder_put("api/deep/table.json", "x");
    expect_event();
    assert_false(has_event());
}

static void a_file_in_the_way_of_a_folder_is_passed_over(void **state)
{
    (void)state;
    folder_put("api", "I am no folder");
    arm();
    assert_int_equal(unlink(in_folder("api")), 0);
    assert_int_equal(mkdir(in_folder("api"), 0700), 0);
    expect_event();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WATCH_TEST(folders_are_followed_down_as_they_appear),
        WATCH_TEST(folders_that_go_and_come_back_are_seen),
        WATCH_TEST(a_folder_moved_away_is_no_longer_watched),
        WATCH_TEST(arming_twice_changes_nothing),
        WATCH_TEST(a_file_in_the_way_of_a_folder_is_passed_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
