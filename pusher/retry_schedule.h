/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PUSHER_PACE_H
#define PUSHER_PACE_H

#include "pusher/work.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * When what was not delivered is tried again. Nodes that all lost the same hub must not all be back
 * in the second in which it is, nor at the next full minute. Pure; times are of one clock that only
 * goes on, random is even over all of 64 bits.
 */
typedef struct {
    int64_t retry_at_ms; /* what is due waits until then */
    unsigned failures;   /* in a row */
    bool hub_away;       /* … or busy, when it was tried last */
} pace;

#define PACE_BASE_MS INT64_C(2000) /* the longest wait after the first failure */
#define PACE_MAX_MS INT64_C(300000)
#define PACE_RETRY_AFTER_MAX_S 600 /* a hub that asks for more gets this */

/* An attempt is over. Gives how long to wait for the next, 0 where nothing is left to do. */
int64_t pace_attempted(pace *p, const work_report *report, int64_t now_ms, uint64_t random);

/*
 * The schedule's next run has come: what failed here, or what somebody had to mend, is tried at
 * once. A hub that was away still gets each node at a time of its own.
 */
void pace_run_came(pace *p);

/* The wall clock was set, which may have been what was wrong: all is tried at once. */
void pace_clock_set(pace *p);

bool pace_may_try(const pace *p, int64_t now_ms);

#endif
