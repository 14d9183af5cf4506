/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/base/text.h"
#include "tests/unit/unit.h"

static void partial_numbers_are_rejected(void **state)
{
    (void)state;
    uint64_t n = 7;
    assert_true(sh_text_to_u64(SH_SLICE("0"), 10, &n));
    assert_int_equal(n, 0);
    assert_true(sh_text_to_u64(SH_SLICE("18446744073709551615"), UINT64_MAX, &n));
    assert_true(n == UINT64_MAX);
    static const char *const bad[] = {"",  "-1", "+1", " 1", "1 ", "1x", "18446744073709551616",
                                      "11"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(sh_text_to_u64(sh_slice_of(bad[i]), i == 7 ? 10 : UINT64_MAX, &n));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(partial_numbers_are_rejected),
    };
    return cmocka_run_group_tests_name("text", tests, NULL, NULL);
}
