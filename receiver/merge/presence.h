/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_PRESENCE_H
#define RECEIVER_PRESENCE_H

#include "receiver/merge/sightings.h"
#include "receiver/store/store.h"

/*
 * Compares what a node's table says of presence with the database, and writes the rows that differ:
 * a device that is new to the node, that came or went, or whose address changed. A device that the
 * node saw before and that is missing in a whole table is absent.
 */
typedef struct {
    const char *node; /* locked by store_node_lock() */
    const sightings *from;
    sightings_range range;
    int64_t now_ms;
    int64_t contact_ms; /* of the node, before this table: a device that went was present then */
    bool is_whole;      /* with it, the whole table is known … */
    const store_part *last_part; /* … of which this was the last part; NULL: it was not cut */
} presence_table;

sh_err presence_update(store *s, const presence_table *table, sh_error *error);

#endif
