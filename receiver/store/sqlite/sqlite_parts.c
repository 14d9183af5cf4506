/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/store/sqlite/sqlite_store.h"

#include <stdio.h>

/* The parameters ?1 to ?11 of every statement here, as far as it has them. */
static int bind_part(sqlite3_stmt *statement, const store_node *n, uint32_t part, uint32_t parts)
{
    const int64_t numbers[] = {parts,       part,     n->merged_ms, n->sent,
                               n->inserted, n->known, n->skipped,   n->set_aside};
    int count = sqlite3_bind_parameter_count(statement);
    int rc = store_sqlite_bind_text(statement, 1, sh_slice_of(n->node));
    if (rc == SQLITE_OK)
        rc = sqlite3_bind_blob(statement, 2, n->digest, SH_DIGEST_BYTES, SQLITE_STATIC);
    for (int i = 0; i < 8 && i + 3 <= count && rc == SQLITE_OK; i++)
        rc = sqlite3_bind_int64(statement, i + 3, numbers[i]);
    if (rc == SQLITE_OK && count >= 11)
        rc = store_sqlite_bind_text(statement, 11, sh_slice_of(n->reason));
    return rc;
}

static sh_err run_part(store_sqlite *s, int which, const char *sql, const store_node *n,
                       uint32_t part, uint32_t parts, sh_error *error)
{
    sqlite3_stmt *statement = NULL;
    sh_err err = store_sqlite_statement(s, which, sql, &statement, error);
    if (err != SH_OK)
        return err;
    int rc = bind_part(statement, n, part, parts);
    if (rc == SQLITE_OK)
        rc = store_sqlite_run(statement);
    return rc == SQLITE_OK ? SH_OK : store_sqlite_fail(s, rc, "write to", error);
}

/* Sums the parts that were recorded, so many. */
static sh_err sum_parts(store_sqlite *s, uint32_t parts, store_node *n, int64_t *recorded,
                        sh_error *error)
{
    sqlite3_stmt *statement = NULL;
    sh_err err = store_sqlite_statement(
        s, STATEMENT_PARTS_SUM,
        "SELECT count(*), sum(sent), sum(known), sum(skipped), sum(set_aside),"
        " (SELECT reason FROM SyncHub_Parts WHERE node = ?1 AND digest = ?2 AND parts = ?3"
        " AND reason <> '' ORDER BY part LIMIT 1)"
        " FROM SyncHub_Parts WHERE node = ?1 AND digest = ?2 AND parts = ?3",
        &statement, error);
    if (err != SH_OK)
        return err;
    int rc = bind_part(statement, n, 0, parts);
    if (rc == SQLITE_OK)
        rc = sqlite3_step(statement);
    if (rc == SQLITE_ROW) {
        *recorded = sqlite3_column_int64(statement, 0);
        n->sent = sqlite3_column_int64(statement, 1);
        n->known = sqlite3_column_int64(statement, 2);
        n->skipped = sqlite3_column_int64(statement, 3);
        n->set_aside = sqlite3_column_int64(statement, 4);
        store_sqlite_text(statement, 5, n->reason, sizeof n->reason);
    } else {
        err = store_sqlite_fail(s, rc, "read", error);
    }
    (void)sqlite3_reset(statement);
    return err;
}

/* Of a node's tables that are not whole only the newest are kept. */
static sh_err trim_tables(store_sqlite *s, const store_node *n, sh_error *error)
{
    sqlite3_stmt *statement = NULL;
    sh_err err = store_sqlite_statement(
        s, STATEMENT_PARTS_TRIM,
        "DELETE FROM SyncHub_Parts WHERE node = ?1 AND digest <> ?2 AND digest NOT IN"
        " (SELECT digest FROM SyncHub_Parts WHERE node = ?1 AND digest <> ?2 GROUP BY digest"
        " ORDER BY max(merged_ms) DESC LIMIT ?3)",
        &statement, error);
    if (err != SH_OK)
        return err;
    int rc = store_sqlite_bind_text(statement, 1, sh_slice_of(n->node));
    if (rc == SQLITE_OK)
        rc = sqlite3_bind_blob(statement, 2, n->digest, SH_DIGEST_BYTES, SQLITE_STATIC);
    if (rc == SQLITE_OK)
        rc = sqlite3_bind_int64(statement, 3, SH_TABLES_PENDING_MAX - 1);
    if (rc == SQLITE_OK)
        rc = store_sqlite_run(statement);
    return rc == SQLITE_OK ? SH_OK : store_sqlite_fail(s, rc, "write to", error);
}

sh_err store_sqlite_node_add(store *base, const store_node *node, sh_error *error)
{
    store_sqlite *s = (store_sqlite *)base;
    sqlite3_stmt *add = NULL;
    sh_err err = store_sqlite_statement(
        s, STATEMENT_NODE_ADD,
        "INSERT INTO SyncHub_Nodes(node, mode, merged_ms, sent, inserted, known, skipped,"
        " set_aside, reason, digest) VALUES(?1, ?2, ?3, 0, ?4, 0, 0, 0, '', NULL)"
        " ON CONFLICT(node) DO UPDATE SET inserted = inserted + excluded.inserted",
        &add, error);
    if (err != SH_OK)
        return err;
    int rc = store_sqlite_bind_text(add, 1, sh_slice_of(node->node));
    if (rc == SQLITE_OK)
        rc = store_sqlite_bind_text(add, 2, sh_slice_of(node->mode));
    if (rc == SQLITE_OK)
        rc = sqlite3_bind_int64(add, 3, node->merged_ms);
    if (rc == SQLITE_OK)
        rc = sqlite3_bind_int64(add, 4, node->inserted);
    if (rc == SQLITE_OK)
        rc = store_sqlite_run(add);
    return rc == SQLITE_OK ? SH_OK : store_sqlite_fail(s, rc, "write to", error);
}

sh_err store_sqlite_part_record(store *base, const store_node *part_of, uint32_t part,
                                uint32_t parts, bool *whole, sh_error *error)
{
    store_sqlite *s = (store_sqlite *)base;
    store_node sum = *part_of;
    int64_t recorded = 0;
    *whole = false;
    sh_err err = run_part(s, STATEMENT_PART_NOTE,
                          "INSERT INTO SyncHub_Parts(node, digest, parts, part, merged_ms, sent,"
                          " inserted, known, skipped, set_aside, reason)"
                          " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)"
                          " ON CONFLICT(node, digest, parts, part) DO UPDATE SET"
                          " merged_ms = excluded.merged_ms, sent = excluded.sent,"
                          " inserted = excluded.inserted, known = excluded.known,"
                          " skipped = excluded.skipped, set_aside = excluded.set_aside,"
                          " reason = excluded.reason",
                          part_of, part, parts, error);
    if (err == SH_OK)
        err = sum_parts(s, parts, &sum, &recorded, error);
    if (err == SH_OK && recorded == 1) /* the first one of this table */
        err = trim_tables(s, part_of, error);
    if (err != SH_OK)
        return err;
    *whole = recorded == (int64_t)parts;
    if (*whole) {
        err = base->ops->node_record(base, &sum, error);
        return err != SH_OK ? err
                            : run_part(s, STATEMENT_PARTS_END,
                                       "DELETE FROM SyncHub_Parts WHERE node = ?1 AND digest = ?2",
                                       part_of, part, parts, error);
    }
    return store_sqlite_node_add(base, part_of, error);
}
