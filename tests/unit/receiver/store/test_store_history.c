/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/store/store_history.h"
#include "tests/unit/store_fixture.h"

#include <inttypes.h>

/* Figures of hours, on both kinds of databases and beside NetAlertX's tables. */

#define HOUR 500000
#define HOSTILE "Büro'); DROP TABLE \"Devices\"; --"

static void add(store *s, const char *node, const store_figures *figures, bool may_add)
{
    sh_error error = {.code = SH_OK};
    must(store_begin(s, &error), &error);
    must(store_history_add(s, node, figures, may_add, &error), &error);
    must(store_commit(s, &error), &error);
}

static sh_err append_figures(void *context, const store_figures *f, sh_error *error)
{
    (void)error;
    return sh_buf_append_format(
        context, "%" PRId64 ":%" PRId64 ",%" PRId64 ",%" PRId64 ",%" PRId64 ",%" PRId64 ";",
        f->hour, f->pushes, f->inserted, f->lag_sum_ms, f->lag_max_ms, f->queue_max);
}

static const char *read_all(store *s, const char *node, int64_t from_hour)
{
    static char text[1024];
    SH_CLEANUP(sh_buf_reset) sh_buf all = SH_BUF_INIT(sizeof text);
    sh_error error = {.code = SH_OK};
    must(store_history_read(s, node, from_hour, append_figures, &all, &error), &error);
    (void)snprintf(text, sizeof text, "%s", all.data == NULL ? "" : all.data);
    return text;
}

static void check_history(store *s)
{
    int64_t count = -1;
    const store_figures first = {HOUR, 1, 2, 30, 30, -1}, more = {HOUR, 2, 3, 40, 25, 7};
    const store_figures fewer = {HOUR, 1, 0, 50, 50, 4}, next = {HOUR + 1, 1, 1, 9, 9, 0};
    assert_string_equal(read_all(s, STORE_HISTORY_ALL, 0), "");
    add(s, STORE_HISTORY_ALL, &first, true);
    add(s, STORE_HISTORY_ALL, &more, true);
    add(s, STORE_HISTORY_ALL, &fewer, true);
    add(s, STORE_HISTORY_ALL, &next, true);
    assert_string_equal(read_all(s, STORE_HISTORY_ALL, 0), "500000:4,5,120,50,7;500001:1,1,9,9,0;");
    assert_string_equal(read_all(s, STORE_HISTORY_ALL, HOUR + 1), "500001:1,1,9,9,0;");
    add(s, HOSTILE, &first, true);
    add(s, HOSTILE, &first, false);
    add(s, "another", &first, false); /* there are too many nodes */
    assert_string_equal(read_all(s, HOSTILE, 0), "500000:2,4,60,30,-1;");
    assert_string_equal(read_all(s, "another", 0), "");
    must(store_history_count(s, HOUR, &count, NULL), NULL);
    assert_int_equal(count, 2);
    must(store_begin(s, NULL), NULL);
    must(store_history_forget(s, HOUR + 1, NULL), NULL);
    must(store_commit(s, NULL), NULL);
    assert_string_equal(read_all(s, STORE_HISTORY_ALL, 0), "500001:1,1,9,9,0;");
    assert_string_equal(read_all(s, HOSTILE, 0), "");
}

static void figures_of_an_hour_add_up_and_are_forgotten(void **state)
{
    (void)state;
    store *s = opened();
    check_history(s);
    store_close(s);
}

static void a_netalertx_database_holds_them_too(void **state)
{
    (void)state;
    sql_file(TESTS_DIR "/fixtures/app_db.sql");
    store *s = opened();
    check_history(s);
    store_close(s);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, folder_make, folder_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(figures_of_an_hour_add_up_and_are_forgotten)};
    const struct CMUnitTest app_db[] = {TEST(a_netalertx_database_holds_them_too)};
    int failed = cmocka_run_group_tests_name("SQLite", tests, NULL, NULL);
    failed += cmocka_run_group_tests_name("app.db", app_db, NULL, NULL);
    return failed + cmocka_run_group_tests_name("PostgreSQL", tests, server_start, server_stop);
}
