/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_NODE_STATS_H
#define RECEIVER_NODE_STATS_H

#include "receiver/merge/merge_entry.h"

#include <stdbool.h>
#include <stddef.h>

/* The counters of a merged entry for its node. */
typedef struct {
    const queue_entry *entry;
    entry_result *result; /* sets whole; of a piece only inserted rows count */
} merged_table;

/*
 * Records the merged tables of a transaction, in the order of the merges, and the presence of their
 * devices. Call it immediately before the commit, as other receivers wait for a node's row until
 * then. Locks nodes in the order of their names, so that receivers do not deadlock.
 */
sh_err merge_record(const entry_merger *m, const merged_table tables[], size_t count,
                    sh_error *error);

#endif
