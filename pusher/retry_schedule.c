/* SPDX-License-Identifier: Apache-2.0 */
#include "pusher/retry_schedule.h"

#include "pusher/backoff.h"

int64_t pace_attempted(pace *p, const work_report *report, int64_t now_ms, uint64_t random)
{
    if (!report->later && !report->mend) {
        *p = (pace){0};
        return 0;
    }
    p->failures++;
    p->hub_away = report->later;
    /* What somebody must mend first is tried at the slowest pace. */
    int64_t wait_ms =
        report->mend ? PACE_MAX_MS / 2 + sh_backoff_ms(PACE_MAX_MS / 2, PACE_MAX_MS / 2, 1, random)
                     : sh_backoff_ms(PACE_BASE_MS, PACE_MAX_MS, p->failures, random);
    if (report->retry_after_s > 0)
        wait_ms += (report->retry_after_s < PACE_RETRY_AFTER_MAX_S ? report->retry_after_s
                                                                   : PACE_RETRY_AFTER_MAX_S) *
                   1000;
    p->retry_at_ms = now_ms + wait_ms;
    return wait_ms;
}

void pace_run_came(pace *p)
{
    if (!p->hub_away)
        p->retry_at_ms = 0;
}

void pace_clock_set(pace *p)
{
    *p = (pace){0};
}

bool pace_may_try(const pace *p, int64_t now_ms)
{
    return now_ms >= p->retry_at_ms;
}
