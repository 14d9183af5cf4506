/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/merge/table_order.h"

#include "libcommon/base/limits.h"
#include "tests/unit/unit.h"

#define NOW 1787367180000
#define SKEW (SH_CLOCK_SKEW_MAX_S * INT64_C(1000))

static void an_entrys_id_is_its_place(void **state)
{
    (void)state;
    assert_int_equal(table_order_of("5-0"), 5000);
    assert_int_equal(table_order_of("5-7"), 5007);
    assert_int_equal(table_order_of("5-4711"), 5999); /* before all of the next millisecond */
    assert_true(table_order_of("1787367180000-1") > table_order_of("1787367179999-999999"));
    assert_int_equal(table_order_of("9223372036854775807-1"), 0);
    assert_int_equal(table_order_of("x"), 0);
    assert_int_equal(table_order_of(""), 0);
}

static void a_table_is_older_by_its_place_and_its_time(void **state)
{
    (void)state;
    static const struct {
        const char *what;
        int64_t order, sealed_ms, last_order, last_sealed_ms;
        uint8_t digest;
        bool older;
    } cases[] = {
        {"the first one", 1, NOW, 0, 0, 1, false},
        {"the usual next one", 2, NOW, 1, NOW - 1, 1, false},
        {"merged out of order", 1, NOW - 5, 2, NOW, 1, true},
        {"another part of the newest", 1, NOW - 5, 2, NOW, 9, false},
        {"of one moment", 1, NOW, 2, NOW, 1, false},
        {"the node's clock was set back", 3, NOW - 60000, 2, NOW, 1, false},
        {"another Redis with earlier ids", 1, NOW + 5, 2, NOW, 1, false},
        {"a dead letter, retried", 9, NOW - 2 * SKEW - 1, 2, NOW, 1, true},
        {"the newest is of a time to come", 9, NOW, 2, NOW + 2 * SKEW + 1, 1, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const store_table table = {
            .order = cases[i].order, .sealed_ms = cases[i].sealed_ms, .digest = {cases[i].digest}};
        const store_table last = {
            .order = cases[i].last_order, .sealed_ms = cases[i].last_sealed_ms, .digest = {9}};
        if (table_is_older(&table, &last, NOW) != cases[i].older)
            fail_msg("%s", cases[i].what);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_entrys_id_is_its_place),
        cmocka_unit_test(a_table_is_older_by_its_place_and_its_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
