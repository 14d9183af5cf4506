/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PUSHER_WATCH_H
#define PUSHER_WATCH_H

#include "libcommon/base/error.h"

#include <stddef.h>

/*
 * Tells by inotify that something happened around some files: written and closed, replaced by a
 * rename, their folders made, deleted, or moved. It only says "look again": after each news the
 * caller arms it anew, and then compares the files' stamps. In that order nothing is lost: what
 * happens after arming is an event, what happened before it is in the stamps.
 */
typedef struct watch watch;

/* paths are borrowed and must outlive it. SH_E_IO (no inotify instance is left), SH_E_MEMORY. */
sh_err watch_new(const char *const paths[], size_t count, watch **ret, sh_error *error);
void watch_free(watch *w); /* NULL is accepted */

/* Readable when something happened; for poll(). */
int watch_fd(const watch *w);

typedef enum {
    WATCH_QUIET,  /* there was no event */
    WATCH_OTHERS, /* only to other files beside them */
    WATCH_NEWS,
} watch_seen;

/* Takes all events that are there, and tells what happened. */
watch_seen watch_drain(watch *w);

/*
 * Watches each file's folder, or where there is none the nearest existing folder above it, and
 * nothing else. SH_E_IO where a folder cannot be watched (no watches left, no permission); the
 * others are.
 */
sh_err watch_arm(watch *w, sh_error *error);

#endif
