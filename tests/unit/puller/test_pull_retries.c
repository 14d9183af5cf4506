/* SPDX-License-Identifier: Apache-2.0 */
#include "puller/pull_retries.h"
#include "tests/unit/unit.h"

typedef struct {
    pull_state from;
    pull_event event;
    bool tries_left;
    pull_state to;
} expected;

static const expected table[] = {
    {PULL_NEW, PULL_LEASED, true, PULL_ASKED},
    {PULL_NEW, PULL_TAKEN, true, PULL_END_SKIPPED},
    {PULL_NEW, PULL_ERROR, true, PULL_END_FAILED},
    {PULL_NEW, PULL_STOPPED, true, PULL_END_SKIPPED},
    {PULL_ASKED, PULL_ANSWERED, false, PULL_ENQUEUED},
    {PULL_ASKED, PULL_CUT, true, PULL_RETRY},
    {PULL_ASKED, PULL_CUT, false, PULL_END_FAILED},
    {PULL_ASKED, PULL_TOKEN_REFUSED, true, PULL_RETRY},
    {PULL_ASKED, PULL_TOKEN_REFUSED, false, PULL_RETRY}, /* its tokens are few */
    {PULL_ASKED, PULL_ERROR, true, PULL_END_FAILED},
    {PULL_ASKED, PULL_STOPPED, true, PULL_END_SKIPPED},
    {PULL_RETRY, PULL_LEASED, false, PULL_ASKED},
    {PULL_ENQUEUED, PULL_WRITTEN, false, PULL_END_PULLED},
    {PULL_ENQUEUED, PULL_WRITTEN_BEFORE, false, PULL_END_UNCHANGED},
    {PULL_ENQUEUED, PULL_ERROR, true, PULL_END_FAILED},
};

static void each_event_leads_to_its_state(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        pull_state to = pull_state_next(table[i].from, table[i].event, table[i].tries_left);
        if (to != table[i].to)
            fail_msg("row %zu: %d", i, (int)to);
    }
}

/* From every state that is reached, a node ends after finitely many events. */
static void only_a_retry_leads_back(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        bool back = table[i].to <= table[i].from;
        assert_true(!back || table[i].from == PULL_RETRY);
        assert_int_equal(pull_state_is_end(table[i].to), table[i].to >= PULL_END_PULLED);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_event_leads_to_its_state),
        cmocka_unit_test(only_a_retry_leads_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
