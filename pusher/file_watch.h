/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PUSHER_FILE_WATCH_H
#define PUSHER_FILE_WATCH_H

#include "libcommon/base/error.h"

#include <stddef.h>

/*
 * Notices changes of files with inotify: written and closed, replaced by a rename, their folders
 * created, deleted, or moved. It only says that something changed: after each event the caller arms
 * it again, and then compares the files' stamps. In this order no change is lost: a change after
 * arming causes an event, an earlier one is in the stamps.
 *
 * A path that ends with a slash is a folder: what others put there or remove is a change.
 */
typedef struct watch watch;

/* Borrows paths. SH_E_IO (no inotify instance is left), SH_E_MEMORY. */
sh_err watch_new(const char *const paths[], size_t count, watch **ret, sh_error *error);
void watch_free(watch *w); /* NULL is accepted */

/* Readable when something happened; for poll(). */
int watch_fd(const watch *w);

typedef enum {
    WATCH_QUIET,  /* there was no event */
    WATCH_OTHERS, /* only for other files in the same folders */
    WATCH_CHANGED,
} watch_seen;

/* Reads all pending events, and returns what happened. */
watch_seen watch_drain(watch *w);

/*
 * Watches each file's folder or, if it does not exist, the nearest existing folder above it.
 * SH_E_IO if a folder cannot be watched (no watches left, no permission); the others still are.
 */
sh_err watch_arm(watch *w, sh_error *error);

#endif
