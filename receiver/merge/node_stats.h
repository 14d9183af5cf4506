/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_MERGE_RECORD_H
#define RECEIVER_MERGE_RECORD_H

#include "receiver/merge/merge_entry.h"

#include <stdbool.h>
#include <stddef.h>

/* A merged entry of a batch, as far as its node's counts go. */
typedef struct {
    const queue_entry *entry;
    entry_result *result; /* whole is told in it; of a piece the inserted rows alone count */
} merged_table;

/*
 * Records the merged tables of a transaction, given in the order in which they were merged, and
 * what they say of presence, immediately before the commit: other receivers wait for a node's row
 * until then. Nodes come in the order of their names, so that no two receivers wait for each other.
 */
sh_err merge_record(const entry_merger *m, const merged_table tables[], size_t count,
                    sh_error *error);

#endif
