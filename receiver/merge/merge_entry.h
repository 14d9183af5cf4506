/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_MERGE_ENTRY_H
#define RECEIVER_MERGE_ENTRY_H

#include "libcommon/native/envelope.h"
#include "receiver/merge/entry_decoder.h"
#include "receiver/merge/handover.h"
#include "receiver/merge/result_fold.h"
#include "receiver/merge/sightings.h"
#include "receiver/merge/skip_set.h"
#include "receiver/merge/task_thread.h"
#include "receiver/queue/queue_batch.h"
#include "receiver/store/store.h"

/* One entry of the queue, merged inside a transaction that the caller began and will commit. */

typedef enum {
    ENTRY_MERGED,
    ENTRY_PIECE,     /* the time of the transaction was up: all before result->next is merged */
    ENTRY_DUPLICATE, /* its item was merged before: nothing was done */
    ENTRY_POISON,    /* it can never be merged: error says why; the transaction is as before it */
    ENTRY_UNMARKED,  /* the same, but its work is not undone: the caller rolls back, and merges all
                        of the transaction again with marks */
    ENTRY_STORE,     /* database or receiver lack something: the caller rolls back */
} entry_outcome;

/* What was done, for the log, the metrics and what is published of it. */
typedef struct {
    sh_envelope_header header;
    bool is_foreign; /* it was sealed with another key than the hub's */
    bool whole;      /* with it, all of its node's table is merged: its digest may be published */
    int64_t rows, inserted, known, skipped, set_aside;
    int64_t replaced;                /* values that could not be stored, of the inserted rows */
    char reason[SH_DEAD_REASON_MAX]; /* of the rows that were set aside, or had such values */
    /* Of an entry that is merged in several transactions: */
    bool is_piece;           /* it is not at its end */
    size_t next;             /* row, or line that is left of its result, with which to go on */
    int64_t recorded;        /* of inserted, by earlier transactions */
    sightings_range sighted; /* in this transaction */
    int64_t merged_ms;       /* as recorded of its node */
} entry_result;

typedef struct {
    skip_set *skip_macs;
    const char *plugins_out; /* folder, or "" */
    handover *handover;      /* NULL: no NetAlertX is the hub, or nothing is handed over to it */
    bool inserts; /* unknown devices; otherwise the hub makes them of what it is handed */
    char handed[QUEUE_ENTRY_ID_BYTES]; /* the entry that was handed over last, or "" */
    store *store;
    entry_opener *opener;
    side_thread *reader;
    sightings *sightings;              /* NULL: the database keeps no presence */
    bool marks;                        /* each entry is marked, so that it can be undone alone */
    sh_slice text;                     /* of the entry in hand; borrowed from the opener */
    char folded[QUEUE_ENTRY_ID_BYTES]; /* whose result fold is, or "" … */
    const char *folded_text;           /* … and where its lines are */
    result_fold fold;
    entry_result fold_counts; /* of its lines: rows, set_aside and reason */
    store_pace pace;
    int64_t until_ms; /* monotonic: then an entry is interrupted */
    int64_t now_ms;   /* of this transaction */
    char now[24];     /* the same as `YYYY-MM-DD HH:MM:SS` */
} entry_merger;

/*
 * *ret is zeroed, or what an earlier transaction left of an entry that it interrupted. next, where
 * it is not NULL, is the entry that will be merged after it: see entry_opener_open().
 */
entry_outcome entry_merge(entry_merger *m, const queue_entry *entry, const queue_entry *next,
                          entry_result *ret, sh_error *error);

/*
 * Does ahead of entry_merge() what needs no database: opens the entry and folds its result. For a
 * database whose lock somebody else waits for, to which it also hands the content over. SH_E_IO and
 * SH_E_MEMORY of the latter; what else fails is told by entry_merge().
 */
sh_err entry_prepare(entry_merger *m, const queue_entry *entry, sh_error *error);
void entry_prepared_free(entry_merger *m); /* of what was prepared, and of the entry in hand */

/* The two kinds of content; SH_OK, or the store's failure (SH_E_…), or SH_E_MEMORY. */
sh_err entry_merge_devices(entry_merger *m, entry_result *result, sh_error *error);
sh_err entry_merge_plugin(entry_merger *m, const queue_entry *entry, entry_result *result,
                          sh_error *error);

/*
 * The entry is ready to be merged: however long it took to open it, it gets some time of its own,
 * so that it comes to its end.
 */
void entry_begins_work(entry_merger *m);
/* Whether the entry must be interrupted now. */
bool entry_is_out_of_time(const entry_merger *m);

/* Keeps the first reasons why something is not stored as it came. */
void entry_keep_reason(entry_result *result, const char *what, int64_t number, const char *reason);
/* The same, and counts a row or line that is set aside. */
void entry_set_aside(entry_result *result, const char *what, int64_t number, const char *reason);

#endif
