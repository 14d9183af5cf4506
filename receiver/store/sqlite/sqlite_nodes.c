/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/store/sqlite/sqlite_store.h"

#include "libcommon/base/cleanup.h"
#include "receiver/store/node_info_columns.h"

#include <string.h>

/* Records of merged items and nodes. */

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

/* The order of both the parameters and the result columns. */
#define NODE_COLUMNS                                                                               \
    "node, mode, merged_ms, sent, inserted, known, skipped, set_aside, reason, digest,"            \
    " last_contact_ms, interval_ms, table_order, table_sealed_ms, table_digest, changed_ms,"       \
    " first_contact_ms, presence_fingerprint"

/* … and those that only lists and locks read. */
#define NODE_COLUMNS_READ                                                                          \
    NODE_COLUMNS ", reported_interval_ms, silent_set_ms, " NODE_CONTENT_PROBLEM

static int bind_integers(sqlite3_stmt *statement, int first, const int64_t numbers[], int count)
{
    int rc = SQLITE_OK;
    for (int i = 0; i < count && rc == SQLITE_OK; i++)
        rc = sqlite3_bind_int64(statement, first + i, numbers[i]);
    return rc;
}

static int bind_node(sqlite3_stmt *statement, const store_node *node)
{
    const int64_t rows[] = {node->merged_ms, node->sent,    node->inserted,
                            node->known,     node->skipped, node->set_aside};
    const int64_t times[] = {node->contact.last_ms, node->contact.interval_ms, node->newest.order,
                             node->newest.sealed_ms};
    const int64_t last[] = {node->changed_ms, node->contact.last_ms, node->presence_fingerprint};
    int rc = store_sqlite_bind_text(statement, 1, sh_slice_of(node->node));
    if (rc == SQLITE_OK)
        rc = store_sqlite_bind_text(statement, 2, sh_slice_of(node->mode));
    if (rc == SQLITE_OK)
        rc = bind_integers(statement, 3, rows, 6);
    if (rc == SQLITE_OK)
        rc = store_sqlite_bind_text(statement, 9, sh_slice_of(node->reason));
    if (rc == SQLITE_OK && node->has_digest)
        rc = sqlite3_bind_blob(statement, 10, node->digest, SH_DIGEST_BYTES, SQLITE_STATIC);
    else if (rc == SQLITE_OK)
        rc = sqlite3_bind_null(statement, 10);
    if (rc == SQLITE_OK)
        rc = bind_integers(statement, 11, times, 4);
    if (rc == SQLITE_OK)
        rc = sqlite3_bind_blob(statement, 15, node->newest.digest, SH_DIGEST_BYTES, SQLITE_STATIC);
    if (rc == SQLITE_OK)
        rc = bind_integers(statement, 16, last, 3);
    return rc;
}

static sh_err write_node(store_sqlite *s, int which, const char *sql, const store_node *node,
                         sh_error *error)
{
    sqlite3_stmt *statement = NULL;
    sh_err err = store_sqlite_statement(s, which, sql, &statement, error);
    if (err != SH_OK)
        return err;
    int rc = bind_node(statement, node);
    if (rc == SQLITE_OK)
        rc = store_sqlite_run(statement);
    return rc == SQLITE_OK ? SH_OK : store_sqlite_fail(s, rc, "write to", error);
}

#define INSERT_NODE                                                                                \
    "INSERT INTO SyncHub_Nodes(" NODE_COLUMNS                                                      \
    ") VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16,"              \
    " ?17, ?18)"                                                                                   \
    " ON CONFLICT(node) DO UPDATE SET inserted = inserted + excluded.inserted,"                    \
    " last_contact_ms = excluded.last_contact_ms, interval_ms = excluded.interval_ms,"             \
    " table_order = excluded.table_order,"                                                         \
    " table_sealed_ms = excluded.table_sealed_ms, table_digest = excluded.table_digest,"           \
    " changed_ms = excluded.changed_ms,"                                                           \
    " presence_fingerprint = excluded.presence_fingerprint,"                                       \
    " first_contact_ms = CASE first_contact_ms WHEN 0"                                             \
    " THEN excluded.first_contact_ms ELSE first_contact_ms END"

