/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/store/node_lateness.h"

#include "tests/unit/unit.h"

#define MINUTE INT64_C(60000)
#define DAY (24 * 60 * MINUTE)
#define NOW INT64_C(1787367180000)

static void a_node_is_silent_after_three_intervals_or_15_minutes(void **state)
{
    (void)state;
    assert_int_equal(node_silent_after_ms(0), 15 * MINUTE);
    assert_int_equal(node_silent_after_ms(5 * MINUTE), 15 * MINUTE);
    assert_int_equal(node_silent_after_ms(10 * MINUTE), 30 * MINUTE);
    assert_int_equal(node_silent_after_ms(DAY), 3 * DAY);
    const int64_t after = 15 * MINUTE;
    assert_false(node_is_silent(NOW, after, NOW));
    assert_false(node_is_silent(NOW, after, NOW + 15 * MINUTE));
    assert_true(node_is_silent(NOW, after, NOW + 15 * MINUTE + 1));
    assert_false(node_is_silent(NOW, after, NOW - MINUTE));    /* of another machine of the hub */
    assert_true(node_is_silent(NOW, after, NOW - MINUTE - 1)); /* a clock that was set back */
    assert_true(node_is_silent(0, after, NOW));
}

static void a_node_is_late_after_two_intervals_and_a_minute(void **state)
{
    (void)state;
    assert_false(node_is_late(NOW, 10 * MINUTE, NOW + 21 * MINUTE));
    assert_true(node_is_late(NOW, 10 * MINUTE, NOW + 21 * MINUTE + 1));
    assert_false(node_is_late(1, 0, NOW)); /* its interval is unknown */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_node_is_silent_after_three_intervals_or_15_minutes),
        cmocka_unit_test(a_node_is_late_after_two_intervals_and_a_minute),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
