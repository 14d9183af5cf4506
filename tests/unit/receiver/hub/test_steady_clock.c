/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/hub/steady_clock.h"

#include "tests/unit/unit.h"

#define DAY_MS (86400LL * 1000)
#define NOW_MS 1795851838396LL

static void a_clock_is_steady_an_hour_after_the_first_look(void **state)
{
    (void)state;
    steady_clock c = {0};
    assert_false(steady_clock_update(&c, NOW_MS, 5000));
    assert_false(steady_clock_update(&c, NOW_MS + STEADY_CLOCK_MS - 1, 5000 + STEADY_CLOCK_MS - 1));
    assert_true(steady_clock_update(&c, NOW_MS + STEADY_CLOCK_MS, 5000 + STEADY_CLOCK_MS));
}

static void a_step_in_either_direction_starts_the_hour_anew(void **state)
{
    (void)state;
    const int64_t steps[] = {2 * DAY_MS, -2 * DAY_MS, STEADY_CLOCK_STEP_MS + 1,
                             -STEADY_CLOCK_STEP_MS - 1, -NOW_MS};
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        steady_clock c = {0};
        int64_t at = STEADY_CLOCK_MS;
        (void)steady_clock_update(&c, NOW_MS, 0);
        assert_true(steady_clock_update(&c, NOW_MS + at, at));
        assert_false(steady_clock_update(&c, NOW_MS + at + 1 + steps[i], at + 1));
        at += STEADY_CLOCK_MS;
        assert_false(steady_clock_update(&c, NOW_MS + at + steps[i], at));
        assert_true(steady_clock_update(&c, NOW_MS + at + 1 + steps[i], at + 1));
    }
}

static void a_clock_that_is_slewed_stays_steady(void **state)
{
    (void)state;
    steady_clock c = {0};
    int64_t slewed_ms = 0;
    bool steady = false;
    for (int64_t at = 0; at <= STEADY_CLOCK_MS; at += 1000, slewed_ms += 500)
        steady = steady_clock_update(&c, NOW_MS + at + slewed_ms, at);
    assert_true(steady);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_clock_is_steady_an_hour_after_the_first_look),
        cmocka_unit_test(a_step_in_either_direction_starts_the_hour_anew),
        cmocka_unit_test(a_clock_that_is_slewed_stays_steady),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
