/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_NODE_STATS_H
#define RECEIVER_NODE_STATS_H

#include "receiver/merge/merge_entry.h"

#include <stdbool.h>
#include <stddef.h>

/* An entry that was merged, or whose content was rejected. */
typedef struct {
    const queue_entry *entry;
    entry_result *result; /* sets whole; of a piece only inserted rows count */
    const char *refused;  /* why the content was rejected; NULL: it was not */
} merged_entry;

/*
 * Records the entries of a transaction in the order of the merges: the counters of merged tables
 * and the presence of their devices, and whether a node's content was rejected. Call it immediately
 * before the commit, as other receivers wait for a node's row until then. Locks nodes in the order
 * of their names, so that receivers do not deadlock.
 */
sh_err merge_record(const entry_merger *m, const merged_entry entries[], size_t count,
                    sh_error *error);

#endif
