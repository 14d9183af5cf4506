/* SPDX-License-Identifier: Apache-2.0 */
#include "pusher/retry_schedule.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define BASE_MS INT64_C(2000)
#define MAX_MS INT64_C(300000)
#define RETRY_AFTER_MAX_S 600
#define NODES 1000
#define RUN_MS INT64_C(300000) /* the schedule of all of them, at the same second */

static const push_report done = {.retry_after_s = -1};
static const push_report away = {.failed = true, .later = true, .retry_after_s = -1};
static const push_report to_fix = {.failed = true, .needs_operator = true, .retry_after_s = -1};

static uint64_t next_random(uint64_t *state)
{
    *state += UINT64_C(0x9e3779b97f4a7c15); /* splitmix64 */
    uint64_t z = *state;
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/* When a node whose hub is away until back_ms reaches it. */
static int64_t reaches_hub_at(int64_t back_ms, uint64_t *random)
{
    retry_schedule p;
    retry_init(&p, &retry_patient);
    int64_t next_run_ms = 0;
    int64_t now_ms = 0;
    for (;;) {
        if (now_ms >= next_run_ms) {
            retry_run_came(&p);
            next_run_ms += RUN_MS;
        }
        if (retry_may_try(&p, now_ms)) {
            if (now_ms >= back_ms)
                return now_ms;
            (void)retry_attempted(&p, &away, now_ms, next_random(random));
        }
        now_ms = p.retry_at_ms < next_run_ms ? p.retry_at_ms : next_run_ms;
    }
}

static void a_hub_that_comes_back_is_not_stampeded(void **state)
{
    (void)state;
    uint64_t random = 1;
    /* It was down for three hours and returns just before the schedule's next run. */
    int64_t back_ms = INT64_C(3) * 3600 * 1000 - 500;
    unsigned in_second[MAX_MS / 1000 + 2];
    memset(in_second, 0, sizeof in_second);
    for (int i = 0; i < NODES; i++) {
        int64_t waited_ms = reaches_hub_at(back_ms, &random) - back_ms;
        assert_in_range(waited_ms, 0, MAX_MS);
        in_second[waited_ms / 1000]++;
    }
    unsigned most = 0;
    for (size_t i = 0; i < sizeof in_second / sizeof in_second[0]; i++)
        most = in_second[i] > most ? in_second[i] : most;
    /*
     * An even distribution would be 3 per second; at first there are more, whose last wait was
     * short.
     */
    assert_in_range(most, 1, NODES / 40);
}

static void waits_grow_with_failures_and_end_with_success(void **state)
{
    (void)state;
    retry_schedule p;
    retry_init(&p, &retry_patient);
    assert_true(retry_may_try(&p, 0));
    int64_t longest = BASE_MS;
    for (int i = 0; i < 12; i++) {
        /* The longest wait that back-off allows: random is a multiple of it, less one. */
        int64_t ms = retry_attempted(&p, &away, 1000, (uint64_t)longest);
        assert_int_equal(ms, longest);
        assert_false(retry_may_try(&p, 1000 + ms - 1));
        assert_true(retry_may_try(&p, 1000 + ms));
        longest = longest * 2 < MAX_MS ? longest * 2 : MAX_MS;
    }
    assert_int_equal(retry_attempted(&p, &done, 1000, 5), 0);
    assert_true(retry_may_try(&p, 0));
    assert_int_equal(retry_attempted(&p, &away, 0, (uint64_t)BASE_MS), BASE_MS);
}

static void what_a_hub_asks_for_is_added_within_reason(void **state)
{
    (void)state;
    retry_schedule p;
    retry_init(&p, &retry_patient);
    push_report busy = away;
    busy.retry_after_s = 5;
    assert_int_equal(retry_attempted(&p, &busy, 0, 0), 5000);
    busy.retry_after_s = 100000;
    assert_int_equal(retry_attempted(&p, &busy, 0, 0), RETRY_AFTER_MAX_S * 1000);
}

static void a_run_tries_at_once_what_was_fixed_but_no_hub_that_was_away(void **state)
{
    (void)state;
    retry_schedule p;
    retry_init(&p, &retry_patient);
    assert_in_range(retry_attempted(&p, &to_fix, 0, 12345), MAX_MS / 2, MAX_MS);
    assert_false(retry_may_try(&p, 1000));
    retry_run_came(&p);
    assert_true(retry_may_try(&p, 1000));
    int64_t ms = retry_attempted(&p, &away, 1000, (uint64_t)BASE_MS);
    retry_run_came(&p);
    assert_false(retry_may_try(&p, 1000 + ms - 1));
    assert_true(retry_may_try(&p, 1000 + ms));
}

static void wait_grows_twofold_up_to_its_limit(void **state)
{
    (void)state;
    static const struct {
        unsigned attempt;
        int64_t ceiling_ms;
    } cases[] = {{0, 1000},  {1, 1000},  {2, 2000},   {3, 4000},          {6, 32000},
                 {7, 60000}, {8, 60000}, {64, 60000}, {UINT32_MAX, 60000}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint64_t largest = (uint64_t)cases[i].ceiling_ms;
        assert_int_equal(retry_backoff_ms(1000, 60000, cases[i].attempt, largest), largest);
        assert_int_equal(retry_backoff_ms(1000, 60000, cases[i].attempt, largest + 1), 0);
    }
}

static void wait_is_jittered_over_its_whole_range(void **state)
{
    (void)state;
    assert_int_equal(retry_backoff_ms(1000, 60000, 3, 0), 0);
    assert_int_equal(retry_backoff_ms(1000, 60000, 3, 1234), 1234);
    for (uint64_t random = 0; random < 100000; random += 77)
        assert_in_range(retry_backoff_ms(1000, 60000, 3, random), 0, 4000);
    assert_in_range(retry_backoff_ms(1000, 60000, 3, UINT64_MAX), 0, 4000);
}

static void largest_numbers_do_not_overflow(void **state)
{
    (void)state;
    assert_int_equal(retry_backoff_ms(INT64_MAX, INT64_MAX, 90, INT64_MAX), INT64_MAX);
    assert_int_equal(retry_backoff_ms(INT64_MAX - 1, INT64_MAX, 90, INT64_MAX), INT64_MAX);
    assert_int_equal(retry_backoff_ms(1, INT64_MAX, UINT32_MAX, INT64_MAX), INT64_MAX);
    assert_int_equal(retry_backoff_ms(5000, 1000, 1, 1000), 1000);
}

/* The same rule with other numbers: a single run does not wait for long. */
static void a_single_run_is_less_patient(void **state)
{
    (void)state;
    retry_schedule p;
    retry_init(&p, &retry_brief);
    int64_t longest = 1000;
    for (int i = 0; i < 6; i++) {
        assert_int_equal(retry_attempted(&p, &away, 0, (uint64_t)longest), longest);
        longest = longest * 2 < 5000 ? longest * 2 : 5000;
    }
    push_report busy = away;
    busy.retry_after_s = 100000;
    assert_int_equal(retry_attempted(&p, &busy, 0, 0), 10000);
    assert_int_equal(retry_attempted(&p, &done, 0, 7), 0);
    assert_int_equal(retry_attempted(&p, &away, 0, 1000), 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_hub_that_comes_back_is_not_stampeded),
        cmocka_unit_test(waits_grow_with_failures_and_end_with_success),
        cmocka_unit_test(what_a_hub_asks_for_is_added_within_reason),
        cmocka_unit_test(wait_grows_twofold_up_to_its_limit),
        cmocka_unit_test(wait_is_jittered_over_its_whole_range),
        cmocka_unit_test(largest_numbers_do_not_overflow),
        cmocka_unit_test(a_single_run_is_less_patient),
        cmocka_unit_test(a_run_tries_at_once_what_was_fixed_but_no_hub_that_was_away),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
