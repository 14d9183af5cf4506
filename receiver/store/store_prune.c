/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/store/store_prune.h"

/*
 * Selects rows by time, so that no statement depends on the tables' keys: all up to the time of the
 * last one to delete. Few rows have the same time.
 */
/* clang-format's versions differ about braces in macros. */
/* clang-format off */
#define UP_TO(table, order, count)                                                                 \
    "merged_ms <= (SELECT max(merged_ms) FROM (SELECT merged_ms FROM \"" table "\" " order         \
    " ORDER BY merged_ms LIMIT " count ") AS oldest)"

#define BY_TIME(table)                                                                             \
    {                                                                                              \
        .count = "SELECT count(*) FROM \"" table "\"",                                             \
        .forget = "DELETE FROM \"" table "\" WHERE merged_ms < $1 AND " UP_TO(table, "", "$2"),    \
        .oldest = "DELETE FROM \"" table "\" WHERE " UP_TO(table, "", "$1"),                       \
    }
/* clang-format on */

/*
 * The nodes to delete: by age, unless an operator expects them or noted something, and over the
 * limit. A node that is in contact would be recorded again, so it goes last.
 */
#define OLD_NODES                                                                                  \
    "inserted = 0 AND merged_ms < $1 AND last_contact_ms < $1 AND problem_seen_ms < $1"            \
    " AND expected_ms = 0 AND labels = '' AND note = '' AND " UP_TO("SyncHub_Nodes",               \
                                                                    "WHERE inserted = 0", "$2")
#define OLDEST_NODES                                                                               \
    "node IN (SELECT node FROM \"SyncHub_Nodes\" ORDER BY inserted > 0, expected_ms > 0,"          \
    " CASE WHEN last_contact_ms > merged_ms THEN last_contact_ms ELSE merged_ms END LIMIT $1)"
#define PRESENCE_OF(nodes)                                                                         \
    "DELETE FROM \"SyncHub_Presence\" WHERE node IN (SELECT node FROM \"SyncHub_Nodes\" "          \
    "WHERE " nodes ")"

#define OLDEST_PRESENCE " FROM \"SyncHub_Presence\" ORDER BY present <> 0, since_ms LIMIT $1"

const store_prune_table store_prune_tables[PRUNE_TABLES] = {
    [PRUNE_ITEMS] = BY_TIME("SyncHub_Items"),
    [PRUNE_PARTS] = BY_TIME("SyncHub_Parts"),
    [PRUNE_NODES] =
        {
            .count = "SELECT count(*) FROM \"SyncHub_Nodes\"",
            .forget_first = PRESENCE_OF(OLD_NODES),
            .forget = "DELETE FROM \"SyncHub_Nodes\" WHERE " OLD_NODES,
            .oldest_first = PRESENCE_OF(OLDEST_NODES),
            .oldest = "DELETE FROM \"SyncHub_Nodes\" WHERE " OLDEST_NODES,
        },
    [PRUNE_PRESENCE] =
        {
            .count = "SELECT count(*) FROM \"SyncHub_Presence\"",
            /* What the nodes' tables say is then no longer what is recorded of them. */
            .oldest_first = "UPDATE \"SyncHub_Nodes\" SET presence_fingerprint = 0"
                            " WHERE node IN (SELECT node" OLDEST_PRESENCE ")",
            .oldest = "DELETE FROM \"SyncHub_Presence\" WHERE (node, mac) IN (SELECT node, "
                      "mac" OLDEST_PRESENCE ")",
        },
};

const char store_prune_fullest_node[] =
    "SELECT node, count(*) FROM \"SyncHub_Items\" WHERE node <> '' GROUP BY node"
    " HAVING count(*) > $1 ORDER BY 2 DESC LIMIT 1";

const char store_prune_oldest_of_node[] =
    "DELETE FROM \"SyncHub_Items\" WHERE node = $1 AND " UP_TO("SyncHub_Items", "WHERE node = $1",
                                                               "$2");

int store_prune_count(const store *s)
{
    return store_has_presence(s) ? PRUNE_TABLES : PRUNE_PRESENCE;
}

void store_prune_limits(const store_limits *limits, int table, int64_t *before_ms, int64_t *max)
{
    const int64_t most[PRUNE_TABLES] = {[PRUNE_ITEMS] = limits->items_max,
                                        [PRUNE_PARTS] = limits->parts_max,
                                        [PRUNE_NODES] = limits->nodes_max,
                                        [PRUNE_PRESENCE] = limits->presence_max};
    const int64_t before[PRUNE_TABLES] = {[PRUNE_ITEMS] = limits->items_before_ms,
                                          [PRUNE_PARTS] = limits->items_before_ms,
                                          [PRUNE_NODES] = limits->nodes_before_ms};
    *before_ms = before[table];
    *max = most[table];
}

int64_t store_prune_excess(int64_t count, int64_t max, bool *more)
{
    int64_t excess = count > max ? count - max : 0;
    *more = *more || excess > STORE_PRUNE_ROWS;
    return excess < STORE_PRUNE_ROWS ? excess : STORE_PRUNE_ROWS;
}