sh_err store_sqlite_node_record(store *base, const store_node *node, sh_error *error)
{
    return write_node((store_sqlite *)base, STATEMENT_NODE_RECORD,
                      INSERT_NODE ", mode = excluded.mode, merged_ms = excluded.merged_ms,"
                                  " sent = excluded.sent, known = excluded.known,"
                                  " skipped = excluded.skipped, set_aside = excluded.set_aside,"
                                  " reason = excluded.reason, digest = excluded.digest",
                      node, error);
}

sh_err store_sqlite_node_add(store *base, const store_node *node, sh_error *error)
{
    store_node counted = *node;
    counted.sent = counted.known = counted.skipped = counted.set_aside = 0;
    counted.reason[0] = '\0';
    counted.has_digest = false;
    return write_node((store_sqlite *)base, STATEMENT_NODE_ADD, INSERT_NODE, &counted, error);
}

static void read_digest(sqlite3_stmt *statement, int column, uint8_t ret[static SH_DIGEST_BYTES])
{
    if (sqlite3_column_bytes(statement, column) == SH_DIGEST_BYTES)
        memcpy(ret, sqlite3_column_blob(statement, column), SH_DIGEST_BYTES);
}

static void read_node(sqlite3_stmt *statement, store_node *ret)
{
    *ret = (store_node){.merged_ms = sqlite3_column_int64(statement, 2),
                        .sent = sqlite3_column_int64(statement, 3),
                        .inserted = sqlite3_column_int64(statement, 4),
                        .known = sqlite3_column_int64(statement, 5),
                        .skipped = sqlite3_column_int64(statement, 6),
                        .set_aside = sqlite3_column_int64(statement, 7),
                        .contact = {.last_ms = sqlite3_column_int64(statement, 10),
                                    .interval_ms = sqlite3_column_int64(statement, 11),
                                    .reported_ms = sqlite3_column_int64(statement, 18),
                                    .set_ms = sqlite3_column_int64(statement, 19)},
                        .has_content_problem = sqlite3_column_int64(statement, 20) != 0,
                        .changed_ms = sqlite3_column_int64(statement, 15),
                        .presence_fingerprint = sqlite3_column_int64(statement, 17),
                        .newest = {.order = sqlite3_column_int64(statement, 12),
                                   .sealed_ms = sqlite3_column_int64(statement, 13)}};
    store_sqlite_text(statement, 0, ret->node, sizeof ret->node);
    store_sqlite_text(statement, 1, ret->mode, sizeof ret->mode);
    store_sqlite_text(statement, 8, ret->reason, sizeof ret->reason);
    ret->has_digest = sqlite3_column_bytes(statement, 9) == SH_DIGEST_BYTES;
    read_digest(statement, 9, ret->digest);
    read_digest(statement, 14, ret->newest.digest);
}

/* The transaction is the only one that writes. */
sh_err store_sqlite_node_lock(store *base, const char *node, bool create, store_node *ret,
                              sh_error *error)
{
    store_sqlite *s = (store_sqlite *)base;
    sqlite3_stmt *statement = NULL;
    (void)create;
    *ret = (store_node){.merged_ms = 0};
    sh_err err = store_sqlite_statement(
        s, STATEMENT_NODE_LOCK, "SELECT " NODE_COLUMNS_READ " FROM SyncHub_Nodes WHERE node = ?1",
        &statement, error);
    if (err != SH_OK)
        return err;
    int rc = store_sqlite_bind_text(statement, 1, sh_slice_of(node));
    if (rc == SQLITE_OK)
        rc = sqlite3_step(statement);
    if (rc == SQLITE_ROW)
        read_node(statement, ret);
    else if (rc != SQLITE_DONE)
        err = store_sqlite_fail(s, rc, "read", error);
    (void)sqlite3_reset(statement);
    return err;
}

sh_err store_sqlite_nodes(store *base, store_node_each each, void *context, sh_error *error)
{
    store_sqlite *s = (store_sqlite *)base;
    if (!s->has_nodes) /* no receiver has opened this NetAlertX database yet */
        return SH_OK;
    SH_CLEANUP(store_sqlite_finalize) sqlite3_stmt *statement = NULL;
    int rc =
        sqlite3_prepare_v2(s->db, "SELECT " NODE_COLUMNS_READ " FROM SyncHub_Nodes ORDER BY node",
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
