/* SPDX-License-Identifier: Apache-2.0 */
#include "pusher/retry_schedule.h"

#include <assert.h>

const retry_limits retry_patient = {.base_ms = 2000, .max_ms = 300000, .retry_after_max_s = 600};
const retry_limits retry_brief = {.base_ms = 1000, .max_ms = 5000, .retry_after_max_s = 10};

int64_t retry_backoff_ms(int64_t base_ms, int64_t max_ms, unsigned attempt, uint64_t random)
{
    assert(base_ms > 0 && max_ms > 0);
    int64_t ceiling_ms = base_ms;
    for (unsigned i = 1; i < attempt && ceiling_ms < max_ms; i++)
        ceiling_ms = ceiling_ms > max_ms / 2 ? max_ms : ceiling_ms * 2;
    if (ceiling_ms > max_ms)
        ceiling_ms = max_ms;
    return (int64_t)(random % ((uint64_t)ceiling_ms + 1));
}

void retry_init(retry_schedule *r, const retry_limits *limits)
{
    *r = (retry_schedule){.limits = limits};
}

int64_t retry_attempted(retry_schedule *r, const push_report *report, int64_t now_ms,
                        uint64_t random)
{
    const retry_limits *limits = r->limits;
    if (!report->later && !report->needs_operator) {
        retry_init(r, limits);
        return 0;
    }
    r->failures++;
    r->hub_away = report->later;
    /* If an operator must act first, retry at the slowest rate. */
    int64_t half_ms = limits->max_ms / 2;
    int64_t wait_ms = report->needs_operator
                          ? half_ms + retry_backoff_ms(half_ms, half_ms, 1, random)
                          : retry_backoff_ms(limits->base_ms, limits->max_ms, r->failures, random);
    if (report->retry_after_s > 0)
        wait_ms += (report->retry_after_s < limits->retry_after_max_s ? report->retry_after_s
                                                                      : limits->retry_after_max_s) *
                   1000;
    r->retry_at_ms = now_ms + wait_ms;
    return wait_ms;
}

void retry_run_came(retry_schedule *r)
{
    if (!r->hub_away)
        r->retry_at_ms = 0;
}

void retry_clock_set(retry_schedule *r)
{
    retry_init(r, r->limits);
}

bool retry_may_try(const retry_schedule *r, int64_t now_ms)
{
    return now_ms >= r->retry_at_ms;
}
