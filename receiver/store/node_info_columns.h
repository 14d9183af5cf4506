/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_NODE_INFO_COLUMNS_H
#define RECEIVER_NODE_INFO_COLUMNS_H

#include "libcommon/base/buffer.h"
#include "receiver/store/node_summary.h"
#include "receiver/store/store.h"

/* The columns of store_node_info in SyncHub_Nodes, and SQL for both kinds of databases. Pure. */

typedef struct {
    const char *column;
    size_t offset; /* of the field in store_node_info */
    size_t bytes;  /* of a text; 0: an int64_t */
} node_info_column;

#define NODE_INFO_COLUMNS 21 /* the first is the name */
extern const node_info_column node_info_columns[NODE_INFO_COLUMNS];

int64_t node_info_integer(const store_node_info *info, const node_info_column *column);
sh_slice node_info_text(const store_node_info *info, const node_info_column *column);
void node_info_set_integer(store_node_info *info, const node_info_column *column, int64_t value);
void node_info_set_text(store_node_info *info, const node_info_column *column, const char *value);

_Static_assert(SH_AUTH_FAILURES_ADDRESS_MAX == 20, "AUTH_FAILURES_TRIM has the number");

#define NODE_INFO_SQL_BYTES 2048

/* SELECT of all columns in their order; `end` has the conditions. */
void node_info_select(const char *end, char ret[static NODE_INFO_SQL_BYTES]);
/* An upsert with parameters $1 to $21; casts integers to bigint for PostgreSQL. */
void node_info_upsert(bool casts, char ret[static NODE_INFO_SQL_BYTES]);

/* Deletes never accepted nodes over $1, the ones seen longest ago; limit: none, as SQL. */
#define NODE_STRANGERS_TRIM(limit)                                                                 \
    "DELETE FROM \"SyncHub_Nodes\" WHERE node IN (SELECT node FROM \"SyncHub_Nodes\" WHERE"        \
    " first_contact_ms = 0 AND expected_ms = 0 AND merged_ms = 0"                                  \
    " ORDER BY problem_seen_ms DESC LIMIT " limit " OFFSET $1)"

/* 1 if node_problem_is_content(), else 0. */
#define NODE_CONTENT_PROBLEM                                                                       \
    "CASE WHEN problem_kind = 'content' AND problem_status = 0 THEN 1 ELSE 0 END"

/*
 * The columns of store_node_summary, of nodes whose name is after $2; devices are counted if there
 * are at most $1 nodes. present: the column for that; end: ORDER BY and LIMIT.
 */
#define NODE_SUMMARY_NAMES                                                                         \
    "(SELECT node FROM \"SyncHub_Nodes\" UNION SELECT node FROM \"SyncHub_Credentials\")"
#define NODE_SUMMARY_PRESENT                                                                       \
    "CASE WHEN (SELECT count(*) FROM " NODE_SUMMARY_NAMES " AS b) <= $1 THEN (SELECT count(*)"     \
    " FROM \"SyncHub_Presence\" AS p WHERE p.node = a.node AND p.present = 1) ELSE -1 END"
#define NODE_SUMMARY_NOT_PRESENT "CASE WHEN $1 < 0 THEN -2 ELSE -1 END" /* uses the parameter */
#define NODE_SUMMARIES(present, end)                                                               \
    "SELECT a.node, CASE WHEN n.node IS NULL THEN 0 ELSE 1 END, coalesce(n.last_contact_ms, 0),"   \
    " coalesce(n.interval_ms, 0), coalesce(n.silent_set_ms, 0), coalesce(n.problem_ms, 0),"        \
    " coalesce(n.problem_seen_ms, 0), coalesce(n.problem_status, 0),"                              \
    " coalesce(n.problem_kind, ''), coalesce(n.ephemeral, 0), coalesce(n.merged_ms, 0),"           \
    " coalesce(n.sent, 0), coalesce(c.record, ''), " present " FROM " NODE_SUMMARY_NAMES " AS a"   \
    " LEFT JOIN \"SyncHub_Nodes\" AS n ON n.node = a.node"                                         \
    " LEFT JOIN \"SyncHub_Credentials\" AS c ON c.node = a.node WHERE a.node > $2 " end

/* Sets what a credential's record (the column of that name, "": none) says. */
void node_summary_set_credentials(store_node_summary *node, sh_slice record);

#define AUTH_FAILURE_ADD                                                                           \
    "INSERT INTO \"SyncHub_AuthFailures\" AS f(address, node, first_ms, last_ms, failures, "       \
    "reason)"                                                                                      \
    " VALUES($1, $2, $3, $4, $5, $6) ON CONFLICT(address, node) DO UPDATE SET"                     \
    " first_ms = CASE WHEN f.first_ms < excluded.first_ms THEN f.first_ms"                         \
    " ELSE excluded.first_ms END, last_ms = excluded.last_ms,"                                     \
    " failures = f.failures + excluded.failures, reason = excluded.reason"
/* Deletes those over $1 in all or over SH_AUTH_FAILURES_ADDRESS_MAX of an address: the oldest. */
#define AUTH_FAILURE_END                                                                           \
    "DELETE FROM \"SyncHub_AuthFailures\" WHERE address = $1 AND node = $2 AND last_ms <= $3"
#define AUTH_FAILURES_TRIM                                                                         \
    "DELETE FROM \"SyncHub_AuthFailures\" WHERE (address, node) IN (SELECT address, node FROM"     \
    " (SELECT address, node, row_number() OVER (ORDER BY last_ms DESC, address, node) AS of_all,"  \
    " row_number() OVER (PARTITION BY address ORDER BY last_ms DESC, node) AS of_address"          \
    " FROM \"SyncHub_AuthFailures\") AS r WHERE of_all > $1 OR of_address > 20)"
#define AUTH_FAILURES_SELECT                                                                       \
    "SELECT address, node, first_ms, last_ms, failures, reason FROM \"SyncHub_AuthFailures\""      \
    " ORDER BY last_ms DESC, address, node"

#endif
