/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_MERGE_ENTRY_H
#define RECEIVER_MERGE_ENTRY_H

#include "libcommon/native/envelope.h"
#include "receiver/merge/entry_decoder.h"
#include "receiver/merge/last_result_files.h"
#include "receiver/merge/result_deduplication.h"
#include "receiver/merge/sightings.h"
#include "receiver/merge/skip_rules.h"
#include "receiver/merge/task_thread.h"
#include "receiver/queue/queue_batch.h"
#include "receiver/store/store.h"

/* Merges one entry of the queue, inside a transaction that the caller began and will commit. */

typedef enum {
    ENTRY_MERGED,
    ENTRY_PIECE,        /* out of time: everything before result->next is merged */
    ENTRY_DUPLICATE,    /* its item was merged before; nothing was done */
    ENTRY_POISON,       /* it can never be merged (see error), and was rolled back */
    ENTRY_NO_SAVEPOINT, /* the same, not rolled back: repeat the transaction with savepoints */
    ENTRY_STORE,        /* database or receiver failed: the caller rolls back */
} entry_outcome;

/* The result of an entry, for log, metrics and digests. */
typedef struct {
    sh_envelope_header header;
    bool is_foreign; /* sealed with another key than the hub's */
    bool is_refused; /* authentic, but its content is invalid */
    bool whole;      /* the node's whole table is merged now, so publish its digest */
    int64_t rows, inserted, known, skipped, set_aside;
    int64_t replaced;                /* values that could not be stored, of the inserted rows */
    char reason[SH_DEAD_REASON_MAX]; /* of rows that were rejected, or had such values */
    /* For an entry that is merged in several transactions: */
    bool is_piece;           /* not completely merged */
    size_t next;             /* row of the table, or line of the folded result, to continue with */
    int64_t recorded;        /* part of inserted that earlier transactions recorded */
    sightings_range sighted; /* in this transaction */
    int64_t merged_ms;       /* as recorded of its node */
} entry_result;

typedef struct {
    const skip_rules *skip_macs;
    const char *plugins_out;              /* folder, or "" */
    last_result_files *last_result_files; /* NULL: do not hand over anything */
    bool inserts;                         /* insert unknown devices; otherwise NetAlertX does */
    char handed[QUEUE_ENTRY_ID_BYTES];    /* the last entry handed over, or "" */
    store *store;
    entry_decoder *opener;
    task_thread *reader;
    sightings seen;                    /* of the transaction */
    sightings *sightings;              /* the same; NULL: the database keeps no presence */
    bool savepoints;                   /* a savepoint for each entry, to roll it back separately */
    sh_slice text;                     /* text of the current entry; borrowed from opener */
    char folded[QUEUE_ENTRY_ID_BYTES]; /* entry of fold, or "" … */
    const char *folded_text;           /* … and the text that its lines borrow from */
    result_fold fold;
    entry_result fold_counts; /* rows, set_aside and reason of its lines */
    store_pace pace;
    int64_t until_ms; /* monotonic: when to interrupt an entry */
    int64_t now_ms;   /* time of this transaction */
    char now[24];     /* the same as `YYYY-MM-DD HH:MM:SS` */
} entry_merger;

/*
 * *ret is zeroed, or the result of an earlier transaction that was interrupted. For the next
 * entries see entry_decoder_decode().
 */
entry_outcome entry_merge(entry_merger *m, const queue_entry *entry, const entries_ahead *next,
                          entry_result *ret, sh_error *error);

/*
 * Does the work of entry_merge() that needs no database in advance: decodes the entry and folds its
 * result. For a NetAlertX database, whose lock NetAlertX waits for; also hands over the content.
 * SH_E_IO and SH_E_MEMORY of the last_result_files; entry_merge() reports other failures.
 */
sh_err entry_prepare(entry_merger *m, const queue_entry *entry, sh_error *error);
void entry_prepared_free(entry_merger *m); /* frees prepared data and the current entry's text */

/* Merge the two kinds of content. SH_OK, an error of the store, or SH_E_MEMORY. */
sh_err entry_merge_devices(entry_merger *m, entry_result *result, sh_error *error);
sh_err entry_merge_plugin(entry_merger *m, const queue_entry *entry, entry_result *result,
                          sh_error *error);

/*
 * Starts merging the decoded entry: gives it a minimum of time, however long decoding took, so that
 * it makes progress.
 */
void entry_begins_work(entry_merger *m);
/* Whether the entry must be interrupted now. */
bool entry_is_out_of_time(const entry_merger *m);

/* Records the first reasons why something is not stored unchanged. */
void entry_keep_reason(entry_result *result, const char *what, int64_t number, const char *reason);
/* The same, and counts a rejected row or line. */
void entry_set_aside(entry_result *result, const char *what, int64_t number, const char *reason);

#endif
