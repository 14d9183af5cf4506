/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/base/cleanup.h"
#include "receiver/store/sqlite/sqlite_store.h"
#include "receiver/store/store_prune.h"

/* $1 and $2 in SQL written for PostgreSQL have these indexes in SQLite, too. */
static sh_err delete_rows(store_sqlite *s, const char *sql, int64_t first, int64_t second,
                          int64_t *deleted, sh_error *error)
{
    SH_CLEANUP(store_sqlite_finalize) sqlite3_stmt *statement = NULL;
    int rc = sqlite3_prepare_v2(s->db, sql, -1, &statement, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_bind_int64(statement, 1, first);
    if (rc == SQLITE_OK && sqlite3_bind_parameter_count(statement) > 1)
        rc = sqlite3_bind_int64(statement, 2, second);
    if (rc == SQLITE_OK)
        rc = store_sqlite_run(statement);
    *deleted = sqlite3_changes(s->db);
    return rc == SQLITE_OK ? SH_OK : store_sqlite_fail(s, rc, "write to", error);
}

static sh_err count_rows(store_sqlite *s, const char *sql, int64_t *ret, sh_error *error)
{
    SH_CLEANUP(store_sqlite_finalize) sqlite3_stmt *statement = NULL;
    int rc = sqlite3_prepare_v2(s->db, sql, -1, &statement, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_step(statement);
    *ret = rc == SQLITE_ROW ? sqlite3_column_int64(statement, 0) : 0;
    return rc == SQLITE_ROW ? SH_OK : store_sqlite_fail(s, rc, "read", error);
}

/* *count is 0 if no node is over the limit. */
static sh_err find_fullest_node(store_sqlite *s, int64_t max, sh_buf *node, int64_t *count,
                                sh_error *error)
{
    SH_CLEANUP(store_sqlite_finalize) sqlite3_stmt *statement = NULL;
    int rc = sqlite3_prepare_v2(s->db, store_prune_fullest_node, -1, &statement, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_bind_int64(statement, 1, max);
    if (rc == SQLITE_OK)
        rc = sqlite3_step(statement);
    *count = 0;
    if (rc == SQLITE_DONE)
        return SH_OK;
    if (rc != SQLITE_ROW)
        return store_sqlite_fail(s, rc, "read", error);
    *count = sqlite3_column_int64(statement, 1);
    sh_err err = sh_buf_append_text(node, (const char *)sqlite3_column_text(statement, 0));
    return err == SH_OK ? SH_OK : sh_fail(error, err, "no memory for a node's name");
}

static sh_err delete_of_node(store_sqlite *s, const sh_buf *node, int64_t count, sh_error *error)
{
    SH_CLEANUP(store_sqlite_finalize) sqlite3_stmt *statement = NULL;
    int rc = sqlite3_prepare_v2(s->db, store_prune_oldest_of_node, -1, &statement, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_bind_text(statement, 1, (const char *)node->data, (int)node->len,
                               SQLITE_STATIC);
    if (rc == SQLITE_OK)
        rc = sqlite3_bind_int64(statement, 2, count);
    if (rc == SQLITE_OK)
        rc = store_sqlite_run(statement);
    return rc == SQLITE_OK ? SH_OK : store_sqlite_fail(s, rc, "write to", error);
}

static sh_err tidy_table(store_sqlite *s, int table, const store_limits *limits, int64_t excess,
                         bool *more, sh_error *error)
{
    const store_prune_table *t = &store_prune_tables[table];
    int64_t before_ms = 0, max = 0, deleted = 0;
    store_prune_limits(limits, table, &before_ms, &max);
    bool presence = store_has_presence(&s->base);
    sh_err err = SH_OK;
    if (before_ms > 0 && presence && t->forget_first != NULL)
        err = delete_rows(s, t->forget_first, before_ms, STORE_PRUNE_ROWS, &deleted, error);
    deleted = 0;
    if (err == SH_OK && before_ms > 0)
        err = delete_rows(s, t->forget, before_ms, STORE_PRUNE_ROWS, &deleted, error);
    *more = *more || deleted >= STORE_PRUNE_ROWS;
    int64_t gone = 0;
    if (err == SH_OK && excess > deleted && presence && t->oldest_first != NULL)
        err = delete_rows(s, t->oldest_first, excess - deleted, 0, &gone, error);
    if (err == SH_OK && excess > deleted)
        err = delete_rows(s, t->oldest, excess - deleted, 0, &deleted, error);
    return err;
}

/* Counts rows before the transaction, so that other programs do not wait for the count. */
sh_err store_sqlite_prune(store *base, const store_limits *limits, bool *more, sh_error *error)
{
    store_sqlite *s = (store_sqlite *)base;
    int64_t excess[PRUNE_TABLES] = {0};
    SH_CLEANUP(sh_buf_reset) sh_buf node = SH_BUF_INIT(SH_NODE_NAME_MAX);
    int64_t of_node = 0;
    sh_err err = SH_OK;
    *more = false;
    for (int i = 0; i < store_prune_count(base) && err == SH_OK; i++) {
        int64_t before_ms = 0, max = 0, count = 0;
        store_prune_limits(limits, i, &before_ms, &max);
        err = count_rows(s, store_prune_tables[i].count, &count, error);
        excess[i] = store_prune_excess(count, max, more);
    }
    if (err == SH_OK)
        err = find_fullest_node(s, limits->node_items_max, &node, &of_node, error);
    int64_t node_excess = store_prune_excess(of_node, limits->node_items_max, more);
    *more = *more || node_excess > 0; /* for other nodes */
    if (err == SH_OK)
        err = base->ops->begin(base, error);
    if (err != SH_OK)
        return err;
    if (node_excess > 0)
        err = delete_of_node(s, &node, node_excess, error);
    for (int i = 0; i < store_prune_count(base) && err == SH_OK; i++)
        err = tidy_table(s, i, limits, excess[i], more, error);
    if (err == SH_OK)
        err = base->ops->commit(base, error);
    if (err != SH_OK)
        base->ops->rollback(base);
    return err;
}
