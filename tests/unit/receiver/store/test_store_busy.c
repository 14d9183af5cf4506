/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/store_fixture.h"

/* An SQLite database that another program has locked. */

static unsigned slept_us;

/* Replaces the function by which SQLite waits, and only counts the calls. */
int sqlite_sleeps(useconds_t us) __asm__("usleep");

int sqlite_sleeps(useconds_t us)
{
    slept_us += us;
    return 0;
}

static void a_locked_database_is_busy(void **state)
{
    (void)state;
    store *s = opened();
    store *other = opened();
    assert_int_equal(store_begin(s, NULL), SH_OK);
    sh_error error = {.code = SH_OK};
    slept_us = 0;
    assert_int_equal(store_begin(other, &error), SH_E_BUSY);
    assert_in_range(slept_us, 4500000, 5500000); /* it gave the other one time */
    assert_non_null(strstr(error.message, db_path));
    store_rollback(other);
    assert_int_equal(store_commit(s, NULL), SH_OK);
    assert_int_equal(store_begin(other, NULL), SH_OK);
    store_close(other);
    store_close(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_locked_database_is_busy, folder_make, folder_remove)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
