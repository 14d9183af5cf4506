/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_PRESENCE_H
#define RECEIVER_PRESENCE_H

#include "receiver/merge/sightings.h"
#include "receiver/store/store.h"

/*
 * Compares the presence of devices in a node's table with the database, and writes rows that
 * differ: devices that are new to the node, appeared, disappeared, or changed their address. A
 * known device that is missing in a whole table is absent.
 */
typedef struct {
    const char *node; /* locked with store_node_lock() */
    const sightings *from;
    sightings_range range;
    int64_t now_ms;
    int64_t contact_ms; /* the node's previous contact: last time of devices that disappeared */
    bool is_whole;      /* the whole table is known … */
    const store_part *last_part; /* … of which this was the last part; NULL: it has no parts */
} presence_table;

sh_err presence_update(store *s, const presence_table *table, sh_error *error);

#endif
