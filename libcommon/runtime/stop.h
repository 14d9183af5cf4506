/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_STOP_H
#define SH_STOP_H

#include "libcommon/base/error.h"

#include <stdbool.h>
#include <stdint.h>

/* Graceful stop by SIGTERM or SIGINT, and reload by SIGHUP. */

/*
 * Catches the signals for the process; call it in the thread that does the service's work. After
 * SIGTERM the process ends within 9 s, with exit code 0. SH_E_IO.
 */
sh_err sh_stop_init(sh_error *error);

/*
 * Readable from the first SIGTERM or SIGINT on; for poll() only, do not read from it. -1, which
 * poll() ignores, before sh_stop_init().
 */
int sh_stop_fd(void);
bool sh_stop_requested(void);
/*
 * Readable from SIGHUP until sh_hangup_take(), which returns whether there was one; for the one
 * thread that reloads files. -1 before sh_stop_init().
 */
int sh_hangup_fd(void);
bool sh_hangup_take(void);
/*
 * Reports to the service manager's watchdog that the thread of sh_stop_init() is alive; does
 * nothing in other threads. sh_stop_wait() calls it; a loop without that must call it every few
 * seconds.
 */
void sh_service_alive(void);
/*
 * Waits for ms on the monotonic clock, or until a stop; true when stopped. To wait for a wall-clock
 * time, which may be set meanwhile, see sh_schedule.
 */
bool sh_stop_wait(int64_t ms);

#endif
