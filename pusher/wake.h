/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PUSHER_WAKE_H
#define PUSHER_WAKE_H

#include "libcommon/base/error.h"
#include "libcommon/config/settings.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * What wakes the pusher's main thread: a stop, a time of the wall clock or a change of that clock,
 * and changes of files: the settings, the spool, and the sources. An idle pusher does not wake for
 * anything else, except each minute if there are files whose changes inotify may fail to report:
 * all but the spool, as network file systems and containers' mounts know no events of other hosts.
 */
typedef struct wake wake;

/* What to watch besides the settings. */
typedef struct {
    const char *const *sources;
    size_t count;
    const char *spool; /* its folder, or NULL */
} wake_files;

/* Borrows the paths. SH_E_MEMORY, SH_E_IO. */
sh_err wake_new(const sh_settings *settings, const wake_files *files, wake **ret, sh_error *error);
void wake_free(wake *w); /* NULL is accepted */

/*
 * Whether files may have changed since the last call; true at the first one. Call it before looking
 * at the files, as a later change causes an event.
 */
bool wake_files_changed(wake *w);

/*
 * The wall clock's change since the last call, or since wake_new(), in ms: 0 unless it was set by
 * more than WAKE_CLOCK_STEP_MS.
 */
int64_t wake_clock_step_ms(wake *w);

/*
 * Waits until unix_ms (INT64_MAX: no time), until one of the above happens, or for max_ms
 * (INT64_MAX: without limit). With a time, a change of the clock that wake_clock_step_ms() has not
 * returned yet ends it, too. False on a stop.
 */
bool wake_wait(wake *w, int64_t unix_ms, int64_t max_ms);

/* A smaller difference may come from the clock's slewing. */
#define WAKE_CLOCK_STEP_MS INT64_C(2000)

#endif
