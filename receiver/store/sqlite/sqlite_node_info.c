/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/base/cleanup.h"
#include "receiver/store/node_info_columns.h"
#include "receiver/store/sqlite/sqlite_store.h"

/* What is known of nodes apart from their merges, and refused requests. $1 has index 1 here. */

static void read_info(sqlite3_stmt *statement, store_node_info *ret)
{
    *ret = (store_node_info){.ephemeral = 0};
    for (int i = 0; i < NODE_INFO_COLUMNS; i++) {
        const node_info_column *column = &node_info_columns[i];
        if (column->bytes == 0)
            node_info_set_integer(ret, column, sqlite3_column_int64(statement, i));
        else
            store_sqlite_text(statement, i, (char *)ret + column->offset, column->bytes);
    }
}

static int prepare(store_sqlite *s, const char *sql, sqlite3_stmt **ret)
{
    return sqlite3_prepare_v2(s->db, sql, -1, ret, NULL);
}

sh_err store_sqlite_node_info_get(store *base, const char *node, store_node_info *ret, bool *found,
                                  sh_error *error)
{
    store_sqlite *s = (store_sqlite *)base;
    sqlite3_stmt *statement = NULL;
    char sql[NODE_INFO_SQL_BYTES];
    *ret = (store_node_info){.ephemeral = 0};
    *found = false;
    if (!s->has_nodes)
        return SH_OK;
    if (s->statements[STATEMENT_NODE_INFO_GET] == NULL)
        node_info_select("WHERE node = $1", sql);
    sh_err err = store_sqlite_statement(s, STATEMENT_NODE_INFO_GET, sql, &statement, error);
    if (err != SH_OK)
        return err;
    int rc = store_sqlite_bind_text(statement, 1, sh_slice_of(node));
    if (rc == SQLITE_OK)
        rc = sqlite3_step(statement);
    *found = rc == SQLITE_ROW;
    if (*found)
        read_info(statement, ret);
    err = rc == SQLITE_ROW || rc == SQLITE_DONE ? SH_OK : store_sqlite_fail(s, rc, "read", error);
    (void)sqlite3_reset(statement);
    return err;
}

sh_err store_sqlite_node_info_put(store *base, const store_node_info *info, sh_error *error)
{
    store_sqlite *s = (store_sqlite *)base;
    sqlite3_stmt *statement = NULL;
    char sql[NODE_INFO_SQL_BYTES];
    if (s->statements[STATEMENT_NODE_INFO_PUT] == NULL)
        node_info_upsert(false, sql);
    sh_err err = store_sqlite_statement(s, STATEMENT_NODE_INFO_PUT, sql, &statement, error);
    if (err != SH_OK)
        return err;
    int rc = SQLITE_OK;
    for (int i = 0; i < NODE_INFO_COLUMNS && rc == SQLITE_OK; i++) {
        const node_info_column *column = &node_info_columns[i];
        if (column->bytes == 0)
            rc = sqlite3_bind_int64(statement, i + 1, node_info_integer(info, column));
        else
            rc = store_sqlite_bind_text(statement, i + 1, node_info_text(info, column));
    }
    if (rc == SQLITE_OK)
        rc = store_sqlite_run(statement);
    return rc == SQLITE_OK ? SH_OK : store_sqlite_fail(s, rc, "write to", error);
}

sh_err store_sqlite_node_infos_get(store *base, const char *const nodes[], size_t count,
                                   store_node_info ret[], bool found[], sh_error *error)
{
    sh_err err = SH_OK;
    for (size_t i = 0; i < count && err == SH_OK; i++)
        err = store_sqlite_node_info_get(base, nodes[i], &ret[i], &found[i], error);
    return err;
}

sh_err store_sqlite_node_infos_put(store *base, const store_node_info *const infos[], size_t count,
                                   sh_error *error)
{
    sh_err err = SH_OK;
    for (size_t i = 0; i < count && err == SH_OK; i++)
        err = store_sqlite_node_info_put(base, infos[i], error);
    return err;
}

static sh_err delete_of_node(store_sqlite *s, const char *sql, const char *node, sh_error *error)
{
    SH_CLEANUP(store_sqlite_finalize) sqlite3_stmt *statement = NULL;
    int rc = prepare(s, sql, &statement);
    if (rc == SQLITE_OK)
        rc = store_sqlite_bind_text(statement, 1, sh_slice_of(node));
    if (rc == SQLITE_OK)
        rc = store_sqlite_run(statement);
    return rc == SQLITE_OK ? SH_OK : store_sqlite_fail(s, rc, "write to", error);
}

