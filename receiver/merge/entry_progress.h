/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_ENTRY_PROGRESS_H
#define RECEIVER_ENTRY_PROGRESS_H

#include "receiver/merge/merge_entry.h"

/*
 * The progress of entries that earlier transactions interrupted (ENTRY_PIECE), in memory only. An
 * entry without a record starts again and finds its rows inserted.
 */
#define ENTRY_PROGRESS_MAX 256 /* entries; further ones are not recorded */

typedef struct {
    char id[QUEUE_ENTRY_ID_BYTES]; /* the stream entry */
    entry_result result;
} entry_progress_record;

typedef struct {
    entry_progress_record *records; /* ENTRY_PROGRESS_MAX of them, or NULL */
    size_t count;
} entry_progress;

/* Deletes all records; also after the database was opened again, as it may be an earlier state. */
void entry_progress_reset(entry_progress *progress);

/* The record of an entry, valid until the next change; NULL if there is none. */
const entry_result *entry_progress_find(const entry_progress *progress, const char *id);
/* Replaces or adds the record of an entry whose transaction was committed. */
void entry_progress_keep(entry_progress *progress, const char *id, const entry_result *result);
void entry_progress_remove(entry_progress *progress, const char *id);

#endif
