/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/store/node_lateness.h"

#include "tests/unit/unit.h"

#define MINUTE INT64_C(60000)
#define DAY (24 * 60 * MINUTE)
#define NOW INT64_C(1787367180000)

static const node_thresholds defaults = {.silent_ms = 15 * MINUTE, .late_ms = MINUTE};

static int64_t silent_after(int64_t interval_ms, int64_t set_ms, int64_t threshold_ms)
{
    const node_thresholds thresholds = {.silent_ms = threshold_ms};
    const node_contact contact = {.interval_ms = interval_ms, .set_ms = set_ms};
    return node_silent_after_ms(&contact, &thresholds);
}

static void a_node_is_silent_after_three_intervals_or_the_threshold(void **state)
{
    (void)state;
    assert_int_equal(silent_after(0, 0, 15 * MINUTE), 15 * MINUTE);
    assert_int_equal(silent_after(5 * MINUTE, 0, 15 * MINUTE), 15 * MINUTE);
    assert_int_equal(silent_after(10 * MINUTE, 0, 15 * MINUTE), 30 * MINUTE);
    assert_int_equal(silent_after(5 * MINUTE, 0, DAY), DAY);
    assert_int_equal(silent_after(DAY, 0, DAY), 3 * DAY);
    assert_int_equal(silent_after(MINUTE, 0, 5 * MINUTE), 5 * MINUTE);
    assert_true(silent_after(NODE_INTERVAL_MAX_MS, 0, DAY) > NODE_INTERVAL_MAX_MS);
}

static void what_the_operator_set_for_a_node_counts_before_both(void **state)
{
    (void)state;
    assert_int_equal(silent_after(5 * MINUTE, 2 * MINUTE, 15 * MINUTE), 2 * MINUTE);
    assert_int_equal(silent_after(5 * MINUTE, DAY, 15 * MINUTE), DAY);
}

static bool is_silent(int64_t last_ms, int64_t now_ms)
{
    const node_contact contact = {.last_ms = last_ms};
    return node_is_silent(&contact, &defaults, now_ms);
}

static void a_node_is_silent_from_then_on(void **state)
{
    (void)state;
    assert_false(is_silent(NOW, NOW));
    assert_false(is_silent(NOW, NOW + 15 * MINUTE));
    assert_true(is_silent(NOW, NOW + 15 * MINUTE + 1));
    assert_false(is_silent(NOW, NOW - MINUTE));    /* of another machine of the hub */
    assert_true(is_silent(NOW, NOW - MINUTE - 1)); /* a clock that was set back */
    assert_true(is_silent(0, NOW));
}

static void a_node_is_late_after_two_intervals_and_a_minute(void **state)
{
    (void)state;
    const node_contact contact = {.last_ms = NOW, .interval_ms = 10 * MINUTE};
    const node_contact unknown = {.last_ms = 1};
    assert_false(node_is_late(&contact, &defaults, NOW + 21 * MINUTE));
    assert_true(node_is_late(&contact, &defaults, NOW + 21 * MINUTE + 1));
    assert_false(node_is_late(&unknown, &defaults, NOW));
}

static void a_node_is_not_late_before_the_threshold(void **state)
{
    (void)state;
    const node_thresholds thresholds = {.silent_ms = DAY, .late_ms = 40 * MINUTE};
    const node_contact often = {.last_ms = NOW, .interval_ms = 10 * MINUTE};
    const node_contact seldom = {.last_ms = NOW, .interval_ms = 30 * MINUTE};
    assert_false(node_is_late(&often, &thresholds, NOW + 40 * MINUTE));
    assert_true(node_is_late(&often, &thresholds, NOW + 40 * MINUTE + 1));
    assert_false(node_is_late(&seldom, &thresholds, NOW + 61 * MINUTE));
    assert_true(node_is_late(&seldom, &thresholds, NOW + 61 * MINUTE + 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_node_is_silent_after_three_intervals_or_the_threshold),
        cmocka_unit_test(what_the_operator_set_for_a_node_counts_before_both),
        cmocka_unit_test(a_node_is_silent_from_then_on),
        cmocka_unit_test(a_node_is_late_after_two_intervals_and_a_minute),
        cmocka_unit_test(a_node_is_not_late_before_the_threshold),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
