/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_MERGE_STATE_H
#define RECEIVER_MERGE_STATE_H

#include "libcommon/config/settings.h"
#include "receiver/hub/steady_clock.h"
#include "receiver/merge/blocklist.h"
#include "receiver/merge/claim_keeper.h"
#include "receiver/merge/consumer_name.h"
#include "receiver/merge/contact_recorder.h"
#include "receiver/merge/credentials_publication.h"
#include "receiver/merge/database_check.h"
#include "receiver/merge/entry_progress.h"
#include "receiver/merge/held_entries.h"
#include "receiver/merge/history.h"
#include "receiver/merge/merge_entry.h"
#include "receiver/merge/merge_key_check.h"
#include "receiver/merge/node_metrics_reader.h"
#include "receiver/merge/settings_publication.h"
#include "receiver/merge/threshold_settings.h"
#include "receiver/queue/dead_letter_add.h"
#include "receiver/queue/queue_outcome.h"

#define BATCH_ENTRIES 64 /* entries in one transaction at most */
#define BATCH_ENTRIES_MOST (BATCH_ENTRIES + 8)
#define BATCH_BYTES (4 * SH_MIB) /* stop taking entries at this size of their envelopes */

/* An entry of the current batch, and its result. */
typedef struct {
    const queue_entry *entry;
    int64_t deliveries;
    bool has_node;
    uint64_t node;      /* hash, as in held_entries */
    uint32_t plain_len; /* length of its text, by its header */
    int64_t took_ms;
    entry_outcome outcome;
    entry_result result;
    char reason[SH_DEAD_REASON_MAX];
    bool is_hubs_fault; /* the hub caused the failure */
    bool is_finished;   /* by merge_side_by_side() */
} merged;

/* The current batch: entries that were taken and are not finished, in the order of the queue. */
typedef struct {
    queue_batch *batch; /* which they borrow from */
    merged *all;        /* allocated */
    size_t first, count;
    size_t bytes; /* size of their envelopes when they were taken */
} hand;

/* Entries of the batch that share a transaction. */
typedef struct {
    merged *all;
    size_t count;     /* at most */
    bool suspect;     /* a single entry that may crash receivers */
    size_t tried;     /* number of entries with an outcome */
    bool late;        /* out of time before the last one was finished */
    int64_t begun_ms; /* monotonic */
} portion;

/* When contacts are recorded; monotonic times in ms. */
typedef struct {
    int64_t handed_ms; /* when contacts were last handed over to NetAlertX */
    int64_t begun_ms;  /* when the last pass began; 0: none since the database was opened */
    int64_t looked_ms; /* when the last series of runs began, with or without a pass; 0: none */
    int64_t next_ms;   /* no run before */
    bool more;         /* another run must follow */
} contact_times;

/* See merge_workers.h. */
typedef struct merge_workers merge_workers;

/* The state of the merge loop, for merge.c and the files named below. */
typedef struct merge merge;
struct merge {
    const sh_settings *settings;
    entry_merger merger;
    merge_workers *workers;
    sh_queue *queue;
    queue_reader *reader;
    claim_keeper *claims;
    key_check key;
    char consumer[CONSUMER_NAME_BYTES];
    int consumer_fd;
    char advice[STORE_ADVICE_BYTES]; /* last logged advice */
    bool published;                  /* the database's digests are published */
    int64_t deleted_ms;              /* monotonic: last deletion of old records, or start */
    bool has_deleted;
    bool until_empty; /* see merge_run() */
    contact_recorder *recorder;
    contact_times contacts;
    node_metrics *node_metrics;
    int64_t active_ms;     /* monotonic: when this receiver last showed that it merges; 0: never */
    bool warned_no_folder; /* that SYNC_plugins_out is not set */
    steady_clock clock;
    database_check database;
    credentials_publication publication;
    settings_publication settings_published;
    threshold_settings thresholds;
    bool rules_noted; /* in the database: … */
    uint8_t rules[SH_DIGEST_BYTES];
    blocklist blocklist;
    hand hand;                 /* kept and retried after a failure */
    held_entries held;         /* entries of nodes whose entries take long */
    entry_progress progress;   /* of the batch's and held entries */
    history history;           /* since it was written last */
    int64_t unlocked_until_ms; /* monotonic: leave the database unlocked until then */
    /* The entry whose attempt was counted and has not ended, or "". */
    char counted[QUEUE_ENTRY_ID_BYTES];
    int busy; /* consecutive SH_E_BUSY failures */
};

/* --- merge_batch.c */

/*
 * Makes a batch the current one, which must be empty, and takes ownership. Omits entries that are
 * already held. SH_E_MEMORY.
 */