sh_err store_sqlite_node_forget(store *base, const char *node, bool *found, sh_error *error)
{
    store_sqlite *s = (store_sqlite *)base;
    sh_err err = SH_OK;
    if (store_has_presence(base))
        err = delete_of_node(s, "DELETE FROM SyncHub_Presence WHERE node = ?1", node, error);
    if (err == SH_OK)
        err = delete_of_node(s, "DELETE FROM SyncHub_Parts WHERE node = ?1", node, error);
    if (err == SH_OK)
        err = delete_of_node(s, "DELETE FROM SyncHub_History WHERE node = ?1", node, error);
    if (err == SH_OK)
        err = delete_of_node(s, "DELETE FROM SyncHub_Nodes WHERE node = ?1", node, error);
    *found = err == SH_OK && sqlite3_changes(s->db) > 0;
    return err;
}

static sh_err trim(store_sqlite *s, const char *sql, int64_t max, sh_error *error)
{
    SH_CLEANUP(store_sqlite_finalize) sqlite3_stmt *statement = NULL;
    int rc = prepare(s, sql, &statement);
    if (rc == SQLITE_OK)
        rc = sqlite3_bind_int64(statement, 1, max);
    if (rc == SQLITE_OK)
        rc = store_sqlite_run(statement);
    return rc == SQLITE_OK ? SH_OK : store_sqlite_fail(s, rc, "write to", error);
}

sh_err store_sqlite_node_strangers_trim(store *base, int64_t max, sh_error *error)
{
    return trim((store_sqlite *)base, NODE_STRANGERS_TRIM("-1"), max, error);
}

sh_err store_sqlite_node_infos(store *base, store_node_info_each each, void *context,
                               sh_error *error)
{
    store_sqlite *s = (store_sqlite *)base;
    SH_CLEANUP(store_sqlite_finalize) sqlite3_stmt *statement = NULL;
    char sql[NODE_INFO_SQL_BYTES];
    if (!s->has_nodes) /* no receiver has opened this NetAlertX database yet */
        return SH_OK;
    node_info_select("ORDER BY node", sql);
    int rc = prepare(s, sql, &statement);
    if (rc != SQLITE_OK)
        return store_sqlite_fail(s, rc, "read", error);
    while ((rc = sqlite3_step(statement)) == SQLITE_ROW) {
        store_node_info info;
        read_info(statement, &info);
        sh_err err = each(context, &info, error);
        if (err != SH_OK)
            return err;
    }
    return rc == SQLITE_DONE ? SH_OK : store_sqlite_fail(s, rc, "read", error);
}

static void read_summary(sqlite3_stmt *statement, store_node_summary *ret)
{
    char record[SH_NODE_RECORD_MAX + 1];
    *ret = (store_node_summary){.is_recorded = sqlite3_column_int64(statement, 1) != 0};
    store_sqlite_text(statement, 0, ret->node, sizeof ret->node);
    ret->contact.last_ms = sqlite3_column_int64(statement, 2);
    ret->contact.interval_ms = sqlite3_column_int64(statement, 3);
    ret->contact.set_ms = sqlite3_column_int64(statement, 4);
    ret->problem_ms = sqlite3_column_int64(statement, 5);
    ret->problem_seen_ms = sqlite3_column_int64(statement, 6);
    ret->problem_status = sqlite3_column_int64(statement, 7);
    store_sqlite_text(statement, 8, ret->problem_kind, sizeof ret->problem_kind);
    ret->ephemeral = sqlite3_column_int64(statement, 9);
    ret->merged_ms = sqlite3_column_int64(statement, 10);
    ret->rows = sqlite3_column_int64(statement, 11);
    store_sqlite_text(statement, 12, record, sizeof record);
    node_summary_set_credentials(ret, sh_slice_of(record));
    ret->present = sqlite3_column_int64(statement, 13);
}

sh_err store_sqlite_node_summaries(store *base, int64_t count_max, store_node_summary_each each,
                                   void *context, sh_error *error)
{
    store_sqlite *s = (store_sqlite *)base;
    SH_CLEANUP(store_sqlite_finalize) sqlite3_stmt *statement = NULL;
    if (!s->has_nodes)
        return SH_OK;
    int rc = prepare(s,
                     store_has_presence(base)
                         ? NODE_SUMMARIES(NODE_SUMMARY_PRESENT, "ORDER BY a.node")
                         : NODE_SUMMARIES(NODE_SUMMARY_NOT_PRESENT, "ORDER BY a.node"),
                     &statement);
    if (rc == SQLITE_OK)
        rc = sqlite3_bind_int64(statement, 1, count_max);
    if (rc == SQLITE_OK)
        rc = store_sqlite_bind_text(statement, 2, SH_SLICE(""));
    if (rc != SQLITE_OK)
        return store_sqlite_fail(s, rc, "read", error);
    while ((rc = sqlite3_step(statement)) == SQLITE_ROW) {
        store_node_summary node;
        read_summary(statement, &node);
        sh_err err = each(context, &node, error);
        if (err != SH_OK)
            return err;
    }
    return rc == SQLITE_DONE ? SH_OK : store_sqlite_fail(s, rc, "read", error);
}

