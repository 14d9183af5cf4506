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
 * steps, names of months and days, 7 = Sunday), with Vixie cron's rule for the day fields: where
 * neither begins with `*`, a day matches when either field does.
 */
typedef struct {
    uint64_t minutes;
    uint32_t hours, days_of_month;
    uint16_t months;
    uint8_t days_of_week;
    bool any_day_of_month, any_day_of_week; /* the field begins with `*` */
} sh_cron;

/* SH_E_FORMAT names the field and what would be right; a schedule that can never come is one. */
sh_err sh_cron_read(sh_slice text, sh_cron *ret, sh_error *error);

/*
 * The first moment of the schedule after `after`, in the local time zone (TZ). Local times that a
 * clock change skips come right after it; those that it repeats come once, unless the schedule
 * names every hour: then it goes on through the change. (time_t)-1 where there is no such moment,
 * which sh_cron_read() rules out for any time that the system's calendar reaches.
 */
time_t sh_cron_next(const sh_cron *cron, time_t after);

#endif
