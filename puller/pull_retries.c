/* SPDX-License-Identifier: Apache-2.0 */
#include "puller/pull_retries.h"

#include <assert.h>
#include <stddef.h>

typedef struct {
    pull_state from;
    pull_event event;
    pull_state to;
} transition;

static const transition transitions[] = {
    {PULL_NEW, PULL_LEASED, PULL_ASKED},
    {PULL_NEW, PULL_TAKEN, PULL_END_SKIPPED},
    {PULL_ASKED, PULL_ANSWERED, PULL_ENQUEUED},
    {PULL_ASKED, PULL_CUT, PULL_RETRY},
    {PULL_ASKED, PULL_TOKEN_REFUSED, PULL_RETRY},
    {PULL_RETRY, PULL_LEASED, PULL_ASKED},
    {PULL_ENQUEUED, PULL_WRITTEN, PULL_END_PULLED},
    {PULL_ENQUEUED, PULL_WRITTEN_BEFORE, PULL_END_UNCHANGED},
};

pull_state pull_state_next(pull_state state, pull_event event, bool tries_left)
{
    assert(!pull_state_is_end(state));
    if (event == PULL_ERROR)
        return PULL_END_FAILED;
    if (event == PULL_STOPPED)
        return PULL_END_SKIPPED;
    if (event == PULL_CUT && !tries_left)
        return PULL_END_FAILED;
    for (size_t i = 0; i < sizeof transitions / sizeof transitions[0]; i++)
        if (transitions[i].from == state && transitions[i].event == event)
            return transitions[i].to;
    assert(!"an event that cannot occur in this state");
    return PULL_END_FAILED;
}