sh_err store_sqlite_present_counts(store *base, const char *const nodes[], size_t count,
                                   int64_t ret[], sh_error *error)
{
    store_sqlite *s = (store_sqlite *)base;
    SH_CLEANUP(store_sqlite_finalize) sqlite3_stmt *statement = NULL;
    int rc = prepare(s, "SELECT count(*) FROM \"SyncHub_Presence\" WHERE node = ?1 AND present = 1",
                     &statement);
    for (size_t i = 0; i < count && rc == SQLITE_OK; i++) {
        rc = store_sqlite_bind_text(statement, 1, sh_slice_of(nodes[i]));
        if (rc == SQLITE_OK && (rc = sqlite3_step(statement)) == SQLITE_ROW)
            ret[i] = sqlite3_column_int64(statement, 0);
        if (rc == SQLITE_ROW)
            rc = sqlite3_reset(statement);
    }
    return rc == SQLITE_OK ? SH_OK : store_sqlite_fail(s, rc, "read", error);
}

sh_err store_sqlite_auth_failure_add(store *base, const store_auth_failure *failure,
                                     sh_error *error)
{
    store_sqlite *s = (store_sqlite *)base;
    SH_CLEANUP(store_sqlite_finalize) sqlite3_stmt *statement = NULL;
    const int64_t numbers[] = {failure->first_ms, failure->last_ms, failure->failures};
    int rc = prepare(s, AUTH_FAILURE_ADD, &statement);
    if (rc == SQLITE_OK)
        rc = store_sqlite_bind_text(statement, 1, sh_slice_of(failure->address));
    if (rc == SQLITE_OK)
        rc = store_sqlite_bind_text(statement, 2, sh_slice_of(failure->node));
    for (int i = 0; i < 3 && rc == SQLITE_OK; i++)
        rc = sqlite3_bind_int64(statement, 3 + i, numbers[i]);
    if (rc == SQLITE_OK)
        rc = store_sqlite_bind_text(statement, 6, sh_slice_of(failure->reason));
    if (rc == SQLITE_OK)
        rc = store_sqlite_run(statement);
    return rc == SQLITE_OK ? SH_OK : store_sqlite_fail(s, rc, "write to", error);
}

sh_err store_sqlite_auth_failures_trim(store *base, int64_t max, sh_error *error)
{
    return trim((store_sqlite *)base, AUTH_FAILURES_TRIM, max, error);
}

sh_err store_sqlite_auth_failure_end(store *base, const store_auth_failure *accepted,
                                     sh_error *error)
{
    store_sqlite *s = (store_sqlite *)base;
    SH_CLEANUP(store_sqlite_finalize) sqlite3_stmt *statement = NULL;
    int rc = prepare(s, AUTH_FAILURE_END, &statement);
    if (rc == SQLITE_OK)
        rc = store_sqlite_bind_text(statement, 1, sh_slice_of(accepted->address));
    if (rc == SQLITE_OK)
        rc = store_sqlite_bind_text(statement, 2, sh_slice_of(accepted->node));
    if (rc == SQLITE_OK)
        rc = sqlite3_bind_int64(statement, 3, accepted->last_ms);
    if (rc == SQLITE_OK)
        rc = store_sqlite_run(statement);
    return rc == SQLITE_OK ? SH_OK : store_sqlite_fail(s, rc, "write to", error);
}

sh_err store_sqlite_auth_failures(store *base, store_auth_failure_each each, void *context,
                                  sh_error *error)
{
    store_sqlite *s = (store_sqlite *)base;
    SH_CLEANUP(store_sqlite_finalize) sqlite3_stmt *statement = NULL;
    if (!s->has_nodes)
        return SH_OK;
    int rc = prepare(s, AUTH_FAILURES_SELECT, &statement);
    if (rc != SQLITE_OK)
        return store_sqlite_fail(s, rc, "read", error);
    while ((rc = sqlite3_step(statement)) == SQLITE_ROW) {
        store_auth_failure failure = {.first_ms = sqlite3_column_int64(statement, 2),
                                      .last_ms = sqlite3_column_int64(statement, 3),
                                      .failures = sqlite3_column_int64(statement, 4)};
        store_sqlite_text(statement, 0, failure.address, sizeof failure.address);
        store_sqlite_text(statement, 1, failure.node, sizeof failure.node);
        store_sqlite_text(statement, 5, failure.reason, sizeof failure.reason);
        sh_err err = each(context, &failure, error);
        if (err != SH_OK)
            return err;
    }
    return rc == SQLITE_DONE ? SH_OK : store_sqlite_fail(s, rc, "read", error);
}