sh_err merge_hand_fill(merge *m, queue_batch *batch, sh_error *error);
void merge_hand_free(hand *h);

/*
 * Merges the current batch in as many transactions as necessary; *any: there was one. Holds entries
 * of slow nodes instead. After a failure the rest stays in the batch.
 */
sh_err merge_hand(merge *m, bool *any, sh_error *error);

/*
 * Holds entries of nodes that have held entries, or that made a portion late (NULL: none did), so
 * that one node does not delay others.
 */
sh_err merge_hold_slow(merge *m, const portion *late, sh_error *error);

/* Whether an entry may have crashed receivers. */
bool merge_is_suspect(const merged *one);

/* Merges held entries of one node in one transaction. */
sh_err merge_held(merge *m, sh_error *error);

/*
 * Undoes the count of an attempt that ended without the entry's fault; retries later if that fails.
 */
sh_err merge_take_back_count(merge *m, sh_error *error);

/* --- merge_transaction.c */

/* Merges as many entries as fit into one transaction. SH_OK: it is committed. */
sh_err merge_transact(merge *m, portion *p, sh_error *error);

/* Sets the time of the next transaction, and its pace. */
void merge_note_time(merge *m);

/*
 * Inside a transaction: merges entries, as many as fit, records and commits them. *again: repeat
 * it with savepoints, as one entry failed.
 */
sh_err merge_entries(entry_merger *merger, const entry_progress *progress, portion *p, bool *again,
                     sh_error *error);

/*
 * Reads the blocklist and SYNC_skip_macs if they were changed, and notes the rules in the database.
 * Call it outside a transaction.
 */
sh_err merge_look_at_blocklist(merge *m, sh_error *error);

/* --- merge_workers.c */

/* Sets m->workers, also after an error; borrows the keys. SH_E_MEMORY. */
sh_err merge_workers_new(merge *m, const hub_secrets *keys, sh_error *error);
void merge_workers_free(merge_workers *s);  /* NULL is accepted */
void merge_workers_close(merge_workers *s); /* closes their connections; NULL is accepted */

/*
 * Closes connections that failed; they are made again later. SH_E_IO if the database was restored
 * to an earlier state than a worker has seen.
 */
sh_err merge_workers_check(merge_workers *s, sh_error *error);

/* --- merge_side_by_side.c */

/* Whether the database allows several transactions at once. */
bool merge_is_concurrent(const merge *m);

/*
 * Merges the first entries, those that allow it, in several transactions at once, acknowledges them
 * and sets is_finished, also if it fails. *any: a transaction was committed; if none was, they have
 * to be merged in the usual way. Of entries of one node, and of those with a new device in common,
 * the first one is merged first. At most BATCH_ENTRIES_MOST.
 */
sh_err merge_side_by_side(merge *m, merged all[], size_t count, bool *any, sh_error *error);

/* Then, once the current batch is without finished entries: see merge_hold_slow(). */
sh_err merge_hold_late(merge *m, sh_error *error);

/* --- merge_activity.c */

/* Notes the thresholds of nodes' states in the database after a change of them. */
sh_err merge_note_thresholds(merge *m, sh_error *error);

/* Shows every two seconds that this receiver merges. */
sh_err merge_show_activity(merge *m, sh_error *error);
/* Counts what a transaction has committed. */
void merge_count_history(merge *m, const portion *p);
/* Writes the figures of this hour once a minute, or at once. */
sh_err merge_write_history(merge *m, bool at_once, sh_error *error);

/* --- merge_contacts.c */

/* Presence lasts for one scan of a NetAlertX hub, so unchanged tables are handed over, too. */
sh_err merge_hand_over_contacts(merge *m, sh_error *error);

/*
 * Records contacts and reports of nodes, if a run is due. A pass over all contacts begins every ten
 * seconds; between its runs there is a pause as long as the last one took, so that merging has half
 * of the time, except with until_empty. Leaves a database that is shared as long unlocked. After an
 * error it waits for ten seconds.
 */
sh_err merge_record_contacts(merge *m, sh_error *error);

/* How long to wait for entries: most_ms, or during a pass until its next run is due. */
int64_t merge_contacts_block_ms(const merge *m, int64_t most_ms);

/* The database was closed: the next pass begins when it is open again, with all contacts. */
void merge_contacts_forget(merge *m);

/* --- merge_acknowledge.c */

/* Acknowledges merged entries, and moves those that can never be merged to the dead letters. */
sh_err merge_acknowledge(merge *m, const portion *p, sh_error *error);

/* --- merge_digests.c */

/*
 * Publishes the digests of the nodes' last tables, once after each opening of the database: another
 * or a restored one must lead to full tables, so its own record replaces Redis's.
 */
sh_err merge_publish_digests(merge *m, sh_error *error);

#endif
