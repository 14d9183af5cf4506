/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/config/cron.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static sh_cron read_schedule(const char *text)
{
    sh_cron cron;
    sh_error error = {0};
    if (sh_cron_read(sh_slice_of(text), &cron, &error) != SH_OK)
        fail_msg("%s: %s", text, error.message);
    return cron;
}

static void set_zone(const char *zone)
{
    assert_int_equal(setenv("TZ", zone, 1), 0);
    tzset();
}

/* A moment as `YYYY-MM-DD HH:MM:SS` in UTC. */
static time_t utc(const char *text)
{
    struct tm tm = {0};
    assert_non_null(strptime(text, "%Y-%m-%d %H:%M:%S", &tm));
    return timegm(&tm);
}

static void local_text(time_t t, char ret[static 40])
{
    struct tm tm;
    assert_non_null(localtime_r(&t, &tm));
    assert_int_not_equal(strftime(ret, 40, "%Y-%m-%d %H:%M:%S %Z", &tm), 0);
}

static void the_fields_are_read(void **state)
{
    (void)state;
    sh_cron cron = read_schedule("*/15 0-6/3,23 1,15 jan-MAR,Dec mon-fri");
    assert_true(cron.minutes ==
                (UINT64_C(1) | UINT64_C(1) << 15 | UINT64_C(1) << 30 | UINT64_C(1) << 45));
    assert_int_equal(cron.hours, 1 | 1 << 3 | 1 << 6 | 1 << 23);
    assert_int_equal(cron.days_of_month, 1 << 1 | 1 << 15);
    assert_int_equal(cron.months, 1 << 1 | 1 << 2 | 1 << 3 | 1 << 12);
    assert_int_equal(cron.days_of_week, 0x3E);
    assert_false(cron.any_day_of_month);
    assert_false(cron.any_day_of_week);
}

static void equivalent_schedules_are_equal(void **state)
{
    (void)state;
    static const char *const pairs[][2] = {
        {"0 0 * * 7", "0 0 * * 0"},         {"0 0 * * SUN", "0 0 * * 0"},
        {"0 0 * * 6-7", "0 0 * * 0,6"},     {"0 0 * * 5-7/2", "0 0 * * 5,7"},
        {"0 0 * * 0-7", "0 0 * * 0-6"},     {"10/20 * * * *", "10,30,50 * * * *"},
        {"  0\t0  * * 1 ", "0 0 * * 1"},    {"0 0 * * sat", "0 0 * * 6"},
        {"0 0 * feb-apr *", "0 0 * 2-4 *"}, {"00 007 * * *", "0 7 * * *"},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        sh_cron a = read_schedule(pairs[i][0]);
        sh_cron b = read_schedule(pairs[i][1]);
        if (a.minutes != b.minutes || a.hours != b.hours || a.days_of_month != b.days_of_month ||
            a.months != b.months || a.days_of_week != b.days_of_week)
            fail_msg("%s is not read as %s", pairs[i][0], pairs[i][1]);
    }
}

typedef struct {
    const char *text;
    const char *message;
} bad_case;

static void an_invalid_schedule_is_rejected_with_the_field(void **state)
{
    (void)state;
    static const bad_case cases[] = {
        {"", "five fields"},
        {"* * * *", "five fields"},
        {"* * * * * *", "five fields"},
        {"@hourly", "0 * * * *"},
        {"60 * * * *", "minute: '60' is not a number from 0 to 59"},
        {"-1 * * * *", "minute: '' is not a number"},
        {"* 24 * * *", "hour: '24' is not a number from 0 to 23"},
        {"* * 0 * *", "day-of-month: '0' is not a number from 1 to 31"},
        {"* * 32 * *", "day-of-month: '32'"},
        {"* * * 13 *", "month: '13' is not a number from 1 to 12 or a name"},
        {"* * * 0 *", "month: '0'"},
        {"* * * * 8", "day-of-week: '8' is not a number from 0 to 7 or a name"},
        {"* * * JANUARY *", "month: 'JANUARY'"},
        {"JAN * * * *", "minute: 'JAN'"},
        {"*/0 * * * *", "minute: the step '0' is not a number from 1 to 59"},
        {"*/60 * * * *", "minute: the step '60'"},
        {"*/ * * * *", "minute: the step ''"},
        {"*/x * * * *", "minute: the step 'x'"},
        {"1, * * * *", "minute: '' is not a number"},
        {"1-2-3 * * * *", "minute: '2-3' is not a number"},
        {"*5 * * * *", "minute: '*5' is not a number"},
        {"9-1 * * * *", "minute: the range 9-1 is reversed"},
        {"0 0 * * 6-0", "Sunday at the end of a range is 7, as in 6-7"},
        {"0 0 * * SAT-SUN", "Sunday at the end of a range is 7, as in 6-7"},
        {"99999999999999999999 * * * *", "minute"},
        {"0 0 31 2 *", "never occurs"},
        {"0 0 30,31 FEB *", "never occurs"},
        {"0 0 31 2,4,6,9,11 *", "never occurs"},
        {"0 0 31 2 */2", "never occurs"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        sh_cron cron = {.hours = 77};
        sh_error error = {0};
        if (sh_cron_read(sh_slice_of(cases[i].text), &cron, &error) != SH_E_FORMAT)
            fail_msg("'%s' was read", cases[i].text);
        if (strstr(error.message, cases[i].message) == NULL)
            fail_msg("'%s': %s", cases[i].text, error.message);
        assert_int_equal(cron.hours, 77);
    }
}

typedef struct {
    const char *zone, *schedule;
    const char *after; /* UTC */
    const char *next;  /* local */
} next_case;

static void check_next(const next_case cases[], size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const next_case *c = &cases[i];
        char text[40];
        set_zone(c->zone);
        sh_cron cron = read_schedule(c->schedule);
        local_text(sh_cron_next(&cron, utc(c->after)), text);
        if (strcmp(text, c->next) != 0)
            fail_msg("%s '%s' after %s: %s, not %s", c->zone, c->schedule, c->after, text, c->next);
    }
}

