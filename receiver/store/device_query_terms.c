/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/store/device_query_terms.h"

#include "receiver/store/schema_presence_views.h"
#include "receiver/store/store_common.h"

#include <inttypes.h>
#include <string.h>

#define VIEW_FIELDS(character)                                                                     \
    "node || " character "(31) || present || " character "(31) || since_ms || " character          \
    "(31) || first_seen_ms || " character "(31) || last_connection_ms || " character               \
    "(31) || ip, " character "(30)"

#define PADDED(part) "lpad(split_part(\"devLastIP\", '.', " part "), 3, '0')"

#define NOCASE(sorted, compared)                                                                   \
    {                                                                                              \
        sorted " COLLATE NOCASE", compared " = ", " COLLATE NOCASE"                                \
    }
#define LOWER(sorted, compared)                                                                    \
    {                                                                                              \
        "lower(" sorted ")", "lower(" compared ") = lower(", ")"                                   \
    }

/*
 * SQLite reads the rows node by node, as they are stored, so that no node is looked up for each
 * row: s has the nodes that have rows, found by their index.
 */
#define SQLITE_WITH                                                                                \
    "WITH RECURSIVE s(node) AS (SELECT min(node) FROM \"SyncHub_Presence\" UNION ALL"              \
    " SELECT (SELECT min(p.node) FROM \"SyncHub_Presence\" AS p WHERE p.node > s.node)"            \
    " FROM s WHERE s.node IS NOT NULL) "
#define SQLITE_PRESENCE                                                                            \
    "(" NODE_PRESENCE(SQLITE_NOW_MS, "max", NODE_UNKNOWN_BY_THRESHOLDS(SQLITE_NOW_MS, "max"),      \
                      "s AS t LEFT JOIN \"SyncHub_Nodes\" AS n ON n.node = t.node CROSS JOIN"      \
                      " \"SyncHub_Presence\" AS p ON p.node = t.node") ")"

const device_dialect device_dialects[] = {
    [SCHEMA_SQLITE] = {.mac = "d.\"devMac\"",
                       .joined_mac = "e.\"devMac\"",
                       .mac_folded = NOCASE("d.\"devMac\"", "d.\"devMac\""),
                       .node_folded = NOCASE("d.\"devSyncHubNode\"", "e.\"devSyncHubNode\""),
                       .node_views = "group_concat(" VIEW_FIELDS("char") ")",
                       .ip_key = "ip_sort_key(d.\"devLastIP\")",
                       .with_presence = SQLITE_WITH,
                       .presence = SQLITE_PRESENCE,
                       .computed = " LIMIT -1",
                       .grouped = "+",
                       .in = "(SELECT value FROM json_each(",
                       .in_end = "))"},
    [SCHEMA_POSTGRES] =
        {.mac = "lower(d.\"devMac\")",
         .joined_mac = "lower(e.\"devMac\")",
         .mac_folded = LOWER("d.\"devMac\"", "d.\"devMac\""),
         .node_folded = LOWER("d.\"devSyncHubNode\"", "e.\"devSyncHubNode\""),
         .node_views = "string_agg(" VIEW_FIELDS("chr") " ORDER BY node)",
         .ip_key = "CASE WHEN \"devLastIP\" ~ '^[0-9]{1,3}([.][0-9]{1,3}){3}$'"
                   " THEN '4' || " PADDED("1") " || '.' || " PADDED("2") " || '.' || " PADDED(
                       "3") " || '.' || " PADDED("4") " ELSE '6' || \"devLastIP\" END",
         .with_presence = "",
         .presence = "\"SyncHub_NodePresence\"",
         .computed = "",
         .grouped = "",
         .in = "(SELECT unnest(",
         .in_end = "::text::bigint[]))"},
};

void device_sql_add(device_sql *b, const char *text)
{
    if (b->err == SH_OK)
        b->err = sh_buf_append_text(b->sql, text);
}

void device_sql_add_number(device_sql *b, int64_t number)
{
    if (b->err == SH_OK)
        b->err = sh_buf_append_format(b->sql, "%" PRId64, number);
}

/* A parameter by its number, which SQLite counts by first appearance: so they are added in order.
 */
