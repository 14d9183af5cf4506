/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_MERGE_WORKERS_H
#define RECEIVER_MERGE_WORKERS_H

#include "receiver/merge/entry_groups.h"
#include "receiver/merge/merge_state.h"

/*
 * Connections to the database and their threads, for merge_side_by_side.c. The first worker is the
 * merge loop itself. The others exist only for a database that several connections can write at the
 * same time; they start and connect when they are needed first. They wait for the server most of
 * the time, so their number does not depend on this machine's cores.
 */

#define MERGE_WORKERS 4
_Static_assert(MERGE_WORKERS <= HELD_NODES_MAX, "each may merge held entries of a node");

typedef struct {
    merge *m;
    entry_merger *merger; /* the first worker's is that of the merge loop */
    entry_merger own;     /* of the others */
    task_thread *thread;  /* NULL: the thread of the merge loop */
    side_task task;
    /* Of the current batch: */
    merged *all; /* BATCH_ENTRIES_MOST: its entries, in the order of the queue */
    size_t places[BATCH_ENTRIES_MOST]; /* in the batch */
    portion portion;
    table_keys devices;
    size_t unfit; /* the first entry that cannot be merged together with others */
    bool again;   /* its entries must be merged in the usual way */
    sh_err err;
    sh_error error;
} merge_worker;

struct merge_workers {
    merge_worker all[MERGE_WORKERS];
    size_t connected;                 /* the first ones of all */
    int64_t tried_ms;                 /* monotonic: last attempt to connect; 0: never */
    size_t homes[BATCH_ENTRIES_MOST]; /* the worker of each entry's node */
    entry_groups groups;
    table_keys devices;
    const hub_secrets *keys; /* borrowed */
};

/* Makes missing connections, at intervals. Fewer of them are only slower. */
void merge_workers_connect(merge_workers *s);

/* Runs a task on each connected worker that has entries, and waits for all. */
void merge_workers_run(merge_workers *s, void (*run)(void *worker));

#endif
