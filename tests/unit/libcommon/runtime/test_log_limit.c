/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include "libcommon/base/limits.h"
#include "libcommon/runtime/log_limit.h"

#include <string.h>

static sh_log_repeats due[SH_LOG_DUE_MAX];

static bool take(const sh_log_key *key, int64_t now_ms)
{
    sh_log_count *sample = NULL;
    bool taken = sh_log_limit_take(key, now_ms, due, &sample);
    if (sample != NULL)
        sh_log_limit_sample(sample, 1, "what it said", strlen("what it said"));
    return taken;
}

static int reset(void **state)
{
    (void)state;
    sh_log_limit_reset();
    return 0;
}

static void the_first_lines_pass_and_the_others_are_reported(void **state)
{
    (void)state;
    const sh_log_key key = {.place = 1, .subject = 2, .burst = 3};
    sh_log_repeats repeats;
    for (int i = 0; i < 3; i++)
        assert_true(take(&key, 1000));
    for (int i = 0; i < 100; i++)
        assert_false(take(&key, 1000 + i));
    assert_true(sh_log_limit_is_open());
    assert_false(sh_log_limit_next(1000 + SH_LOG_WINDOW_MS - 1, false, &repeats));
    assert_true(sh_log_limit_next(1000 + SH_LOG_WINDOW_MS, false, &repeats));
    assert_int_equal(repeats.count, 100);
    assert_int_equal(repeats.seconds, SH_LOG_WINDOW_MS / 1000);
    assert_int_equal(repeats.level, 1);
    assert_int_equal(repeats.sample_len, strlen("what it said"));
    assert_memory_equal(repeats.sample, "what it said", repeats.sample_len);
    assert_false(sh_log_limit_is_open());
    assert_false(sh_log_limit_next(INT64_MAX, true, &repeats));
}

static void a_flood_that_goes_on_gets_one_line_a_window(void **state)
{
    (void)state;
    const sh_log_key key = {.place = 1, .subject = 2, .burst = 5};
    int64_t now = 0;
    for (int window = 0; window < 4; window++) {
        size_t passed = 0;
        for (int i = 0; i < 50; i++)
            passed += take(&key, now + i);
        assert_int_equal(passed, window == 0 ? 5 : 1);
        now += SH_LOG_WINDOW_MS;
    }
    /* After a quiet time it is as before. */
    now += 2 * SH_LOG_WINDOW_MS;
    for (int i = 0; i < 5; i++)
        assert_true(take(&key, now));
    assert_false(take(&key, now));
}

static void subjects_do_not_hide_each_other(void **state)
{
    (void)state;
    for (uint64_t subject = 1; subject <= 400; subject++) {
        const sh_log_key key = {
            .place = 1, .subject = sh_log_hash(0, &subject, sizeof subject), .burst = 1};
        assert_true(take(&key, 5));
        assert_false(take(&key, 5));
    }
}

static void a_peer_and_a_place_have_a_limit_of_their_own(void **state)
{
    (void)state;
    size_t passed = 0;
    for (uint64_t subject = 1; subject <= 5000; subject++) {
        const sh_log_key key = {
            .place = 7, .peer = 8, .subject = sh_log_hash(1, &subject, sizeof subject), .burst = 5};
        passed += take(&key, 5);
    }
    assert_int_equal(passed, SH_LOG_PEER_BURST);
    for (uint64_t subject = 1; subject <= 50000; subject++) {
        const sh_log_key key = {.place = 7,
                                .peer = sh_log_hash(3, &subject, sizeof subject),
                                .subject = sh_log_hash(2, &subject, sizeof subject),
                                .burst = 5};
        passed += take(&key, 5);
    }
    assert_int_equal(passed, SH_LOG_SITE_BURST);
    /* Other places are not concerned. */
    const sh_log_key other = {.place = 9, .subject = 10, .burst = 5};
    assert_true(take(&other, 5));
}

/* A count that must make room for another one still reports what it held back. */
static void no_count_is_lost(void **state)
{
    (void)state;
    uint64_t held = 0, reported = 0;
    sh_log_repeats repeats;
    for (uint64_t subject = 1; subject <= 3000; subject++) {
        const sh_log_key key = {.place = subject, /* so that no other limit is reached */
                                .subject = sh_log_hash(4, &subject, sizeof subject),
                                .burst = 1};
        for (int i = 0; i < 3; i++) {
            held += !take(&key, (int64_t)subject);
            for (size_t t = 0; t < SH_LOG_DUE_MAX; t++)
                reported += due[t].count;
        }
    }
    while (sh_log_limit_next(4000, true, &repeats))
        reported += repeats.count;
    assert_true(held >= 6000);
    assert_int_equal(reported, held);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(the_first_lines_pass_and_the_others_are_reported, reset),
        cmocka_unit_test_setup(a_flood_that_goes_on_gets_one_line_a_window, reset),
        cmocka_unit_test_setup(subjects_do_not_hide_each_other, reset),
        cmocka_unit_test_setup(a_peer_and_a_place_have_a_limit_of_their_own, reset),
        cmocka_unit_test_setup(no_count_is_lost, reset),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
