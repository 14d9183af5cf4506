/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include "pusher/heartbeat.h"
#include "tests/unit/pusher_folder.h"

#include <time.h>

#define NOW_MS INT64_C(1787367180000) /* 2026-08-22T02:53:00Z, a Saturday */
#define DAY_S 86400

static heartbeat with_schedule(sh_cron *cron, const char *schedule)
{
    heartbeat h;
    assert_int_equal(sh_cron_read(sh_slice_of(schedule), cron, NULL), SH_OK);
    heartbeat_init(&h, cron);
    return h;
}

static void the_interval_is_that_of_the_schedule(void **state)
{
    static const struct {
        const char *schedule;
        int64_t interval_s;
    } cases[] = {
        {"*/5 * * * *", 300},
        {"* * * * *", 60},
        {"0 3 * * *", DAY_S},
        {"50 2 * * *", DAY_S},
        {"0 8-18 * * 1-5", 2 * DAY_S + 5 * 3600 + 7 * 60}, /* until Monday, 08:00 */
        {"0 0 1 1 *", 365 * DAY_S},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        sh_cron cron;
        heartbeat h = with_schedule(&cron, cases[i].schedule);
        assert_int_equal(heartbeat_interval_s(&h, NOW_MS), cases[i].interval_s);
    }
    heartbeat single;
    heartbeat_init(&single, NULL);
    assert_int_equal(heartbeat_interval_s(&single, NOW_MS), 0);
}

static void the_most_important_problem_is_reported(void **state)
{
    (void)state;
    heartbeat h;
    heartbeat_init(&h, NULL);
    assert_string_equal(heartbeat_problem_current(&h).kind, "");
    assert_false(heartbeat_has_changed(&h));
    heartbeat_problem_set(&h, PROBLEM_SPOOL, "spool_full", "no room");
    assert_true(heartbeat_has_changed(&h));
    heartbeat_record_reported(&h, "spool_full");
    assert_false(heartbeat_has_changed(&h));
    heartbeat_problem_set(&h, PROBLEM_TABLE, "table_missing", "no file");
    assert_string_equal(heartbeat_problem_current(&h).kind, "table_missing");
    assert_true(heartbeat_has_changed(&h));
    heartbeat_problem_clear(&h, PROBLEM_TABLE);
    heartbeat_problem_clear(&h, PROBLEM_SPOOL);
    assert_true(heartbeat_has_changed(&h)); /* the hub still has it */
    heartbeat_record_reported(&h, "");
    assert_false(heartbeat_has_changed(&h));
}

static void tables_that_cannot_be_read_have_their_kinds(void **state)
{
    static const struct {
        sh_err code;
        const char *kind;
    } cases[] = {
        {SH_E_NOT_FOUND, "table_missing"},
        {SH_E_BUSY, "table_cut"},
        {SH_E_IO, "table_unreadable"},
        {SH_E_FORMAT, "table_invalid"},
        {SH_E_LIMIT, "table_invalid"},
        {SH_E_STOPPED, ""},
        {SH_E_MEMORY, ""},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        heartbeat h;
        sh_error error = {.code = cases[i].code, .message = "why"};
        heartbeat_init(&h, NULL);
        heartbeat_table_failed(&h, &error);
        assert_string_equal(heartbeat_problem_current(&h).kind, cases[i].kind);
    }
}

static const char *age_problem(int64_t written_ms, int64_t max_age_s)
{
    static heartbeat_problem problem;
    heartbeat h;
    const sh_file_stamp stamp = {.exists = true, .mtime_ns = written_ms * 1000000};
    heartbeat_init(&h, NULL);
    heartbeat_table_age(&h, "/tmp/table.json", &stamp, max_age_s, NOW_MS);
    problem = heartbeat_problem_current(&h);
    assert_true(problem.kind[0] == '\0' || strstr(problem.text, "SYNC_table_max_age") != NULL);
    return problem.kind;
}

static void a_table_is_old_after_its_maximum_age(void **state)
{
    (void)state;
    assert_string_equal(age_problem(NOW_MS - 1000 * DAY_S, DAY_S), "");
    assert_string_equal(age_problem(NOW_MS - 1000 * (DAY_S + 1), DAY_S), "table_old");
    assert_string_equal(age_problem(NOW_MS - 1000 * (DAY_S + 1), 0), "");
    assert_string_equal(age_problem(NOW_MS + 1000 * DAY_S, DAY_S), ""); /* the clock was set */
}

