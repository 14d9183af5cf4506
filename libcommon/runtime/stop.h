/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_STOP_H
#define SH_STOP_H

#include "libcommon/base/error.h"

#include <stdbool.h>
#include <stdint.h>

/* Orderly stop by SIGTERM or SIGINT, and reload by SIGHUP. */

/*
 * Catches the signals, for the whole process; the caller is the thread that does the service's
 * work. From SIGTERM on the process ends after 9 s at the latest, with exit code 0. SH_E_IO.
 */
sh_err sh_stop_init(sh_error *error);

/*
 * Readable from the first SIGTERM or SIGINT on; for poll(), never to be read. -1, which poll()
 * ignores, before sh_stop_init().
 */
int sh_stop_fd(void);
bool sh_stop_requested(void);
/*
 * Readable from a SIGHUP until sh_hangup_take(), which returns whether there was one: for the one
 * thread that reloads files. -1 before sh_stop_init().
 */
int sh_hangup_fd(void);
bool sh_hangup_take(void);
/*
 * Reports to the service manager's watchdog that the thread of sh_stop_init() is alive; does
 * nothing in other threads. sh_stop_wait() does so too; a loop without it calls this every few
 * seconds.
 */
void sh_service_alive(void);
/*
 * Waits ms by the monotonic clock, or for a stop; true when stopped. There is no wait until a time
 * of the wall clock, which may be set meanwhile: see sh_schedule.
 */
bool sh_stop_wait(int64_t ms);

#endif
