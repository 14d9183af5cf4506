/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_HELD_ENTRIES_H
#define RECEIVER_HELD_ENTRIES_H

#include "libcommon/base/error.h"
#include "libcommon/crypto/crypto.h"
#include "receiver/queue/queue_batch.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * Pending entries that wait: those of nodes whose entries take long, so that other nodes' entries
 * are merged in between. Only their ids are stored; they are fetched again at their turn. Entries
 * of one node keep their order. A zeroed one is empty.
 */
typedef struct {
    char id[QUEUE_ENTRY_ID_BYTES];
    int64_t deliveries;
    uint64_t node; /* a keyed hash of its name */
} held_entry;

typedef struct {
    held_entry *entries; /* in the order in which they were held */
    size_t count, capacity;
    uint64_t last_node; /* the first node of the last turn */
    bool has_key;
    uint8_t key[SH_SHORT_KEY_BYTES];
} held_entries;

void held_entries_free(held_entries *h); /* leaves it empty */

/* Gets the node of an entry's envelope; false if it has none. */
bool held_entries_node_of(held_entries *h, const queue_entry *entry, uint64_t *ret);

bool held_entries_has_node(const held_entries *h, uint64_t node);
bool held_entries_has_id(const held_entries *h, const char *id);

/* Appends an entry. SH_E_MEMORY. */
sh_err held_entries_add(held_entries *h, const queue_entry *entry, uint64_t node, sh_error *error);

#define HELD_NODES_MAX 4 /* nodes of one turn */

/*
 * Selects up to count_max entries of up to nodes_max nodes, the first one of each, then the second
 * ones, and returns their number. The next turn begins with the node after the first one of this
 * turn, so that each node is at some time the first one, whose entry is always tried. The ids are
 * borrowed until the next change.
 */
size_t held_entries_pick(held_entries *h, size_t nodes_max, size_t count_max, const char *ret[]);

/* The index of an entry; false if it is not held. */
bool held_entries_find(const held_entries *h, const char *id, size_t *ret);
void held_entries_remove(held_entries *h, const char *id);

#endif
