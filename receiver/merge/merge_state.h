/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_MERGE_STATE_H
#define RECEIVER_MERGE_STATE_H

#include "libcommon/config/settings.h"
#include "receiver/hub/steady_clock.h"
#include "receiver/merge/claim_keeper.h"
#include "receiver/merge/consumer_name.h"
#include "receiver/merge/contact_recorder.h"
#include "receiver/merge/database_check.h"
#include "receiver/merge/entry_progress.h"
#include "receiver/merge/held_entries.h"
#include "receiver/merge/key_check.h"
#include "receiver/merge/merge_entry.h"
#include "receiver/queue/queue_outcome.h"

#define BATCH_ENTRIES 64 /* entries of one transaction at most */
#define BATCH_ENTRIES_MOST (BATCH_ENTRIES + 8)
#define BATCH_BYTES (4 * SH_MIB) /* and no more once they have so many sealed bytes */

/* An entry in hand, and what became of it. */
typedef struct {
    const queue_entry *entry;
    int64_t deliveries;
    bool has_node;
    uint64_t node;      /* as in held_entries */
    uint32_t plain_len; /* of its text, as its header says */
    int64_t took_ms;
    entry_outcome outcome;
    entry_result result;
    char reason[SH_DEAD_REASON_MAX];
    bool is_hubs_fault; /* what the reason tells of */
} merged;

/* Entries that were taken and are not done; in the order of the queue. */
typedef struct {
    queue_batch *batch; /* what they borrow from */
    merged *all;        /* allocated */
    size_t first, count;
    size_t bytes; /* of their envelopes, when they were taken */
} hand;

/* Entries in hand that stand in one transaction. */
typedef struct {
    merged *all;
    size_t count;     /* at most */
    bool suspect;     /* one alone, that may be what ends receivers */
    size_t tried;     /* that have an outcome */
    bool late;        /* the time was up before the last one was done */
    int64_t begun_ms; /* monotonic */
} portion;

/* The state of the merge loop: of merge.c, and of the other files that are named below. */
typedef struct merge merge;
struct merge {
    const sh_settings *settings;
    entry_merger merger;
    sh_queue *queue;
    queue_reader *reader;
    claim_keeper *claims;
    key_check key;
    char consumer[CONSUMER_NAME_BYTES];
    int consumer_fd;
    char advice[STORE_ADVICE_BYTES]; /* that was logged last */
    bool published;                  /* what the database holds stands in the queue's digests */
    int64_t tidied_ms;
    int64_t contacts_ms; /* monotonic: when contacts were last looked at */
    contact_recorder *recorder;
    int64_t recorded_ms;   /* monotonic: when contacts were last recorded */
    bool warned_no_folder; /* that a NetAlertX hub is handed nothing */
    steady_clock clock;
    database_check database;
    hand hand;                 /* kept after a failure, and tried again */
    held_entries held;         /* entries of nodes whose entries take long */
    entry_progress progress;   /* of the entries in hand or held */
    sightings sightings;       /* of the transaction */
    int64_t unlocked_until_ms; /* monotonic: until then the database is left to others */
    /* The entry whose try is counted and not over, or "". */
    char counted[QUEUE_ENTRY_ID_BYTES];
    int busy; /* failures of SH_E_BUSY in a row */
};

/* --- merge_batch.c */

/*
 * Takes a batch into the empty hand, which owns it from then on. Entries that are held already are
 * left out. SH_E_MEMORY.
 */
sh_err merge_hand_fill(merge *m, queue_batch *batch, sh_error *error);
void merge_hand_free(hand *h);

/*
 * Merges what is in hand, in as many transactions as it takes; *any tells whether there was one.
 * Entries of nodes whose entries take long are held instead. After a failure the rest is in hand.
 */
sh_err merge_hand(merge *m, bool *any, sh_error *error);

/* One transaction for the held entries of one node. */
sh_err merge_held(merge *m, sh_error *error);

/* A counted try that ended by what is not the entry's fault is taken back, later where need be. */
sh_err merge_take_back_count(merge *m, sh_error *error);

/* --- merge_transaction.c */

/* Merges as many entries as fit into one transaction. SH_OK: it is committed. */
sh_err merge_transact(merge *m, portion *p, sh_error *error);

/* --- merge_acknowledge.c */

/* Acknowledges the entries that are done, and moves those that never can be to the dead letters. */
sh_err merge_acknowledge(merge *m, const portion *p, sh_error *error);

/* --- merge_publish.c */

/*
 * Publishes the digests of the nodes' last tables, once after each opening of the database: another
 * or a restored one must lead to full tables, so its own record replaces Redis's.
 */
sh_err merge_publish_digests(merge *m, sh_error *error);

#endif
