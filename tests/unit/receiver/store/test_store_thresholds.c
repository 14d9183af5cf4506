/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/store/store_thresholds.h"

#include "libcommon/base/clock.h"
#include "tests/unit/store_fixture.h"

/* Thresholds, and presence by them, on both kinds of databases. */

#define MINUTE INT64_C(60000)
#define DAY (24 * 60 * MINUTE)

static void put(store *s, store_threshold which, int64_t seconds)
{
    sh_error error = {0};
    must(store_begin(s, &error), &error);
    must(store_threshold_put(s, which, seconds, &error), &error);
    must(store_commit(s, &error), &error);
}

static void a_new_database_has_the_defaults(void **state)
{
    (void)state;
    store *s = opened();
    node_thresholds t = {.silent_ms = 0};
    must(store_thresholds_read(s, &t, NULL), NULL);
    assert_int_equal(t.silent_ms, 15 * MINUTE);
    assert_int_equal(t.late_ms, MINUTE);
    assert_int_equal(t.never_ms, DAY);
    store_close(s);
}

static void what_was_written_is_read(void **state)
{
    (void)state;
    store *s = opened();
    node_thresholds t = {.silent_ms = 0};
    int64_t seconds = 0;
    put(s, STORE_SILENT_AFTER, 1);
    put(s, STORE_SILENT_AFTER, 3600);
    put(s, STORE_LATE_AFTER, 600);
    put(s, STORE_NEVER_AFTER, 366 * 86400);
    must(store_thresholds_read(s, &t, NULL), NULL);
    assert_int_equal(t.silent_ms, 60 * MINUTE);
    assert_int_equal(t.late_ms, 10 * MINUTE);
    assert_int_equal(t.never_ms, 366 * DAY);
    must(store_threshold_get(s, STORE_LATE_AFTER, &seconds, NULL), NULL);
    assert_int_equal(seconds, 600);
    store_close(s);
}

static void what_is_no_number_is_the_default(void **state)
{
    (void)state;
    store *s = opened();
    int64_t seconds = 0;
    (void)sql("INSERT INTO \"SyncHub_Meta\"(key, value) VALUES('silent_after_s', 'soon')");
    must(store_threshold_get(s, STORE_SILENT_AFTER, &seconds, NULL), NULL);
    assert_int_equal(seconds, 900);
    store_close(s);
}

/* A node whose device is present, in contact so long ago. */
static void add_node(store *s, const char *name, int64_t ago_ms, int64_t interval_ms,
                     int64_t set_ms)
{
    const store_presence row = {.mac = SH_SLICE("m1"), .present = STORE_PRESENT};
    store_node_info info = {.mode = "push",
                            .contact = {.last_ms = sh_clock_unix_ms() - ago_ms,
                                        .interval_ms = interval_ms,
                                        .set_ms = set_ms}};
    sh_error error = {0};
    (void)snprintf(info.node, sizeof info.node, "%s", name);
    must(store_begin(s, &error), &error);
    must(store_node_info_put(s, &info, &error), &error);
    must(store_presence_put(s, name, &row, 1, &error), &error);
    must(store_commit(s, &error), &error);
}

static const char *seen(void)
{
    return sql("SELECT node, present FROM \"SyncHub_NodePresence\" ORDER BY node");
}

static void presence_is_unknown_by_the_thresholds(void **state)
{
    (void)state;
    store *s = opened();
    add_node(s, "daily", 50 * 60 * MINUTE, 30 * 60 * MINUTE, 0);
    add_node(s, "late", 20 * MINUTE, 8 * MINUTE, 0);
    add_node(s, "own", 20 * MINUTE, 0, 10 * MINUTE);
    add_node(s, "silent", 20 * MINUTE, 0, 0);
    assert_string_equal(seen(), "daily|yes;late|unknown;own|unknown;silent|unknown;");
    put(s, STORE_SILENT_AFTER, 3600);
    assert_string_equal(seen(), "daily|yes;late|unknown;own|unknown;silent|yes;");
    put(s, STORE_LATE_AFTER, 1800);
    assert_string_equal(seen(), "daily|yes;late|yes;own|unknown;silent|yes;");
    put(s, STORE_SILENT_AFTER, 60);
    put(s, STORE_LATE_AFTER, 60);
    assert_string_equal(seen(), "daily|yes;late|unknown;own|unknown;silent|unknown;");
    store_close(s);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, folder_make, folder_remove)
    const struct CMUnitTest tests[] = {
        TEST(a_new_database_has_the_defaults),
        TEST(what_was_written_is_read),
        TEST(what_is_no_number_is_the_default),
        TEST(presence_is_unknown_by_the_thresholds),
    };
    int failed = cmocka_run_group_tests_name("SQLite", tests, NULL, NULL);
    return failed + cmocka_run_group_tests_name("PostgreSQL", tests, server_start, server_stop);
}
