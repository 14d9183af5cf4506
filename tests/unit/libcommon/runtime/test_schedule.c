/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/runtime/schedule.h"

#include <stdlib.h>

#include "tests/unit/unit.h"

#define HOUR_MS INT64_C(3600000)
#define DAY_MS (24 * HOUR_MS)
#define NOON_MS (INT64_C(1798113600) * 1000) /* 2026-12-24 12:00:00 UTC */

static sh_cron cron;

static int every_five_minutes(void **state)
{
    (void)state;
    (void)setenv("TZ", "UTC", 1);
    return sh_cron_read(SH_SLICE("*/5 * * * *"), &cron, NULL) == SH_OK ? 0 : -1;
}

/* Polls as a program does, from *now on, until a run is due; returns how long that took. */
static int64_t runs_after_ms(sh_schedule *s, int64_t *now_ms)
{
    int64_t begin_ms = *now_ms;
    for (;;) {
        int64_t wait_ms = sh_schedule_wait_ms(s, *now_ms);
        assert_in_range(wait_ms, 0, SH_SCHEDULE_POLL_MS);
        *now_ms += wait_ms;
        if (sh_schedule_is_due(s, *now_ms))
            return *now_ms - begin_ms;
        assert_true(*now_ms - begin_ms <= DAY_MS);
    }
}

static void it_runs_at_once_and_then_at_each_tick(void **state)
{
    (void)state;
    sh_schedule s;
    int64_t now_ms = NOON_MS + 1000;
    sh_schedule_init(&s, &cron);
    assert_true(sh_schedule_is_due(&s, now_ms));
    assert_int_equal(s.late_ms, 0);
    assert_false(sh_schedule_is_due(&s, now_ms));
    assert_int_equal(runs_after_ms(&s, &now_ms), 299000);
    assert_int_equal(runs_after_ms(&s, &now_ms), 300000);
    now_ms += 300123; /* the run itself took so long */
    assert_true(sh_schedule_is_due(&s, now_ms));
    assert_int_equal(s.late_ms, 123);
}

static void a_clock_that_is_set_back_delays_no_run(void **state)
{
    (void)state;
    const int64_t steps_ms[] = {DAY_MS, 400 * DAY_MS, 10000 * DAY_MS, HOUR_MS, 2 * 60000};
    for (size_t i = 0; i < sizeof steps_ms / sizeof steps_ms[0]; i++) {
        sh_schedule s;
        sh_schedule_init(&s, &cron);
        int64_t now_ms = NOON_MS + 1000;
        assert_true(sh_schedule_is_due(&s, now_ms));
        now_ms -= steps_ms[i];
        assert_false(sh_schedule_is_due(&s, now_ms));
        assert_true(runs_after_ms(&s, &now_ms) <= 300000);
    }
}

static void a_clock_that_is_set_forward_gives_one_run(void **state)
{
    (void)state;
    sh_schedule s;
    sh_schedule_init(&s, &cron);
    int64_t now_ms = NOON_MS + 1000;
    assert_true(sh_schedule_is_due(&s, now_ms));
    now_ms += 3 * DAY_MS;
    assert_true(sh_schedule_is_due(&s, now_ms));
    assert_int_equal(s.late_ms, 0); /* nothing is known of how late it is */
    assert_false(sh_schedule_is_due(&s, now_ms));
    assert_int_equal(runs_after_ms(&s, &now_ms), 299000);
}

static void a_small_correction_repeats_no_run(void **state)
{
    (void)state;
    sh_schedule s;
    sh_schedule_init(&s, &cron);
    int64_t now_ms = NOON_MS;
    assert_true(sh_schedule_is_due(&s, now_ms));
    now_ms -= 2000;
    assert_int_equal(runs_after_ms(&s, &now_ms), 302000);
    /* Many small ones are a large one. */
    for (int i = 0; i < 40; i++) {
        now_ms -= 5000;
        assert_false(sh_schedule_is_due(&s, now_ms));
    }
    assert_true(runs_after_ms(&s, &now_ms) <= 300000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_runs_at_once_and_then_at_each_tick),
        cmocka_unit_test(a_clock_that_is_set_back_delays_no_run),
        cmocka_unit_test(a_clock_that_is_set_forward_gives_one_run),
        cmocka_unit_test(a_small_correction_repeats_no_run),
    };
    return cmocka_run_group_tests(tests, every_five_minutes, NULL);
}
