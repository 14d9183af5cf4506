/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/base/clock.h"
#include "libcommon/os/wall_timer.h"
#include "tests/unit/unit.h"

#include <poll.h>
#include <string.h>
#include <unistd.h>

#define PATIENCE_MS 60000

static int timer;

static int timer_make(void **state)
{
    (void)state;
    return sh_wall_timer_open(&timer, NULL) != SH_OK;
}

static int timer_end(void **state)
{
    (void)state;
    return close(timer);
}

#define TIMER_TEST(test) cmocka_unit_test_setup_teardown(test, timer_make, timer_end)

static bool is_readable(int wait_ms)
{
    struct pollfd fd = {.fd = timer, .events = POLLIN};
    return poll(&fd, 1, wait_ms) == 1;
}

static void set(int64_t unix_ms)
{
    sh_error error = {0};
    if (sh_wall_timer_set(timer, unix_ms, &error) != SH_OK)
        fail_msg("%s", error.message);
}

static void a_time_comes(void **state)
{
    (void)state;
    int64_t at_ms = sh_clock_unix_ms() + 50;
    set(at_ms);
    assert_true(is_readable(PATIENCE_MS));
    assert_true(sh_clock_unix_ms() >= at_ms);
}

static void a_time_that_has_passed_comes_at_once(void **state)
{
    (void)state;
    const int64_t times[] = {sh_clock_unix_ms() - 1000, 1, 0, -1, INT64_MIN};
    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
        set(times[i]);
        assert_true(is_readable(PATIENCE_MS));
    }
}

static void a_new_time_replaces_the_old_one(void **state)
{
    (void)state;
    const int64_t times[] = {sh_clock_unix_ms() + INT64_C(86400000), INT64_MAX};
    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
        set(0);
        assert_true(is_readable(PATIENCE_MS));
        set(times[i]);
        assert_false(is_readable(0));
    }
}

static void errors_have_a_reason(void **state)
{
    (void)state;
    sh_error error = {0};
    assert_int_equal(sh_wall_timer_set(-1, 0, &error), SH_E_IO);
    assert_non_null(strstr(error.message, "Bad file descriptor"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TIMER_TEST(a_time_comes),
        TIMER_TEST(a_time_that_has_passed_comes_at_once),
        TIMER_TEST(a_new_time_replaces_the_old_one),
        cmocka_unit_test(errors_have_a_reason),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
