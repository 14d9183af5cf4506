/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_WALL_TIMER_H
#define SH_WALL_TIMER_H

#include "libcommon/base/error.h"

#include <stdint.h>

/*
 * A descriptor that becomes readable at a time of the wall clock, and whenever that clock is set,
 * so that a program can wait for a time without waking up to look at the clock: timerfd_create(2)
 * with TFD_TIMER_CANCEL_ON_SET. Slewing, as by NTP, is not a set clock; the time follows it.
 */

/* *ret: the descriptor, which the caller closes; -1 on error. SH_E_IO: no descriptor is left. */
sh_err sh_wall_timer_open(int *ret, sh_error *error);

/*
 * Readable from unix_ms on, at once if that time has passed, or after a change of the clock from
 * now on; no longer readable for what was before. INT64_MAX: only after a change. The clock may
 * have been set just before this call: look at it again afterwards.
 */
sh_err sh_wall_timer_set(int fd, int64_t unix_ms, sh_error *error);

#endif
