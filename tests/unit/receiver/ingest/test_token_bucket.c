/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/ingest/token_bucket.h"
#include "tests/unit/unit.h"

/* Takes tokens until there is none; returns their number. */
static int drain(sh_token_bucket *bucket, int64_t now_ms)
{
    int taken = 0;
    for (; sh_token_bucket_has(bucket, now_ms) && taken < 1000; taken++)
        sh_token_bucket_take(bucket, now_ms);
    return taken;
}

static void a_full_bucket_gives_its_capacity_and_then_its_rate(void **state)
{
    (void)state;
    sh_token_bucket bucket = sh_token_bucket_of(10, 2, 1000);
    assert_int_equal(drain(&bucket, 1000), 10);
    assert_int_equal(drain(&bucket, 1499), 0);
    assert_int_equal(drain(&bucket, 1500), 1);
    assert_int_equal(drain(&bucket, 3500), 4);
    assert_int_equal(drain(&bucket, 1000000000), 10); /* never more than it holds */
}

static void what_was_taken_beyond_is_owed(void **state)
{
    (void)state;
    sh_token_bucket bucket = sh_token_bucket_of(1, 1, 0);
    for (int i = 0; i < 5; i++)
        sh_token_bucket_take(&bucket, 0);
    assert_false(sh_token_bucket_has(&bucket, 4000));
    assert_true(sh_token_bucket_has(&bucket, 5000));
}

static void a_time_before_the_last_one_changes_nothing(void **state)
{
    (void)state;
    sh_token_bucket bucket = sh_token_bucket_of(1, 1, 10000);
    assert_int_equal(drain(&bucket, 10000), 1);
    assert_false(sh_token_bucket_has(&bucket, 0));
    assert_false(sh_token_bucket_has(&bucket, 10999));
    assert_true(sh_token_bucket_has(&bucket, 11000));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_full_bucket_gives_its_capacity_and_then_its_rate),
        cmocka_unit_test(what_was_taken_beyond_is_owed),
        cmocka_unit_test(a_time_before_the_last_one_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
