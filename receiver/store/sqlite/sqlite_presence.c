/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/store/sqlite/sqlite_store.h"

static void read_row(sqlite3_stmt *statement, store_presence *ret)
{
    *ret = (store_presence){
        .mac = {(const char *)sqlite3_column_text(statement, 0),
                (size_t)sqlite3_column_bytes(statement, 0)},
        .present = (store_present)sqlite3_column_int(statement, 1),
        .since_ms = sqlite3_column_int64(statement, 2),
        .first_seen_ms = sqlite3_column_int64(statement, 3),
        .connected_ms = sqlite3_column_int64(statement, 4),
        .ip = {(const char *)sqlite3_column_text(statement, 5),
               (size_t)sqlite3_column_bytes(statement, 5)},
    };
}

sh_err store_sqlite_presence_read(store *base, const char *node, store_presence_each each,
                                  void *context, sh_error *error)
{
    store_sqlite *s = (store_sqlite *)base;
    sqlite3_stmt *statement = NULL;
    sh_err err =
        store_sqlite_statement(s, STATEMENT_PRESENCE_READ,
                               "SELECT mac, present, since_ms, first_seen_ms, last_connection_ms,"
                               " ip FROM SyncHub_Presence WHERE node = ?1",
                               &statement, error);
    if (err != SH_OK)
        return err;
    int rc = store_sqlite_bind_text(statement, 1, sh_slice_of(node));
    while (rc == SQLITE_OK && err == SH_OK && (rc = sqlite3_step(statement)) == SQLITE_ROW) {
        store_presence row;
        read_row(statement, &row);
        err = each(context, &row, error);
        rc = SQLITE_OK;
    }
    if (err == SH_OK && rc != SQLITE_DONE)
        err = store_sqlite_fail(s, rc, "read", error);
    (void)sqlite3_reset(statement);
    return err;
}

static int put_row(sqlite3_stmt *statement, const store_presence *row)
{
    const int64_t numbers[] = {row->present, row->since_ms, row->first_seen_ms, row->connected_ms};
    int rc = store_sqlite_bind_text(statement, 2, row->mac);
    for (int i = 0; i < 4 && rc == SQLITE_OK; i++)
        rc = sqlite3_bind_int64(statement, 3 + i, numbers[i]);
    if (rc == SQLITE_OK)
        rc = store_sqlite_bind_text(statement, 7, row->ip);
    return rc == SQLITE_OK ? store_sqlite_run(statement) : rc;
}

sh_err store_sqlite_presence_put(store *base, const char *node, const store_presence rows[],
                                 size_t count, sh_error *error)
{
    store_sqlite *s = (store_sqlite *)base;
    sqlite3_stmt *statement = NULL;
    sh_err err = store_sqlite_statement(
        s, STATEMENT_PRESENCE_PUT,
        "INSERT INTO SyncHub_Presence(node, mac, present, since_ms, first_seen_ms,"
        " last_connection_ms, ip) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)"
        " ON CONFLICT(node, mac) DO UPDATE SET present = excluded.present,"
        " since_ms = excluded.since_ms, last_connection_ms = excluded.last_connection_ms,"
        " ip = excluded.ip",
        &statement, error);
    if (err != SH_OK)
        return err;
    int rc = store_sqlite_bind_text(statement, 1, sh_slice_of(node));
    for (size_t i = 0; i < count && rc == SQLITE_OK; i++)
        rc = put_row(statement, &rows[i]);
    return rc == SQLITE_OK ? SH_OK : store_sqlite_fail(s, rc, "write to", error);
}

sh_err store_sqlite_presence_trim(store *base, const char *node, int64_t count, sh_error *error)
{
    store_sqlite *s = (store_sqlite *)base;
    sqlite3_stmt *statement = NULL;
    sh_err err = store_sqlite_statement(
        s, STATEMENT_PRESENCE_TRIM,
        "DELETE FROM SyncHub_Presence WHERE node = ?1 AND mac IN (SELECT mac"
        " FROM SyncHub_Presence WHERE node = ?1 ORDER BY present <> 0, since_ms LIMIT ?2)",
        &statement, error);
    if (err != SH_OK)
        return err;
    int rc = store_sqlite_bind_text(statement, 1, sh_slice_of(node));
    if (rc == SQLITE_OK)
        rc = sqlite3_bind_int64(statement, 2, count);
    if (rc == SQLITE_OK)
        rc = store_sqlite_run(statement);
    return rc == SQLITE_OK ? SH_OK : store_sqlite_fail(s, rc, "write to", error);
}
