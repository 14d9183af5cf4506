/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/store/sqlite/sqlite_store.h"

#include "libcommon/base/cleanup.h"

/* Lists of the hub's state. BEGIN IMMEDIATE excludes other writers, so it is the only lock. */

/* A transaction that reads one state of the database. */
sh_err store_sqlite_state_read_begin(store *base, sh_error *error)
{
    return store_sqlite_exec((store_sqlite *)base, "BEGIN", "read", error);
}

static sh_slice text_at(sqlite3_stmt *statement, int column)
{
    const char *text = (const char *)sqlite3_column_text(statement, column);
    if (text == NULL)
        return (sh_slice){"", 0};
    return (sh_slice){text, (size_t)sqlite3_column_bytes(statement, column)};
}

/* Passes up to three columns of each row. */
static sh_err give_rows(store_sqlite *s, sqlite3_stmt *statement, const store_state_reader *reader,
                        sh_error *error)
{
    int columns = sqlite3_column_count(statement);
    int rc;
    while ((rc = sqlite3_step(statement)) == SQLITE_ROW) {
        const store_state_entry entry = {
            .key = text_at(statement, 0),
            .value = columns > 1 ? text_at(statement, 1) : (sh_slice){"", 0},
            .changed_ms = columns > 2 ? sqlite3_column_int64(statement, 2) : 0,
        };
        sh_err err = reader->each(reader->context, &entry, error);
        if (err != SH_OK)
            return err;
    }
    return rc == SQLITE_DONE ? SH_OK : store_sqlite_fail(s, rc, "use", error);
}

sh_err store_sqlite_state_find(store *base, const char *sql, const char *key,
                               const store_state_reader *reader, sh_error *error)
{
    store_sqlite *s = (store_sqlite *)base;
    SH_CLEANUP(store_sqlite_finalize) sqlite3_stmt *statement = NULL;
    int rc = sqlite3_prepare_v2(s->db, sql, -1, &statement, NULL);
    if (rc == SQLITE_OK && key != NULL)
        rc = store_sqlite_bind_text(statement, 1, sh_slice_of(key));
    if (rc != SQLITE_OK)
        return store_sqlite_fail(s, rc, "use", error);
    return give_rows(s, statement, reader, error);
}

sh_err store_sqlite_state_each(store *base, const char *sql, const store_state_reader *reader,
                               sh_error *error)
{
    return store_sqlite_state_find(base, sql, NULL, reader, error);
}

sh_err store_sqlite_state_put(store *base, const char *sql, const store_state_entry *entry,
                              sh_error *error)
{
    store_sqlite *s = (store_sqlite *)base;
    SH_CLEANUP(store_sqlite_finalize) sqlite3_stmt *statement = NULL;
    int rc = sqlite3_prepare_v2(s->db, sql, -1, &statement, NULL);
    if (rc == SQLITE_OK)
        rc = store_sqlite_bind_text(statement, 1, entry->key);
    if (rc == SQLITE_OK)
        rc = store_sqlite_bind_text(statement, 2, entry->value);
    if (rc == SQLITE_OK)
        rc = sqlite3_bind_int64(statement, 3, entry->changed_ms);
    if (rc == SQLITE_OK)
        rc = store_sqlite_run(statement);
    return rc == SQLITE_OK ? SH_OK : store_sqlite_fail(s, rc, "write to", error);
}
