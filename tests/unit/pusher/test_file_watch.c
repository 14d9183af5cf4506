/* SPDX-License-Identifier: Apache-2.0 */
#include "pusher/file_watch.h"

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/unit/pusher_folder.h"

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

/* Removing a watch causes an event: the second turn is quiet. */
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

static void expect(watch_seen what)
{
    assert_int_equal(watch_drain(w), what);
    assert_false(has_event());
    assert_int_equal(watch_drain(w), WATCH_QUIET);
}

static void expect_event(void)
{
    expect(WATCH_CHANGED);
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

static void what_happens_to_other_files_is_told_from_news(void **state)
{
    (void)state;
    assert_int_equal(mkdir(in_folder("api"), 0700), 0);
    assert_int_equal(mkdir(in_folder("api/deep"), 0700), 0);
    folder_put("api/deep/other", "x");
    arm();
    expect(WATCH_QUIET);
    folder_put("api/deep/other", "y");
    expect(WATCH_OTHERS);
    assert_int_equal(mkdir(in_folder("api/deep/er"), 0700), 0);
    expect_event();
    folder_put("api/deep/table.json.tmp", "x");
    folder_put("api/deep/result.log", "x"); /* is awaited in another folder */
    expect(WATCH_OTHERS);
    assert_int_equal(rename(in_folder("api/deep/table.json.tmp"), in_folder("api/deep/table.json")),
                     0);
    expect(WATCH_CHANGED);
    folder_put("api/deep/other", "x");
    folder_put("api/deep/table.json", "x");
    folder_put("api/deep/other", "x");
    expect(WATCH_CHANGED);
}

static void more_events_than_fit_are_news(void **state)
{
    (void)state;
    assert_int_equal(mkdir(in_folder("api"), 0700), 0);
    assert_int_equal(mkdir(in_folder("api/deep"), 0700), 0);
    arm();
    /* Equal events in a row are one, so two files take turns. */
    FILE *setting = fopen("/proc/sys/fs/inotify/max_queued_events", "r");
    char text[32];
    assert_non_null(setting);
    assert_non_null(fgets(text, sizeof text, setting));
    (void)fclose(setting);
    long most = strtol(text, NULL, 10);
    assert_true(most > 0);
    folder_put("api/deep/one", "x");
    folder_put("api/deep/two", "x");
    for (long i = 0; i < most + 2; i++) {
        int fd = open(in_folder(i % 2 == 0 ? "api/deep/one" : "api/deep/two"), O_WRONLY);
        assert_int_equal(close(fd), 0);
    }
    expect(WATCH_CHANGED);
}

/* Where the file is a link, whatever it leads to may be what changed. */
static void beside_a_link_all_is_news(void **state)
{
    (void)state;
    assert_int_equal(mkdir(in_folder("api"), 0700), 0);
    assert_int_equal(mkdir(in_folder("api/deep"), 0700), 0);
    assert_int_equal(symlink("today.json", in_folder("api/deep/table.json")), 0);
    arm();
    folder_put("api/deep/today.json", "x");
    expect(WATCH_CHANGED);
}

/* Of a file's folder it is no news that others remove something, of a watched folder it is. */
static void a_folder_is_watched_for_what_others_do_there(void **state)
{
    (void)state;
    static char spool[PATH_MAX];
    (void)snprintf(spool, sizeof spool, "%s/spool/", folder);
    const char *paths[] = {watched[0], spool};
    watch_free(w);
    assert_int_equal(watch_new(paths, 2, &w, NULL), SH_OK);
    assert_int_equal(mkdir(in_folder("api"), 0700), 0);
    assert_int_equal(mkdir(in_folder("api/deep"), 0700), 0);
    folder_put("api/deep/other", "x");
    arm();
    assert_int_equal(mkdir(in_folder("spool"), 0700), 0);
    expect_event();
    folder_put("spool/any", "x");
    expect_event();
    assert_int_equal(rename(in_folder("spool/any"), in_folder("spool/renamed")), 0);
    expect_event();
    assert_int_equal(unlink(in_folder("spool/renamed")), 0);
    expect_event();
    assert_int_equal(unlink(in_folder("api/deep/other")), 0);
    assert_false(has_event());
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
        WATCH_TEST(what_happens_to_other_files_is_told_from_news),
        WATCH_TEST(more_events_than_fit_are_news),
        WATCH_TEST(beside_a_link_all_is_news),
        WATCH_TEST(a_folder_is_watched_for_what_others_do_there),
        WATCH_TEST(arming_twice_changes_nothing),
        WATCH_TEST(a_file_in_the_way_of_a_folder_is_passed_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