void device_sql_add_place(device_sql *b, size_t number)
{
    device_sql_add(b, "$");
    device_sql_add_number(b, (int64_t)number);
}

bool device_sql_has_column(const device_sql *b, const char *name)
{
    size_t index = 0;
    return store_column_index(b->columns, b->column_count, name, &index);
}

/* --- Presence -------------------------------------------------------------------------------- */

/*
 * What the nodes of a device say, as numbers of which the largest decides: present since the
 * earliest time, or unknown or absent since the latest. Times have less than 52 bits.
 */
#define BIT_52 "4503599627370496"
#define THRICE_BIT_52 "13510798882111488"
#define DECISION                                                                                   \
    "CASE present WHEN 'yes' THEN " THRICE_BIT_52 " - 1 - since_ms"                                \
    " WHEN 'unknown' THEN " BIT_52 " + since_ms ELSE since_ms END"
#define STATE_OF(decision) "max(" decision ") / " BIT_52
#define SINCE_OF(decision)                                                                         \
    "CASE max(" decision ") / " BIT_52 " WHEN 2 THEN " THRICE_BIT_52 " - 1 - max(" decision        \
    ") ELSE max(" decision ") % " BIT_52 " END"
#define STATE STATE_OF(DECISION)

void device_sql_add_views(device_sql *b, const char *what)
{
    device_sql_add(b, "(SELECT ");
    device_sql_add(b, what);
    device_sql_add(b, " FROM \"SyncHub_NodePresence\" WHERE mac = ");
    device_sql_add(b, b->terms->mac);
    device_sql_add(b, b->query->node != NULL ? " AND node = $1" : "");
}

static const char *state_number(const char *present)
{
    return strcmp(present, "yes") == 0 ? "2" : strcmp(present, "no") == 0 ? "0" : "1";
}

void device_sql_add_present(device_sql *b, const char *present)
{
    if (!b->has_presence) {
        device_sql_add(b, device_sql_has_column(b, "devPresentLastScan")
                              ? "CASE d.\"devPresentLastScan\" WHEN 1 THEN 'yes' ELSE 'no' END = '"
                              : "'unknown' = '");
        device_sql_add(b, present); /* one of three constants */
        device_sql_add(b, "'");
        return;
    }
    if (b->is_grouped) {
        device_sql_add(b, "coalesce(a.state, 1) = ");
        device_sql_add(b, state_number(present));
        return;
    }
    /* Not EXISTS, of which PostgreSQL would make a join with the presence of all devices. */
    device_sql_add(b, "coalesce(");
    device_sql_add_views(b, STATE);
    device_sql_add(b, "), 1) = ");
    device_sql_add(b, state_number(present));
}

void device_sql_add_netalertx_first(device_sql *b)
{
    device_sql_add(
        b, device_sql_has_column(b, "devFirstConnection")
               ? "coalesce(CAST(strftime('%s', d.\"devFirstConnection\", 'utc') AS INTEGER), 0)"
                 " * 1000"
               : "0");
}

void device_sql_add_first_seen(device_sql *b, int64_t ms)
{
    if (!b->has_presence) {
        device_sql_add_netalertx_first(b);
        device_sql_add(b, " >= ");
        device_sql_add_number(b, ms);
        return;
    }
    device_sql_add(
        b, "d.rowid IN (SELECT e.rowid FROM \"SyncHub_Presence\" AS p JOIN \"Devices\" AS e ON ");
    device_sql_add(b, b->terms->joined_mac);
    device_sql_add(b, " = p.mac WHERE p.first_seen_ms >= ");
    device_sql_add_number(b, ms);
    /* The table, not its view, which PostgreSQL would read as a whole. */
    device_sql_add(b, ") AND NOT EXISTS (SELECT 1 FROM \"SyncHub_Presence\" AS q WHERE q.mac = ");
    device_sql_add(b, b->terms->mac);
    device_sql_add(b, b->query->node != NULL ? " AND q.node = $1" : "");
    device_sql_add(b, " AND q.first_seen_ms < ");
    device_sql_add_number(b, ms);
    device_sql_add(b, ")");
}