static void the_next_time_is_after_the_given_one(void **state)
{
    (void)state;
    static const next_case cases[] = {
        {"UTC", "*/5 * * * *", "2026-08-22 02:53:00", "2026-08-22 02:55:00 UTC"},
        {"UTC", "*/5 * * * *", "2026-08-22 02:55:00", "2026-08-22 03:00:00 UTC"},
        {"UTC", "*/5 * * * *", "2026-08-22 02:54:59", "2026-08-22 02:55:00 UTC"},
        {"UTC", "* * * * *", "2026-12-31 23:59:59", "2027-01-01 00:00:00 UTC"},
        {"UTC", "0 0 1 1 *", "2026-01-01 00:00:00", "2027-01-01 00:00:00 UTC"},
        {"UTC", "30 4 31 * *", "2026-08-31 04:30:00", "2026-10-31 04:30:00 UTC"},
        {"UTC", "0 12 * * MON", "2026-08-22 02:53:00", "2026-08-24 12:00:00 UTC"},
        {"UTC", "0 12 * * 7", "2026-08-22 02:53:00", "2026-08-23 12:00:00 UTC"},
        {"UTC", "0 0 29 2 *", "2026-01-01 00:00:00", "2028-02-29 00:00:00 UTC"},
        {"UTC", "0 0 29 2 *", "2028-02-29 00:00:00", "2032-02-29 00:00:00 UTC"},
        {"UTC", "0 0 29 2 *", "2096-03-01 00:00:00", "2104-02-29 00:00:00 UTC"},
        {"UTC", "0 0 29 2 */7", "2032-02-29 00:00:00", "2060-02-29 00:00:00 UTC"},
        {"UTC", "0 0 29 2 */7", "2088-02-29 00:00:00", "2128-02-29 00:00:00 UTC"},
        {"Asia/Kolkata", "0 9 * * *", "2026-08-22 02:53:00", "2026-08-22 09:00:00 IST"},
        {"Pacific/Kiritimati", "0 0 * * *", "2026-08-22 09:59:00", "2026-08-23 00:00:00 +14"},
        {"Pacific/Apia", "0 12 30 * *", "2011-12-29 00:00:00", "2012-01-30 12:00:00 +14"},
    };
    check_next(cases, sizeof cases / sizeof cases[0]);
}

static void the_day_fields_follow_vixie_cron(void **state)
{
    (void)state;
    static const next_case cases[] = {
        /* Neither begins with `*`: either will do. 2026-08-22 is a Saturday. */
        {"UTC", "0 0 25 * SUN", "2026-08-22 00:00:00", "2026-08-23 00:00:00 UTC"},
        {"UTC", "0 0 25 * SUN", "2026-08-23 00:00:00", "2026-08-25 00:00:00 UTC"},
        {"UTC", "0 0 31 2 MON", "2026-02-01 00:00:00", "2026-02-02 00:00:00 UTC"},
        /* One begins with `*`: both must match. */
        {"UTC", "0 0 * * SUN", "2026-08-23 00:00:00", "2026-08-30 00:00:00 UTC"},
        {"UTC", "0 0 */2 * SUN", "2026-08-22 00:00:00", "2026-08-23 00:00:00 UTC"},
        {"UTC", "0 0 */2 * SUN", "2026-08-23 00:00:00", "2026-09-13 00:00:00 UTC"},
        {"UTC", "0 0 13 * */5", "2026-08-22 00:00:00", "2026-09-13 00:00:00 UTC"},
        {"UTC", "0 0 13 * */5", "2026-09-13 00:00:00", "2026-11-13 00:00:00 UTC"},
    };
    check_next(cases, sizeof cases / sizeof cases[0]);
}

