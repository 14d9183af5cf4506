/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/runtime/schedule.h"

void sh_schedule_init(sh_schedule *schedule, const sh_cron *cron)
{
    *schedule = (sh_schedule){.cron = cron};
}

static void compute_next(sh_schedule *schedule, int64_t now_ms)
{
    time_t next = sh_cron_next(schedule->cron, (time_t)(now_ms / 1000));
    schedule->next_ms = next == (time_t)-1 ? INT64_MAX : (int64_t)next * 1000;
    schedule->seen_ms = now_ms;
}

bool sh_schedule_is_due(sh_schedule *schedule, int64_t now_ms)
{
    if (schedule->next_ms != 0 && now_ms < schedule->next_ms) {
        if (now_ms < schedule->seen_ms - SH_SCHEDULE_STEP_MS)
            compute_next(schedule, now_ms);
        else if (now_ms > schedule->seen_ms)
            schedule->seen_ms = now_ms;
        return false;
    }
    int64_t late_ms = schedule->next_ms == 0 ? 0 : now_ms - schedule->next_ms;
    schedule->late_ms = late_ms < SH_SCHEDULE_STEP_MS ? late_ms : 0;
    compute_next(schedule, now_ms);
    return true;
}

void sh_schedule_pass(sh_schedule *schedule, int64_t now_ms)
{
    if (now_ms >= schedule->next_ms)
        compute_next(schedule, now_ms);
}

int64_t sh_schedule_wait_ms(const sh_schedule *schedule, int64_t now_ms)
{
    if (now_ms >= schedule->next_ms)
        return 0;
    int64_t left_ms = schedule->next_ms - now_ms;
    return left_ms < SH_SCHEDULE_POLL_MS ? left_ms : SH_SCHEDULE_POLL_MS;
}

int64_t sh_schedule_interval_s(const sh_cron *cron, int64_t now_ms)
{
    int64_t now_s = now_ms / 1000;
    time_t next = sh_cron_next(cron, (time_t)now_s);
    time_t second = next == (time_t)-1 ? next : sh_cron_next(cron, next);
    if (second == (time_t)-1)
        return 0;
    int64_t left_s = (int64_t)next - now_s, gap_s = (int64_t)second - (int64_t)next;
    return left_s > gap_s ? left_s : gap_s;
}
