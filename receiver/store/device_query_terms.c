/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/store/device_query_terms.h"

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

const device_dialect device_dialects[] = {
    [SCHEMA_SQLITE] = {.mac = "d.\"devMac\"",
                       .joined_mac = "e.\"devMac\"",
                       .mac_folded = NOCASE("d.\"devMac\"", "d.\"devMac\""),
                       .node_folded = NOCASE("d.\"devSyncHubNode\"", "e.\"devSyncHubNode\""),
                       .node_views = "group_concat(" VIEW_FIELDS("char") ")",
                       .ip_key = "ip_sort_key(d.\"devLastIP\")"},
    [SCHEMA_POSTGRES] =
        {.mac = "lower(d.\"devMac\")",
         .joined_mac = "lower(e.\"devMac\")",
         .mac_folded = LOWER("d.\"devMac\"", "d.\"devMac\""),
         .node_folded = LOWER("d.\"devSyncHubNode\"", "e.\"devSyncHubNode\""),
         .node_views = "string_agg(" VIEW_FIELDS("chr") " ORDER BY node)",
         .ip_key = "CASE WHEN \"devLastIP\" ~ '^[0-9]{1,3}([.][0-9]{1,3}){3}$'"
                   " THEN '4' || " PADDED("1") " || '.' || " PADDED("2") " || '.' || " PADDED(
                       "3") " || '.' || " PADDED("4") " ELSE '6' || \"devLastIP\" END"},
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

#define STATE "max(CASE present WHEN 'yes' THEN 2 WHEN 'unknown' THEN 1 ELSE 0 END)"
#define SINCE                                                                                      \
    "CASE " STATE " WHEN 2 THEN min(CASE present WHEN 'yes' THEN since_ms END)"                    \
    " WHEN 1 THEN max(CASE present WHEN 'unknown' THEN since_ms END) ELSE max(since_ms) END"

void device_sql_add_views(device_sql *b, const char *what)
{
    device_sql_add(b, "(SELECT ");
    device_sql_add(b, what);
    device_sql_add(b, " FROM \"SyncHub_NodePresence\" WHERE mac = ");
    device_sql_add(b, b->terms->mac);
    device_sql_add(b, b->query->node != NULL ? " AND node = $1" : "");
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
    /* Not EXISTS, of which PostgreSQL would make a join with the presence of all devices. */
    device_sql_add(b, "coalesce(");
    device_sql_add_views(b, STATE);
    device_sql_add(b, "), 1) = ");
    device_sql_add(b, strcmp(present, "yes") == 0 ? "2" : strcmp(present, "no") == 0 ? "0" : "1");
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

bool device_sql_add_key(device_sql *b)
{
    static const struct {
        const char *column, *expression, *views;
    } keys[] = {
        [STORE_SORT_NAME] = {"devName", "lower(coalesce(d.\"devName\", ''))", NULL},
        [STORE_SORT_VENDOR] = {"devVendor", "lower(coalesce(d.\"devVendor\", ''))", NULL},
        [STORE_SORT_PRESENT] = {NULL, "1", STATE},
        [STORE_SORT_SINCE] = {NULL, "0", SINCE},
        [STORE_SORT_FIRST_SEEN] = {NULL, "0", "min(first_seen_ms)"},
        [STORE_SORT_LAST_SEEN] = {NULL, "0", "max(last_connection_ms)"},
    };
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
        device_sql_add(b, device_sql_has_column(b, "devSyncHubNode") ? b->terms->node_folded.order
                                                                     : "''");
        return true;
    default:
        break;
    }
    if (keys[b->query->sort].views == NULL) {
        device_sql_add(b, device_sql_has_column(b, keys[b->query->sort].column)
                              ? keys[b->query->sort].expression
                              : "''");
    } else if (b->has_presence) {
        device_sql_add(b, "coalesce(");
        device_sql_add_views(b, keys[b->query->sort].views);
        device_sql_add(b, "), ");
        device_sql_add(b, keys[b->query->sort].expression);
        device_sql_add(b, ")");
    } else if (b->query->sort == STORE_SORT_FIRST_SEEN) {
        device_sql_add_netalertx_first(b);
    } else {
        device_sql_add(b, b->query->sort == STORE_SORT_PRESENT &&
                                  device_sql_has_column(b, "devPresentLastScan")
                              ? "d.\"devPresentLastScan\""
                              : "''");
    }
    return true;
}
