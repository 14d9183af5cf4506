/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/store/sqlite/sqlite_store.h"

#include "libcommon/base/cleanup.h"

#include <string.h>

/* What is recorded of merged items and of nodes. */

sh_err store_sqlite_item_note(store *base, const store_item *item, bool *seen, sh_error *error)
{
    store_sqlite *s = (store_sqlite *)base;
    sqlite3_stmt *statement = NULL;
    sh_err err =
        store_sqlite_statement(s, STATEMENT_ITEM_NOTE,
                               "INSERT INTO SyncHub_Items(id, merged_ms, node) VALUES(?1, ?2, ?3)"
                               " ON CONFLICT(id) DO NOTHING",
                               &statement, error);
    if (err != SH_OK)
        return err;
    int rc = sqlite3_bind_blob(statement, 1, item->id, SH_ID_BYTES, SQLITE_STATIC);
    if (rc == SQLITE_OK)
        rc = sqlite3_bind_int64(statement, 2, item->now_ms);
    if (rc == SQLITE_OK)
        rc = sqlite3_bind_text(statement, 3, item->node, -1, SQLITE_STATIC);
    if (rc == SQLITE_OK)
        rc = store_sqlite_run(statement);
    if (rc != SQLITE_OK)
        return store_sqlite_fail(s, rc, "write to", error);
    *seen = sqlite3_changes(s->db) == 0;
    return SH_OK;
}

sh_err store_sqlite_item_unnote(store *base, const uint8_t id[static SH_ID_BYTES], sh_error *error)
{
    store_sqlite *s = (store_sqlite *)base;
    sqlite3_stmt *statement = NULL;
    sh_err err = store_sqlite_statement(
        s, STATEMENT_ITEM_UNNOTE, "DELETE FROM SyncHub_Items WHERE id = ?1", &statement, error);
    if (err != SH_OK)
        return err;
    int rc = sqlite3_bind_blob(statement, 1, id, SH_ID_BYTES, SQLITE_STATIC);
    if (rc == SQLITE_OK)
        rc = store_sqlite_run(statement);
    return rc == SQLITE_OK ? SH_OK : store_sqlite_fail(s, rc, "write to", error);
}

static int bind_node(sqlite3_stmt *statement, const store_node *node)
{
    const int64_t numbers[] = {node->merged_ms, node->sent,    node->inserted,
                               node->known,     node->skipped, node->set_aside};
    int rc = store_sqlite_bind_text(statement, 1, sh_slice_of(node->node));
    if (rc == SQLITE_OK)
        rc = store_sqlite_bind_text(statement, 2, sh_slice_of(node->mode));
    for (int i = 0; i < 6 && rc == SQLITE_OK; i++)
        rc = sqlite3_bind_int64(statement, 3 + i, numbers[i]);
    if (rc == SQLITE_OK)
        rc = store_sqlite_bind_text(statement, 9, sh_slice_of(node->reason));
    if (rc != SQLITE_OK)
        return rc;
    if (!node->has_digest)
        return sqlite3_bind_null(statement, 10);
    return sqlite3_bind_blob(statement, 10, node->digest, SH_DIGEST_BYTES, SQLITE_STATIC);
}

sh_err store_sqlite_node_record(store *base, const store_node *node, sh_error *error)
{
    store_sqlite *s = (store_sqlite *)base;
    sqlite3_stmt *statement = NULL;
    sh_err err = store_sqlite_statement(
        s, STATEMENT_NODE_RECORD,
        "INSERT INTO SyncHub_Nodes(node, mode, merged_ms, sent, inserted, known, skipped,"
        " set_aside, reason, digest) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)"
        " ON CONFLICT(node) DO UPDATE SET mode = excluded.mode, merged_ms = excluded.merged_ms,"
        " sent = excluded.sent, inserted = inserted + excluded.inserted, known = excluded.known,"
        " skipped = excluded.skipped, set_aside = excluded.set_aside, reason = excluded.reason,"
        " digest = excluded.digest",
        &statement, error);
    if (err != SH_OK)
        return err;
    int rc = bind_node(statement, node);
    if (rc == SQLITE_OK)
        rc = store_sqlite_run(statement);
    return rc == SQLITE_OK ? SH_OK : store_sqlite_fail(s, rc, "write to", error);
}

static void read_node(sqlite3_stmt *statement, store_node *ret)
{
    *ret = (store_node){.merged_ms = sqlite3_column_int64(statement, 2),
                        .sent = sqlite3_column_int64(statement, 3),
                        .inserted = sqlite3_column_int64(statement, 4),
                        .known = sqlite3_column_int64(statement, 5),
                        .skipped = sqlite3_column_int64(statement, 6),
                        .set_aside = sqlite3_column_int64(statement, 7)};
    store_sqlite_text(statement, 0, ret->node, sizeof ret->node);
    store_sqlite_text(statement, 1, ret->mode, sizeof ret->mode);
    store_sqlite_text(statement, 8, ret->reason, sizeof ret->reason);
    ret->has_digest = sqlite3_column_bytes(statement, 9) == SH_DIGEST_BYTES;
    if (ret->has_digest)
        memcpy(ret->digest, sqlite3_column_blob(statement, 9), SH_DIGEST_BYTES);
}

sh_err store_sqlite_nodes(store *base, store_node_each each, void *context, sh_error *error)
{
    store_sqlite *s = (store_sqlite *)base;
    if (!s->has_nodes) /* a NetAlertX database that no receiver has opened yet */
        return SH_OK;
    SH_CLEANUP(store_sqlite_finalize) sqlite3_stmt *statement = NULL;
    int rc = sqlite3_prepare_v2(s->db,
                                "SELECT node, mode, merged_ms, sent, inserted, known, skipped,"
                                " set_aside, reason, digest FROM SyncHub_Nodes ORDER BY node",
                                -1, &statement, NULL);
    if (rc != SQLITE_OK)
        return store_sqlite_fail(s, rc, "read", error);
    while ((rc = sqlite3_step(statement)) == SQLITE_ROW) {
        store_node node;
        read_node(statement, &node);
        sh_err err = each(context, &node, error);
        if (err != SH_OK)
            return err;
    }
    return rc == SQLITE_DONE ? SH_OK : store_sqlite_fail(s, rc, "read", error);
}
