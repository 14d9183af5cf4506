/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_ENTRY_PROGRESS_H
#define RECEIVER_ENTRY_PROGRESS_H

#include "receiver/merge/merge_entry.h"

/*
 * How far entries were merged that earlier transactions interrupted (ENTRY_PIECE), in memory alone.
 * An entry without a record begins anew and finds that its rows are there.
 */
#define ENTRY_PROGRESS_MAX 256 /* entries; the record of a further one is not kept */

typedef struct {
    char id[QUEUE_ENTRY_ID_BYTES]; /* of the stream entry */
    entry_result result;
} entry_progress_record;

typedef struct {
    entry_progress_record *records; /* ENTRY_PROGRESS_MAX of them, or NULL */
    size_t count;
} entry_progress;

/* Forgets all: also after the database was opened anew, which may be an earlier state of it. */
void entry_progress_reset(entry_progress *progress);

/* The record of an entry, valid until the next change; NULL if there is none. */
const entry_result *entry_progress_find(const entry_progress *progress, const char *id);
/* Replaces or adds the record of an entry whose transaction was committed. */
void entry_progress_keep(entry_progress *progress, const char *id, const entry_result *result);
void entry_progress_remove(entry_progress *progress, const char *id);

#endif
