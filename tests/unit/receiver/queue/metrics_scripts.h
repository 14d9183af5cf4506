/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_METRICS_SCRIPTS_H
#define TESTS_METRICS_SCRIPTS_H

/* Tests of the scripts behind GET /metrics, which test_receiver_scripts.c runs. */

#include "receiver/queue/receiver_scripts.h"
#include "tests/unit/with_scripts.h"

#include <stdint.h>
#include <stdlib.h>

static inline void metrics_lease_take_gives_a_lease_to_one_holder_until_it_ends(void **state)
{
    (void)state;
    metrics_lease_take_arguments first = {
        .keys = {SH_SLICE("lease")}, .holder = SH_SLICE("a"), .lease_ms = SH_SLICE("60000")};
    metrics_lease_take_arguments second = first, end = first;
    second.holder = SH_SLICE("b");
    end.lease_ms = SH_SLICE("0");
    assert_string_equal(ANSWER(metrics_lease_take, end), "free");
    assert_string_equal(ANSWER(metrics_lease_take, first), "holds");
    assert_string_equal(ANSWER(metrics_lease_take, first), "holds"); /* renewed */
    assert_string_equal(ANSWER(metrics_lease_take, second), "a");
    second.lease_ms = SH_SLICE("0");
    assert_string_equal(ANSWER(metrics_lease_take, second), "a"); /* ends only its own */
    assert_string_equal(ANSWER(metrics_lease_take, end), "free");
    second.lease_ms = SH_SLICE("60000");
    assert_string_equal(ANSWER(metrics_lease_take, second), "holds");
}

static inline void oldest_age_is_that_of_the_first_entry_and_never_negative(void **state)
{
    (void)state;
    const oldest_age_arguments oldest = {{SH_SLICE("ingest")}};
    assert_string_equal(ANSWER(oldest_age, oldest), "0");
    (void)ask("XADD ingest 99999999999999-1 a b"); /* the clock was set back since */
    assert_string_equal(ANSWER(oldest_age, oldest), "0");
    (void)ask("DEL ingest");
    (void)ask("XADD ingest 1-1 a b");
    assert_true(strtoll(ANSWER(oldest_age, oldest), NULL, 10) > INT64_C(1700000000000));
}

#define METRICS_SCRIPTS_TESTS                                                                      \
    TEST(metrics_lease_take_gives_a_lease_to_one_holder_until_it_ends),                            \
        TEST(oldest_age_is_that_of_the_first_entry_and_never_negative)

#endif
