/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_SCHEDULE_H
#define SH_SCHEDULE_H

#include "libcommon/config/cron.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * When the next run of a cron schedule is due, on a wall clock that may be set by days in either
 * direction. Pure: the caller passes the time in Unix milliseconds, and calls again after at most
 * sh_schedule_wait_ms(), so that a clock change is noticed within SH_SCHEDULE_POLL_MS.
 *
 * Clock set forward over one or more runs: one run is due at once. Clock set back: computes the
 * next run again; a step of less than SH_SCHEDULE_STEP_MS only delays it, so that a small
 * correction by NTP does not repeat a run.
 */
typedef struct {
    const sh_cron *cron;
    int64_t next_ms; /* 0: the first run, due at once */
    int64_t seen_ms; /* the latest time since next_ms was computed */
    int64_t late_ms; /* delay of the run that is due; 0 if the clock was set forward */
} sh_schedule;

#define SH_SCHEDULE_POLL_MS 5000
#define SH_SCHEDULE_STEP_MS 60000

void sh_schedule_init(sh_schedule *schedule, const sh_cron *cron);

/* Whether a run is due; if so, computes the next one. True at the first call. */
bool sh_schedule_is_due(sh_schedule *schedule, int64_t now_ms);

/* Skips the runs that are due until now. */
void sh_schedule_pass(sh_schedule *schedule, int64_t now_ms);

/*
 * Seconds until the run after now_ms, at most: the interval of the schedule at this time, or what
 * is left until the next run if that is longer. 0 if there is none.
 */
int64_t sh_schedule_interval_s(const sh_cron *cron, int64_t now_ms);

/* How long to wait before the next call: 0 to SH_SCHEDULE_POLL_MS. */
int64_t sh_schedule_wait_ms(const sh_schedule *schedule, int64_t now_ms);

#endif
