/* SPDX-License-Identifier: Apache-2.0 */
#include "pusher/backoff.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

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
        assert_int_equal(sh_backoff_ms(1000, 60000, cases[i].attempt, largest), largest);
        assert_int_equal(sh_backoff_ms(1000, 60000, cases[i].attempt, largest + 1), 0);
    }
}

static void wait_is_jittered_over_its_whole_range(void **state)
{
    (void)state;
    assert_int_equal(sh_backoff_ms(1000, 60000, 3, 0), 0);
    assert_int_equal(sh_backoff_ms(1000, 60000, 3, 1234), 1234);
    for (uint64_t random = 0; random < 100000; random += 77)
        assert_in_range(sh_backoff_ms(1000, 60000, 3, random), 0, 4000);
    assert_in_range(sh_backoff_ms(1000, 60000, 3, UINT64_MAX), 0, 4000);
}

static void largest_numbers_do_not_overflow(void **state)
{
    (void)state;
    assert_int_equal(sh_backoff_ms(INT64_MAX, INT64_MAX, 90, INT64_MAX), INT64_MAX);
    assert_int_equal(sh_backoff_ms(INT64_MAX - 1, INT64_MAX, 90, INT64_MAX), INT64_MAX);
    assert_int_equal(sh_backoff_ms(1, INT64_MAX, UINT32_MAX, INT64_MAX), INT64_MAX);
    assert_int_equal(sh_backoff_ms(5000, 1000, 1, 1000), 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wait_grows_twofold_up_to_its_limit),
        cmocka_unit_test(wait_is_jittered_over_its_whole_range),
        cmocka_unit_test(largest_numbers_do_not_overflow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
