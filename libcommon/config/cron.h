/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_CRON_H
#define SH_CRON_H

#include "libcommon/base/error.h"
#include "libcommon/base/text.h"

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

/*
 * A five-field cron schedule (minute hour day-of-month month day-of-week; `*`, lists, ranges,
 * steps, names of months and days, 7 = Sunday) with Vixie cron's rule for the day fields: if
 * neither starts with `*`, a day matches if either field matches.
 */
typedef struct {
    uint64_t minutes;
    uint32_t hours, days_of_month;
    uint16_t months;
    uint8_t days_of_week;
    bool any_day_of_month, any_day_of_week; /* the field starts with `*` */
} sh_cron;

/* SH_E_FORMAT for invalid fields and for a schedule that can never occur. */
sh_err sh_cron_read(sh_slice text, sh_cron *ret, sh_error *error);

/*
 * The first time of the schedule after `after`, in the local time zone (TZ). At a clock change,
 * skipped times occur right after the change; repeated times occur once, unless the schedule
 * includes every hour. (time_t)-1 if there is none, which sh_cron_read() rules out within the range
 * of the system's calendar.
 */
time_t sh_cron_next(const sh_cron *cron, time_t after);

#endif
