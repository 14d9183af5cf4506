/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_MERGE_ENTRY_H
#define RECEIVER_MERGE_ENTRY_H

#include "libcommon/envelope.h"
#include "libcommon/list.h"
#include "libcommon/queue.h"
#include "receiver/entry_opener.h"
#include "receiver/side_thread.h"
#include "receiver/store.h"

/* One entry of the queue, merged inside a transaction that the caller began and will commit. */

typedef enum {
    ENTRY_MERGED,
    ENTRY_DUPLICATE, /* its item was merged before: nothing was done */
    ENTRY_POISON,    /* it can never be merged: error says why; the transaction is as before it */
    ENTRY_FAILED,    /* this time it could not be (memory); the transaction is as before it */
    ENTRY_UNMARKED,  /* as the two above, but its work is not undone: the caller rolls back, and
                        merges all of the transaction again with marks */
    ENTRY_STORE,     /* the database failed: the caller rolls back */
} entry_outcome;

typedef struct {
    const sh_list *skip_macs;
    const char *plugins_out; /* folder, or "" */
    store *store;
    entry_opener *opener;
    side_thread *reader;
    bool marks;     /* each entry is marked, so that it can be undone alone */
    sh_slice text;  /* of the entry in hand; borrowed from the opener */
    int64_t now_ms; /* of this transaction */
    char now[24];   /* the same as `YYYY-MM-DD HH:MM:SS` */
} entry_merger;

/* What was done, for the log, the metrics and what is published of it. */
typedef struct {
    sh_envelope_header header;
    bool whole; /* with it, all of its node's table is merged: its digest may be published */
    int64_t rows, inserted, known, skipped, set_aside;
    char reason[SH_DEAD_REASON_MAX]; /* of the rows that were set aside first */
} entry_result;

/* next, where it is not NULL, is the one that will be merged after it: see entry_opener_open(). */
entry_outcome entry_merge(entry_merger *m, const sh_queue_entry *entry, const sh_queue_entry *next,
                          entry_result *ret, sh_error *error);

/* The two kinds of content; SH_OK, or the store's failure (SH_E_…), or SH_E_MEMORY. */
sh_err entry_merge_devices(entry_merger *m, entry_result *result, sh_error *error);
sh_err entry_merge_plugin(entry_merger *m, const sh_queue_entry *entry, entry_result *result,
                          sh_error *error);

/* Counts a row or line that was set aside and keeps the first reasons. */
void entry_set_aside(entry_result *result, const char *what, int64_t number, const char *reason);

#endif
