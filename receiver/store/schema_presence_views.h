/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_SCHEMA_PRESENCE_VIEWS_H
#define RECEIVER_SCHEMA_PRESENCE_VIEWS_H

/*
 * The views that say whether a device is present, absent or unknown: SyncHub_NodePresence to each
 * node, SyncHub_DevicePresence to all nodes together. Times are Unix time in ms.
 *
 * Migrations use these macros, and released migrations never change: to change a view, add another
 * macro and a migration that drops the view and creates it again.
 */

#define SQLITE_NOW_MS "CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)"
#define POSTGRES_NOW_MS "(extract(epoch FROM clock_timestamp()) * 1000)::bigint"
/* Computed once for a statement, not for each row. */
#define POSTGRES_NOW_ONCE_MS "(SELECT " POSTGRES_NOW_MS ")"

/*
 * As node_lateness.h and node_state.h define these states. A contact is recorded up to a minute
 * later than it was, so a node is late a minute later here.
 */
#define OR_LATE_OR_FAILING(now)                                                                    \
    " OR (n.interval_ms > 0 AND n.last_contact_ms + 2 * n.interval_ms + 120000 < " now ")"         \
    " OR (n.problem_ms > 0 AND (n.problem_seen_ms >= n.last_contact_ms"                            \
    " OR (n.problem_kind = 'content' AND n.problem_status = 0)))"

/* Until version 11: silent_after_ms had the result of the rule. */
#define NODE_PRESENCE_VIEW(now, greatest, or_unknown)                                              \
    NODE_PRESENCE_VIEW_SILENT(now, greatest, "n.silent_after_ms", or_unknown)

/*
 * From version 12 on: a threshold in SyncHub_Meta (store_thresholds.h), and the rules of
 * node_lateness.h with it. A node is late a minute later here, as above.
 */
#define THRESHOLD_MS(key, default_s)                                                               \
    "coalesce((SELECT CAST(value AS bigint) FROM \"SyncHub_Meta\" WHERE key = '" key               \
    "'), " default_s ") * 1000"
#define SILENT_MS(greatest)                                                                        \
    "CASE WHEN n.silent_set_ms > 0 THEN n.silent_set_ms ELSE " greatest                            \
    "(3 * n.interval_ms, " THRESHOLD_MS("silent_after_s", "900") ") END"
#define OR_LATER_OR_FAILING(now, greatest)                                                         \
    " OR (n.interval_ms > 0 AND n.last_contact_ms + " greatest                                     \
    "(2 * n.interval_ms + 60000, " THRESHOLD_MS(                                                   \
        "late_after_s", "60") ") + 60000 < " now ")"                                               \
                              " OR (n.problem_ms > 0 AND (n.problem_seen_ms >= n.last_contact_ms"  \
                              " OR (n.problem_kind = 'content' AND n.problem_status = 0)))"
#define NODE_PRESENCE_VIEW_BY_THRESHOLDS(now, greatest)                                            \
    NODE_PRESENCE_VIEW_SILENT(now, greatest, SILENT_MS(greatest),                                  \
                              OR_LATER_OR_FAILING(now, greatest))

/*
 * All devices of a node are unknown while it is silent: its last contact is longer ago than
 * silent_ms, or in the future; or while or_unknown, a condition on the node n, is true.
 */
#define NODE_UNKNOWN(now, silent_ms, or_unknown)                                                   \
    "n.last_contact_ms > " now " OR n.last_contact_ms + " silent_ms " < " now or_unknown

/* The rows of the view; from joins the rows p of SyncHub_Presence with their nodes n, if any. */
#define NODE_PRESENCE(now, greatest, unknown, from)                                                \
    "SELECT mac, node, state AS present, CASE state WHEN 'unknown' THEN contact_ms"                \
    " ELSE since_ms END AS since_ms, ip, first_seen_ms, CASE state WHEN 'no'"                      \
    " THEN last_connection_ms ELSE " greatest "(last_connection_ms, CASE present WHEN 1"           \
    " THEN contact_ms ELSE 0 END) END AS last_connection_ms"                                       \
    " FROM (SELECT p.mac, p.node, p.present, p.since_ms, p.ip, p.first_seen_ms,"                   \
    " p.last_connection_ms, coalesce(n.last_contact_ms, 0) AS contact_ms,"                         \
    " CASE WHEN n.node IS NULL OR p.present NOT IN (0, 1) OR " unknown " THEN 'unknown'"           \
    " WHEN p.present = 1 THEN 'yes' ELSE 'no' END AS state FROM " from ") AS s"

#define NODE_PRESENCE_VIEW_SILENT(now, greatest, silent_ms, or_unknown)                            \
    "CREATE VIEW \"SyncHub_NodePresence\" AS " NODE_PRESENCE(                                      \
        now, greatest, NODE_UNKNOWN(now, silent_ms, or_unknown),                                   \
        "\"SyncHub_Presence\" AS p LEFT JOIN \"SyncHub_Nodes\" AS n ON n.node = p.node")

/* The rule of the view, of the node n. */
#define NODE_UNKNOWN_BY_THRESHOLDS(now, greatest)                                                  \
    NODE_UNKNOWN(now, SILENT_MS(greatest), OR_LATER_OR_FAILING(now, greatest))

#define DEVICE_PRESENCE_VIEW(mac)                                                                  \
    "CREATE VIEW \"SyncHub_DevicePresence\" AS"                                                    \
    " SELECT d.\"devMac\", d.\"devName\", CASE a.state WHEN 2 THEN 'yes' WHEN 0 THEN 'no'"         \
    " ELSE 'unknown' END AS present, CASE a.state WHEN 2 THEN a.yes_since_ms"                      \
    " WHEN 1 THEN a.unknown_since_ms ELSE a.since_ms END AS since_ms, a.first_seen_ms,"            \
    " a.last_connection_ms, coalesce(a.nodes, 0) AS nodes FROM \"Devices\" AS d LEFT JOIN"         \
    " (SELECT mac, max(CASE present WHEN 'yes' THEN 2 WHEN 'unknown' THEN 1 ELSE 0 END) AS state," \
    " min(CASE present WHEN 'yes' THEN since_ms END) AS yes_since_ms,"                             \
    " max(CASE present WHEN 'unknown' THEN since_ms END) AS unknown_since_ms,"                     \
    " max(since_ms) AS since_ms, min(first_seen_ms) AS first_seen_ms,"                             \
    " max(last_connection_ms) AS last_connection_ms, count(*) AS nodes"                            \
    " FROM \"SyncHub_NodePresence\" GROUP BY mac) AS a ON " mac " = a.mac"

#endif
