/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PUSHER_PUSH_SCHEDULER_H
#define PUSHER_PUSH_SCHEDULER_H

#include "libcommon/base/error.h"
#include "libcommon/config/settings.h"
#include "libcommon/native/envelope.h"
#include "pusher/report.h"
#include "pusher/source.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The work of a node: its sources, which of them are due, and the spool. Logs every result. run.c
 * decides when to check and when to retry.
 */
typedef struct work work;

typedef struct {
    /*
     * --once and SYNC_RUN=once: sends everything that is due, even without a new device, and logs
     * source errors each time; otherwise only if they differ from the source's last error.
     */
    bool once;
    int stop_fd;      /* ends exchanges, as in sh_http_client_options */
    source_wait wait; /* sh_stop_wait, or a test's */
} work_options;

/*
 * Opens spool and state. Borrows settings and key. SH_E_IO, with SYNC_spool_dir, if it is unusable
 * and plugin results or SYNC_RUN=on_new_device need it; SH_E_MEMORY; SH_E_CONFIG.
 */
sh_err work_new(const sh_settings *settings, const sh_node_key *key, const work_options *options,
                work **ret, sh_error *error);
void work_free(work *w); /* NULL is accepted */

/* The sources' paths, borrowed from w. */
const char *const *work_paths(const work *w, size_t *count);

/* The spool's folder, borrowed from w; NULL if there is no spool. */
const char *work_spool_folder(const work *w);

void work_all_due(work *w);
/*
 * A time of the schedule: a contact with the hub is due. In the watching modes makes the device
 * table due, so that the hub is asked whether it has it, and its file is checked.
 */
void work_contact_due(work *w);
/* Makes sources due that have changed since they were handled, or that failed. */
void work_changed_due(work *w);
/* Notices changes by `synchub-pusher spool`. */
void work_rescan(work *w);
/* Whether anything is due or spooled, or must be reported to the hub. */
bool work_is_due(const work *w);

/*
 * Moves due plugin results to the spool without sending: for use during a back-off, while the
 * scanner continues and overwrites its results.
 */
void work_collect(work *w);

/*
 * Reads and sends everything that is due, and then the spooled items, oldest first, one by one. If
 * that needed no exchange, but a contact is due, sends a heartbeat.
 */
push_report work_attempt(work *w);

#endif
