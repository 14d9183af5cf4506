/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/merge/record_limits.h"

#include "libcommon/base/limits.h"
#include "tests/unit/unit.h"

#define NOW_MS INT64_C(1800000000000)

static store_limits limits_with(int64_t max_nodes)
{
    const sh_settings settings = {.max_nodes = max_nodes};
    return record_limits_of(&settings, true, NOW_MS);
}

static void there_is_room_for_all_nodes_that_are_accepted(void **state)
{
    (void)state;
    assert_int_equal(limits_with(1).nodes_max, SH_NODE_RECORDS_MAX);
    const int64_t others = SH_NODES_MAX + SH_STRANGERS_MAX;
    assert_int_equal(limits_with(SH_NAMES_MAX).nodes_max, SH_NAMES_MAX + others);
    assert_int_equal(limits_with(10000000).nodes_max, 10000000 + others);
}

static void there_is_room_for_the_presence_of_their_devices(void **state)
{
    (void)state;
    assert_int_equal(limits_with(1).presence_max, SH_PRESENCE_ROWS_MAX);
    assert_int_equal(limits_with(SH_NAMES_MAX).presence_max, SH_PRESENCE_ROWS_MAX);
    assert_int_equal(limits_with(1000000).presence_max, 10 * (int64_t)SH_PRESENCE_ROWS_MAX);
}

static void nothing_is_old_while_the_clock_is_not_steady(void **state)
{
    (void)state;
    const sh_settings settings = {.max_nodes = SH_NAMES_MAX};
    store_limits limits = record_limits_of(&settings, false, NOW_MS);
    assert_int_equal(limits.items_before_ms, 0);
    assert_int_equal(limits.nodes_before_ms, 0);
    limits = limits_with(SH_NAMES_MAX);
    assert_int_equal(limits.items_before_ms, NOW_MS - SH_ITEM_ID_TTL_S * INT64_C(1000));
    assert_int_equal(limits.nodes_before_ms, NOW_MS - SH_NODE_RECORD_TTL_S * INT64_C(1000));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(there_is_room_for_all_nodes_that_are_accepted),
        cmocka_unit_test(there_is_room_for_the_presence_of_their_devices),
        cmocka_unit_test(nothing_is_old_while_the_clock_is_not_steady),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
