/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/store/device_candidates.h"

#include "receiver/store/schema_presence_views.h"

#include <inttypes.h>
#include <string.h>

#define LIST_MAX ((size_t)DEVICE_CANDIDATES_MAX * 24)

/* The joins are written in the order in which SQLite makes them. */
#define ABSENT(now, greatest, mac)                                                                 \
    "SELECT e.rowid FROM \"SyncHub_Presence\" AS p CROSS JOIN \"SyncHub_Nodes\" AS n"              \
    " CROSS JOIN \"Devices\" AS e WHERE p.present <> 1 AND p.present = 0 AND n.node = p.node"      \
    " AND " mac " = p.mac AND NOT (" NODE_UNKNOWN_BY_THRESHOLDS(now, greatest) ")"

#define OF_NODES(mac)                                                                              \
    "SELECT e.rowid FROM \"SyncHub_Nodes\" AS n CROSS JOIN \"SyncHub_Presence\" AS p"              \
    " CROSS JOIN \"Devices\" AS e WHERE p.node = n.node AND " mac " = p.mac AND "
#define PRESENT(now, greatest, mac)                                                                \
    OF_NODES(mac) "p.present = 1 AND NOT (" NODE_UNKNOWN_BY_THRESHOLDS(now, greatest) ")"

/* Of unknown nodes; unknown to a node; of nodes without a record; seen by no node. */
#define UNKNOWN(now, greatest, mac)                                                                \
    "WITH RECURSIVE s(node) AS (SELECT min(node) FROM \"SyncHub_Presence\" UNION ALL"              \
    " SELECT (SELECT min(p.node) FROM \"SyncHub_Presence\" AS p WHERE p.node > s.node)"            \
    " FROM s WHERE s.node IS NOT NULL) " OF_NODES(mac) "(" NODE_UNKNOWN_BY_THRESHOLDS(             \
        now, greatest) ") UNION ALL SELECT e.rowid FROM \"SyncHub_Presence\" AS p"                 \
                       " CROSS JOIN \"Devices\" AS e WHERE p.present <> 1"                         \
                       " AND p.present NOT IN (0, 1) AND " mac " = p.mac"                          \
                       " UNION ALL SELECT e.rowid FROM s"                                          \
                       " CROSS JOIN \"SyncHub_Presence\" AS p"                                     \
                       " CROSS JOIN \"Devices\" AS e WHERE p.node = s.node"                        \
                       " AND " mac " = p.mac AND NOT EXISTS (SELECT 1"                             \
                       " FROM \"SyncHub_Nodes\" AS n WHERE n.node = s.node)"                       \
                       " UNION ALL SELECT e.rowid FROM \"Devices\" AS e"                           \
                       " WHERE NOT EXISTS (SELECT 1 FROM \"SyncHub_Presence\" AS q"                \
                       " WHERE q.mac = " mac ")"

#define SQLITE_MAC "e.\"devMac\""
#define POSTGRES_MAC "lower(e.\"devMac\")"

static const struct {
    const char *present, *in[2]; /* by dialect */
} statements[] = {
    {"yes",
     {PRESENT(SQLITE_NOW_MS, "max", SQLITE_MAC),
      PRESENT(POSTGRES_NOW_ONCE_MS, "greatest", POSTGRES_MAC)}},
    {"no",
     {ABSENT(SQLITE_NOW_MS, "max", SQLITE_MAC),
      ABSENT(POSTGRES_NOW_ONCE_MS, "greatest", POSTGRES_MAC)}},
    {"unknown",
     {UNKNOWN(SQLITE_NOW_MS, "max", SQLITE_MAC),
      UNKNOWN(POSTGRES_NOW_ONCE_MS, "greatest", POSTGRES_MAC)}},
};

/* The other filters are answered by indexes. */
bool device_candidates_help(const store *s, const store_device_query *query)
{
    return query->present != NULL && query->node == NULL && query->mac == NULL &&
           query->first_seen_ms == 0 && store_has_presence(s);
}

sh_err device_candidates_build(schema_dialect dialect, const char *present, sh_buf *sql)
{
    for (size_t i = 0; i < sizeof statements / sizeof statements[0]; i++)
        if (strcmp(statements[i].present, present) == 0)
            return sh_buf_append_format(sql, "%s LIMIT %d", statements[i].in[dialect],
                                        DEVICE_CANDIDATES_MAX + 1);
    return SH_E_LIMIT;
}

sh_err device_candidates_add(device_candidates *c, schema_dialect dialect, int64_t rowid)
{
    if (c->count++ >= DEVICE_CANDIDATES_MAX)
        return SH_OK;
    c->list.limit = LIST_MAX;
    return sh_buf_append_format(&c->list, "%s%" PRId64,
                                c->count > 1               ? ","
                                : dialect == SCHEMA_SQLITE ? "["
                                                           : "{",
                                rowid);
}

sh_err device_candidates_end(device_candidates *c, schema_dialect dialect, const char **ret)
{
    static const char *const none[] = {"[]", "{}"}, *const ends[] = {"]", "}"};
    *ret = c->count == 0 ? none[dialect] : NULL;
    if (c->count == 0 || c->count > DEVICE_CANDIDATES_MAX)
        return SH_OK;
    sh_err err = sh_buf_append_text(&c->list, ends[dialect]);
    *ret = c->list.data;
    return err;
}

void device_candidates_reset(device_candidates *c)
{
    sh_buf_reset(&c->list);
    c->count = 0;
}
