/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PUSHER_RETRY_SCHEDULE_H
#define PUSHER_RETRY_SCHEDULE_H

#include "pusher/report.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * When the pusher retries: its only back-off. Nodes that lost the same hub must not all return in
 * the same second when it is back, or at the next full minute. Pure; times are monotonic, random is
 * uniform over 64 bits.
 */

/* The parameters of the back-off. */
typedef struct {
    int64_t base_ms; /* upper limit of the wait after the first failure */
    int64_t max_ms;
    int64_t retry_after_max_s; /* upper limit for Retry-After */
} retry_limits;

extern const retry_limits retry_patient; /* for a daemon */
extern const retry_limits retry_brief;   /* for a single run, which must not take long */
#define RETRY_BRIEF_TRIES 3              /* attempts of a single run */

typedef struct {
    const retry_limits *limits;
    int64_t retry_at_ms; /* due items wait until then */
    unsigned failures;   /* consecutive */
    bool hub_away;       /* or busy, at the last attempt */
} retry_schedule;

void retry_init(retry_schedule *r, const retry_limits *limits);

/* Records an attempt. Returns how long to wait for the next one, 0 if nothing is left to do. */
int64_t retry_attempted(retry_schedule *r, const push_report *report, int64_t now_ms,
                        uint64_t random);

/*
 * At a scheduled run: retries at once what failed locally or needed an operator. If the hub was
 * down, the back-off continues, so that nodes return at different times.
 */
void retry_run_came(retry_schedule *r);

/*
 * After the wall clock was set, which may have been the cause of failures: retries everything at
 * once.
 */
void retry_clock_set(retry_schedule *r);

bool retry_may_try(const retry_schedule *r, int64_t now_ms);

/*
 * Exponential back-off with full jitter: how long to wait before the next attempt, so that clients
 * that failed together do not return together. attempt counts failures from 1; the wait is between
 * 0 and base_ms * 2^(attempt - 1), and at most max_ms. base_ms and max_ms are positive.
 */
int64_t retry_backoff_ms(int64_t base_ms, int64_t max_ms, unsigned attempt, uint64_t random);

#endif