typedef struct {
    const char *column, *expression; /* of Devices; of presence: the key without any */
    const char *views;               /* of SyncHub_NodePresence */
    const char *grouped;             /* the same, of decision and time */
    const char *time;
} sort_key;

static const sort_key sort_keys[] = {
    [STORE_SORT_NAME] = {"devName", "lower(coalesce(d.\"devName\", ''))", NULL, "0", "0"},
    [STORE_SORT_VENDOR] = {"devVendor", "lower(coalesce(d.\"devVendor\", ''))", NULL, "0", "0"},
    [STORE_SORT_PRESENT] = {NULL, "1", STATE, STATE_OF("decision"), "0"},
    [STORE_SORT_SINCE] = {NULL, "0", SINCE_OF(DECISION), SINCE_OF("decision"), "0"},
    [STORE_SORT_FIRST_SEEN] = {NULL, "0", "min(first_seen_ms)", "min(time)", "first_seen_ms"},
    [STORE_SORT_LAST_SEEN] = {NULL, "0", "max(last_connection_ms)", "max(time)",
                              "last_connection_ms"},
    [STORE_SORT_IP] = {NULL, "", NULL, "0", "0"},
};

void device_sql_add_grouped(device_sql *b)
{
    const sort_key *key = &sort_keys[b->query->sort];
    bool decides = b->query->present != NULL || b->query->sort == STORE_SORT_PRESENT ||
                   b->query->sort == STORE_SORT_SINCE;
    bool is_stored = !decides && b->query->sort == STORE_SORT_FIRST_SEEN;
    device_sql_add(b, " LEFT JOIN (SELECT mac, ");
    device_sql_add(b, decides ? STATE_OF("decision") " AS state, " : "");
    device_sql_add(b, key->grouped);
    device_sql_add(b, " AS k FROM (SELECT mac, ");
    device_sql_add(b, decides ? DECISION " AS decision, " : "");
    device_sql_add(b, key->time);
    device_sql_add(b, " AS time FROM ");
    device_sql_add(b, is_stored ? "\"SyncHub_Presence\"" : b->terms->presence);
    device_sql_add(b, " AS v");
    device_sql_add(b, b->terms->computed);
    device_sql_add(b, ") AS c GROUP BY ");
    device_sql_add(b, b->terms->grouped);
    device_sql_add(b, "mac) AS a ON ");
    device_sql_add(b, b->terms->mac);
    device_sql_add(b, " = a.mac");
}

bool device_sql_add_key(device_sql *b)
{
    const sort_key *key = &sort_keys[b->query->sort];
    switch (b->query->sort) {
    case STORE_SORT_NONE:
        return false;
    case STORE_SORT_MAC:
        device_sql_add(b, b->terms->mac_folded.order);
        return true;
    case STORE_SORT_IP:
        device_sql_add(b, device_sql_has_column(b, "devLastIP") ? b->terms->ip_key : "''");
        return true;
    case STORE_SORT_NODE:
        if (!b->has_presence) /* NetAlertX's own devices have none: NULL */
            device_sql_add(b, device_sql_has_column(b, "devSyncHubNode")
                                  ? "coalesce(d.\"devSyncHubNode\", '') COLLATE NOCASE"
                                  : "''");
        else
            device_sql_add(b, b->terms->node_folded.order);
        return true;
    default:
        break;
    }
    if (key->views == NULL) {
        device_sql_add(b, device_sql_has_column(b, key->column) ? key->expression : "''");
    } else if (b->has_presence) {
        device_sql_add(b, "coalesce(");
        if (!b->is_grouped)
            device_sql_add_views(b, key->views);
        device_sql_add(b, b->is_grouped ? "a.k, " : "), ");
        device_sql_add(b, key->expression);
        device_sql_add(b, ")");
    } else if (b->query->sort == STORE_SORT_FIRST_SEEN) {
        device_sql_add_netalertx_first(b);
    } else {
        device_sql_add(b, b->query->sort == STORE_SORT_PRESENT &&
                                  device_sql_has_column(b, "devPresentLastScan")
                              ? "coalesce(d.\"devPresentLastScan\", 0)"
                              : "''");
    }
    return true;
}
