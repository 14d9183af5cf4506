/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PUSHER_RETRY_SCHEDULE_H
#define PUSHER_RETRY_SCHEDULE_H

#include "pusher/report.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * When what was not delivered is tried again: the one back-off of the pusher. Nodes that all lost
 * the same hub must not all be back in the second in which it is, nor at the next full minute.
 * Pure; times are of one clock that only goes on, random is even over all of 64 bits.
 */

/* How patient a program is. */
typedef struct {
    int64_t base_ms; /* the longest wait after the first failure */
    int64_t max_ms;
    int64_t retry_after_max_s; /* a hub that asks for more gets this */
} retry_policy;

extern const retry_policy retry_patient; /* a program that stays */
extern const retry_policy retry_brief;   /* a single run, which does not wait for long */
#define RETRY_BRIEF_TRIES 3              /* attempts of a single run */

typedef struct {
    const retry_policy *policy;
    int64_t retry_at_ms; /* what is due waits until then */
    unsigned failures;   /* in a row */
    bool hub_away;       /* … or busy, when it was tried last */
} retry_schedule;

void retry_init(retry_schedule *r, const retry_policy *policy);

/* An attempt is over. Gives how long to wait for the next, 0 where nothing is left to do. */
int64_t retry_attempted(retry_schedule *r, const push_report *report, int64_t now_ms,
                        uint64_t random);

/*
 * The schedule's next run has come: what failed here, or what an operator had to set right, is
 * tried at once. A hub that was away still gets each node at a time of its own.
 */
void retry_run_came(retry_schedule *r);

/* The wall clock was set, which may have been what was wrong: all is tried at once. */
void retry_clock_set(retry_schedule *r);

bool retry_may_try(const retry_schedule *r, int64_t now_ms);

/*
 * Exponential back-off with full jitter: how long to wait before the next try, so that many who
 * failed together do not come back together. attempt counts failures so far, from 1; the wait lies
 * between 0 and base_ms doubled for each failure after the first, but never over max_ms. base_ms
 * and max_ms are positive.
 */
int64_t retry_backoff_ms(int64_t base_ms, int64_t max_ms, unsigned attempt, uint64_t random);

#endif
