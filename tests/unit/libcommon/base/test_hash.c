/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/base/hash.h"
#include "tests/unit/unit.h"

/* Published with the algorithm. */
static void fnv1a_has_the_published_values(void **state)
{
    (void)state;
    assert_int_equal(sh_hash_fnv1a(SH_SLICE("")), 0x811c9dc5U);
    assert_int_equal(sh_hash_fnv1a(SH_SLICE("a")), 0xe40c292cU);
    assert_int_equal(sh_hash_fnv1a(SH_SLICE("foobar")), 0xbf9cf968U);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fnv1a_has_the_published_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
