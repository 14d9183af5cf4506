/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/merge/retry_policy.h"

#include "libcommon/base/limits.h"
#include "tests/unit/unit.h"

static void a_try_follows_from_deliveries_and_failures(void **state)
{
    (void)state;
    static const struct {
        int64_t deliveries, failures;
        retry_action action;
    } cases[] = {
        {0, 0, RETRY_MERGE}, /* what was read by its id */
        {1, 0, RETRY_MERGE},
        {SH_QUEUE_SUSPECT_DELIVERIES - 1, 0, RETRY_MERGE},
        {SH_QUEUE_SUSPECT_DELIVERIES, 0, RETRY_ALONE},
        {1000, 0, RETRY_ALONE}, /* many deliveries alone do not count */
        {SH_QUEUE_SUSPECT_DELIVERIES, 1, RETRY_ALONE},
        {SH_QUEUE_SUSPECT_DELIVERIES, SH_MERGE_ATTEMPTS_MAX, RETRY_ALONE},
        {SH_QUEUE_SUSPECT_DELIVERIES, SH_MERGE_ATTEMPTS_MAX + 1, RETRY_DEAD_LETTER},
        {1, 1, RETRY_ALONE}, /* Redis forgot the deliveries */
        {1, SH_MERGE_ATTEMPTS_MAX + 1, RETRY_DEAD_LETTER},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_int_equal(retry_before(cases[i].deliveries, cases[i].failures), cases[i].action);
}

static void what_happens_follows_from_the_outcome(void **state)
{
    (void)state;
    static const struct {
        entry_outcome outcome;
        retry_action action;
    } cases[] = {
        {ENTRY_MERGED, RETRY_ACK},         {ENTRY_DUPLICATE, RETRY_ACK},
        {ENTRY_PIECE, RETRY_CONTINUE},     {ENTRY_POISON, RETRY_DEAD_LETTER},
        {ENTRY_NO_SAVEPOINT, RETRY_AGAIN}, {ENTRY_STORE, RETRY_WAIT},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_int_equal(retry_after(cases[i].outcome), cases[i].action);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_try_follows_from_deliveries_and_failures),
        cmocka_unit_test(what_happens_follows_from_the_outcome),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