static void a_skipped_time_occurs_right_after_the_change(void **state)
{
    (void)state;
    static const next_case cases[] = {
        {"Europe/Berlin", "30 2 * * *", "2026-03-28 12:00:00", "2026-03-29 03:00:00 CEST"},
        {"Europe/Berlin", "30 2 * * *", "2026-03-29 01:00:00", "2026-03-30 02:30:00 CEST"},
        {"Europe/Berlin", "0 2,3 * * *", "2026-03-29 00:59:59", "2026-03-29 03:00:00 CEST"},
        {"Europe/Berlin", "0 2,3 * * *", "2026-03-29 01:00:00", "2026-03-30 02:00:00 CEST"},
        {"Europe/Berlin", "*/20 * * * *", "2026-03-29 00:40:00", "2026-03-29 03:00:00 CEST"},
        {"Europe/Berlin", "*/20 * * * *", "2026-03-29 01:00:00", "2026-03-29 03:20:00 CEST"},
        {"America/New_York", "15 2 * * *", "2026-03-08 06:00:00", "2026-03-08 03:00:00 EDT"},
        {"Africa/Cairo", "0 0 * * *", "2026-04-23 12:00:00", "2026-04-24 01:00:00 EEST"},
        {"Africa/Cairo", "30 0 * * *", "2026-04-23 22:00:00", "2026-04-25 00:30:00 EEST"},
    };
    check_next(cases, sizeof cases / sizeof cases[0]);
}

static void a_repeated_time_occurs_once(void **state)
{
    (void)state;
    static const next_case cases[] = {
        {"Europe/Berlin", "30 2 * * *", "2026-10-24 12:00:00", "2026-10-25 02:30:00 CEST"},
        {"Europe/Berlin", "30 2 * * *", "2026-10-25 00:30:00", "2026-10-26 02:30:00 CET"},
        {"Europe/Berlin", "30 2 * * *", "2026-10-25 01:15:00", "2026-10-26 02:30:00 CET"},
        {"Europe/Berlin", "*/30 1-3 * * *", "2026-10-25 00:30:00", "2026-10-25 03:00:00 CET"},
        {"America/New_York", "30 1 * * *", "2026-11-01 00:00:00", "2026-11-01 01:30:00 EDT"},
        {"America/New_York", "30 1 * * *", "2026-11-01 05:30:00", "2026-11-02 01:30:00 EST"},
        {"America/Havana", "0 0 * * *", "2026-10-31 12:00:00", "2026-11-01 00:00:00 CDT"},
        {"America/Havana", "0 0 * * *", "2026-11-01 04:00:00", "2026-11-02 00:00:00 CST"},
    };
    check_next(cases, sizeof cases / sizeof cases[0]);
}

static void an_hourly_schedule_continues_through_a_repeated_hour(void **state)
{
    (void)state;
    static const next_case cases[] = {
        {"Europe/Berlin", "*/5 * * * *", "2026-10-25 00:55:00", "2026-10-25 02:00:00 CET"},
        {"Europe/Berlin", "*/5 * * * *", "2026-10-25 01:00:00", "2026-10-25 02:05:00 CET"},
        {"Europe/Berlin", "*/5 * * * *", "2026-10-25 01:55:00", "2026-10-25 03:00:00 CET"},
        {"America/New_York", "0 * * * *", "2026-11-01 05:00:00", "2026-11-01 01:00:00 EST"},
    };
    check_next(cases, sizeof cases / sizeof cases[0]);
}

/* Two years of a zone with changes, by a second way: every local minute that is met, once. */
static void no_run_is_lost_or_duplicated_in_two_years(void **state)
{
    (void)state;
    set_zone("America/New_York");
    sh_cron cron = read_schedule("30 1,2,3 * * *");
    time_t end = utc("2028-01-01 05:00:00");
    size_t runs = 0;
    time_t last = utc("2026-01-01 05:00:00");
    for (;;) {
        time_t next = sh_cron_next(&cron, last);
        assert_true(next > last);
        if (next >= end)
            break;
        last = next;
        runs++;
    }
    assert_int_equal(runs, 3 * 730);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_fields_are_read),
        cmocka_unit_test(equivalent_schedules_are_equal),
        cmocka_unit_test(an_invalid_schedule_is_rejected_with_the_field),
        cmocka_unit_test(the_next_time_is_after_the_given_one),
        cmocka_unit_test(the_day_fields_follow_vixie_cron),
        cmocka_unit_test(a_skipped_time_occurs_right_after_the_change),
        cmocka_unit_test(a_repeated_time_occurs_once),
        cmocka_unit_test(an_hourly_schedule_continues_through_a_repeated_hour),
        cmocka_unit_test(no_run_is_lost_or_duplicated_in_two_years),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