static void the_clock_is_compared_with_the_hub_s(void **state)
{
    (void)state;
    heartbeat h;
    heartbeat_init(&h, NULL);
    heartbeat_hub_clock(&h, NOW_MS / 1000 - 301, NOW_MS);
    assert_string_equal(heartbeat_problem_current(&h).kind, "clock_skew");
    assert_non_null(strstr(heartbeat_problem_current(&h).text, "301 s ahead of the hub's"));
    heartbeat_hub_clock(&h, 0, NOW_MS); /* no header Date */
    assert_string_equal(heartbeat_problem_current(&h).kind, "clock_skew");
    heartbeat_hub_clock(&h, NOW_MS / 1000 + 300, NOW_MS);
    assert_string_equal(heartbeat_problem_current(&h).kind, "");
    heartbeat_hub_clock(&h, NOW_MS / 1000 + 301, NOW_MS);
    assert_non_null(strstr(heartbeat_problem_current(&h).text, "301 s behind the hub's"));
}

typedef struct {
    sh_buf headers[HEARTBEAT_HEADERS];
    char kind[SH_PROBLEM_KIND_MAX + 1];
} written;

static void write_all(const heartbeat *h, written *ret)
{
    for (size_t i = 0; i < HEARTBEAT_HEADERS; i++)
        ret->headers[i] = SH_BUF_INIT(HEARTBEAT_HEADER_MAX);
    assert_int_equal(heartbeat_headers_write(h, NOW_MS, ret->headers, ret->kind), SH_OK);
}

static void free_all(written *w)
{
    for (size_t i = 0; i < HEARTBEAT_HEADERS; i++)
        sh_buf_reset(&w->headers[i]);
}

static void headers_say_interval_instance_and_problem(void **state)
{
    (void)state;
    sh_cron cron;
    heartbeat h = with_schedule(&cron, "*/5 * * * *");
    written w;
    (void)snprintf(h.instance, sizeof h.instance, "%s", "0123456789abcdef");
    heartbeat_problem_set(&h, PROBLEM_TABLE, "table_missing", "no file /tmp/Büro\r\nX: y");
    write_all(&h, &w);
    assert_string_equal(w.headers[0].data, "Sync-Hub-Interval: 300");
    assert_string_equal(w.headers[1].data, "Sync-Hub-Instance: 0123456789abcdef");
    assert_string_equal(
        w.headers[2].data,
        "Sync-Hub-Problem: table_missing no%20file%20%2Ftmp%2FB%C3%BCro%0D%0AX%3A%20y");
    assert_string_equal(w.kind, "table_missing");
    free_all(&w);
    heartbeat_init(&h, NULL);
    write_all(&h, &w);
    assert_int_equal(w.headers[0].len + w.headers[1].len + w.headers[2].len, 0);
    assert_string_equal(w.kind, "");
    free_all(&w);
}

static void a_long_problem_fits_and_is_valid_utf8(void **state)
{
    (void)state;
    heartbeat h;
    written w;
    char text[SH_ERROR_MESSAGE_BYTES] = "\xff";
    heartbeat_init(&h, NULL);
    for (size_t len = 1; len + 3 < sizeof text; len += 2) {
        text[len] = '\xc3';
        text[len + 1] = '\xbc';
        text[len + 2] = '\0';
    }
    heartbeat_problem_set(&h, PROBLEM_TABLE, "table_unreadable", text);
    write_all(&h, &w);
    assert_non_null(strstr(w.headers[0].data, " %3F%C3%BC"));
    assert_string_equal(w.headers[0].data + w.headers[0].len - 6, "%C3%BC");
    free_all(&w);
}

static void the_instance_is_made_once_and_repaired(void **state)
{
    (void)state;
    char first[SH_INSTANCE_MAX + 1], second[SH_INSTANCE_MAX + 1];
    assert_int_equal(heartbeat_instance_load(folder, first, NULL), SH_OK);
    assert_int_equal(strlen(first), 32);
    assert_int_equal(heartbeat_instance_load(folder, second, NULL), SH_OK);
    assert_string_equal(first, second);
    folder_put("instance", "no instance");
    assert_int_equal(heartbeat_instance_load(folder, second, NULL), SH_OK);
    assert_int_equal(strlen(second), 32);
    assert_string_not_equal(first, second);
    assert_int_not_equal(heartbeat_instance_load(in_folder("missing"), second, NULL), SH_OK);
    assert_string_equal(second, "");
}

int main(void)
{
    (void)setenv("TZ", "UTC", 1);
    tzset();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_interval_is_that_of_the_schedule),
        cmocka_unit_test(the_most_important_problem_is_reported),
        cmocka_unit_test(tables_that_cannot_be_read_have_their_kinds),
        cmocka_unit_test(a_table_is_old_after_its_maximum_age),
        cmocka_unit_test(the_clock_is_compared_with_the_hub_s),
        cmocka_unit_test(headers_say_interval_instance_and_problem),
        cmocka_unit_test(a_long_problem_fits_and_is_valid_utf8),
        FOLDER_TEST(the_instance_is_made_once_and_repaired),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
