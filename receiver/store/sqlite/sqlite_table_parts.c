/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/store/sqlite/sqlite_store.h"

#include <stdio.h>

#define STRING(text) #text
#define STRING_OF(number) STRING(number)
#define KEYS_BYTES_MAX "8 * " STRING_OF(SH_ROWS_MAX)

/* Binds those of the parameters ?1 to ?12 that the statement has. */
static int bind_part(sqlite3_stmt *statement, const store_part *p)
{
    const store_node *n = p->of;
    const int64_t numbers[] = {p->parts,    p->part,  n->merged_ms, n->sent,
                               n->inserted, n->known, n->skipped,   n->set_aside};
    int count = sqlite3_bind_parameter_count(statement);
    int rc = store_sqlite_bind_text(statement, 1, sh_slice_of(n->node));
    if (rc == SQLITE_OK)
        rc = sqlite3_bind_blob(statement, 2, n->digest, SH_DIGEST_BYTES, SQLITE_STATIC);
    for (int i = 0; i < 8 && i + 3 <= count && rc == SQLITE_OK; i++)
        rc = sqlite3_bind_int64(statement, i + 3, numbers[i]);
    if (rc == SQLITE_OK && count >= 11)
        rc = store_sqlite_bind_text(statement, 11, sh_slice_of(n->reason));
    if (rc == SQLITE_OK && count >= 12)
        rc = sqlite3_bind_blob64(statement, 12, p->keys.data, p->keys.len, SQLITE_STATIC);
    return rc;
}

static sh_err run_part(store_sqlite *s, int which, const char *sql, const store_part *p,
                       sh_error *error)
{
    sqlite3_stmt *statement = NULL;
    sh_err err = store_sqlite_statement(s, which, sql, &statement, error);
    if (err != SH_OK)
        return err;
    int rc = bind_part(statement, p);
    if (rc == SQLITE_OK)
        rc = store_sqlite_run(statement);
    return rc == SQLITE_OK ? SH_OK : store_sqlite_fail(s, rc, "write to", error);
}

/* Sums over the recorded parts; *recorded is their number. */
static sh_err sum_parts(store_sqlite *s, const store_part *p, store_node *n, int64_t *recorded,
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
    int rc = bind_part(statement, p);
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

/* Keeps only the newest incomplete tables of a node. */
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

sh_err store_sqlite_part_record(store *base, const store_part *part, bool *whole, sh_error *error)
{
    store_sqlite *s = (store_sqlite *)base;
    store_node sum = *part->of;
    int64_t recorded = 0;
    *whole = false;
    sh_err err = run_part(s, STATEMENT_PART_NOTE,
                          "INSERT INTO SyncHub_Parts(node, digest, parts, part, merged_ms, sent,"
                          " inserted, known, skipped, set_aside, reason, keys)"
                          " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11,"
                          " CASE WHEN (SELECT coalesce(sum(length(keys)), 0) FROM SyncHub_Parts"
                          " WHERE node = ?1 AND digest = ?2) < " KEYS_BYTES_MAX " THEN ?12 END)"
                          " ON CONFLICT(node, digest, parts, part) DO UPDATE SET"
                          " merged_ms = excluded.merged_ms, sent = excluded.sent,"
                          " inserted = excluded.inserted, known = excluded.known,"
                          " skipped = excluded.skipped, set_aside = excluded.set_aside,"
                          " reason = excluded.reason, keys = excluded.keys",
                          part, error);
    if (err == SH_OK)
        err = sum_parts(s, part, &sum, &recorded, error);
    if (err == SH_OK && recorded == 1) /* the first part of this table */
        err = trim_tables(s, part->of, error);
    if (err != SH_OK)
        return err;
    *whole = recorded == (int64_t)part->parts;
    return *whole ? base->ops->node_record(base, &sum, error)
                  : base->ops->node_add(base, part->of, error);
}

sh_err store_sqlite_part_keys(store *base, const store_part *part, store_keys_each each,
                              void *context, bool *complete, sh_error *error)
{
    store_sqlite *s = (store_sqlite *)base;
    sqlite3_stmt *statement = NULL;
    *complete = true;
    sh_err err = store_sqlite_statement(s, STATEMENT_PARTS_KEYS,
                                        "SELECT keys FROM SyncHub_Parts"
                                        " WHERE node = ?1 AND digest = ?2 AND parts = ?3",
                                        &statement, error);
    if (err != SH_OK)
        return err;
    int rc = bind_part(statement, part);
    while (rc == SQLITE_OK && err == SH_OK && (rc = sqlite3_step(statement)) == SQLITE_ROW) {
        const char *keys = sqlite3_column_blob(statement, 0);
        *complete = *complete && sqlite3_column_type(statement, 0) == SQLITE_BLOB;
        err = each(context, (sh_slice){keys, (size_t)sqlite3_column_bytes(statement, 0)}, error);
        rc = SQLITE_OK;
    }
    if (err == SH_OK && rc != SQLITE_DONE)
        err = store_sqlite_fail(s, rc, "read", error);
    (void)sqlite3_reset(statement);
    return err;
}

sh_err store_sqlite_parts_end(store *base, const store_part *part, sh_error *error)
{
    return run_part((store_sqlite *)base, STATEMENT_PARTS_END,
                    "DELETE FROM SyncHub_Parts WHERE node = ?1 AND digest = ?2", part, error);
}
