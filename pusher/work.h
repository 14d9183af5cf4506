/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PUSHER_WORK_H
#define PUSHER_WORK_H

#include "libcommon/base/error.h"
#include "libcommon/config/settings.h"
#include "libcommon/native/envelope.h"
#include "pusher/report.h"
#include "pusher/source.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * What a node has to bring to its hub: its sources, which of them are due, and what waits in the
 * spool. It logs every outcome. When to look and when to try again is run.c's.
 */
typedef struct work work;

typedef struct {
    /*
     * Whatever is due is sent, new device or not: --once and SYNC_RUN=once. Source errors are then
     * told each time; otherwise only when they differ from the last of that source.
     */
    bool once;
    int stop_fd;      /* ends exchanges, as in sh_http_client_options */
    source_wait wait; /* sh_stop_wait, or a test's */
} work_options;

/*
 * Opens spool and state. settings and key must outlive it. SH_E_IO names SYNC_spool_dir where it
 * cannot be used and plugin results or SYNC_RUN=on_new_device need it; SH_E_MEMORY; SH_E_CONFIG.
 */
sh_err work_new(const sh_settings *settings, const sh_node_key *key, const work_options *options,
                work **ret, sh_error *error);
void work_free(work *w); /* NULL is accepted */

/* The sources' paths, borrowed from the work. */
const char *const *work_paths(const work *w, size_t *count);

void work_all_due(work *w);
/* Makes due what changed since it was handled, or could not be read then. */
void work_changed_due(work *w);
/* Takes notice of what `synchub-pusher spool` changed meanwhile. */
void work_rescan(work *w);
/* Whether anything is due or spooled. */
bool work_is_due(const work *w);

/*
 * Moves the plugin results that are due to the spool and sends nothing: for the time in which the
 * hub is not to be asked, while the scanner goes on and overwrites its results.
 */
void work_collect(work *w);

/* Reads and sends all that is due, and then what is spooled, oldest first, one by one. */
push_report work_attempt(work *w);

#endif
