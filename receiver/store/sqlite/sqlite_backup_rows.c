/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/base/cleanup.h"
#include "receiver/store/backup_rows.h"
#include "receiver/store/sqlite/sqlite_store.h"

#include <string.h>

/* Rows of any table, for backups. */

#define ROWS_SQL_MAX (64 * SH_KIB)

/*
 * The name of a table here; NULL if it is not Sync Hub's: NetAlertX has its own Devices, and
 * Sync Hub's results beside its tables may be in a table with another name.
 */
static const char *name_here(const store_sqlite *s, const char *table)
{
    if (s->is_shared && strcmp(table, "Devices") == 0)
        return NULL;
    if (s->is_shared && strcmp(table, "Plugins_Objects") == 0)
        return strcmp(s->result_table, table) == 0 ? NULL : s->result_table;
    return table;
}

sh_err store_sqlite_table_columns(store *base, const char *table, backup_table *ret,
                                  sh_error *error)
{
    store_sqlite *s = (store_sqlite *)base;
    SH_CLEANUP(store_sqlite_finalize) sqlite3_stmt *statement = NULL;
    const char *name = name_here(s, table);
    (void)snprintf(ret->name, sizeof ret->name, "%s", table);
    ret->count = 0;
    if (name == NULL)
        return SH_OK;
    int rc =
        sqlite3_prepare_v2(s->db, "SELECT name FROM pragma_table_info(?1)", -1, &statement, NULL);
    if (rc == SQLITE_OK)
        rc = store_sqlite_bind_text(statement, 1, sh_slice_of(name));
    while (rc == SQLITE_OK && (rc = sqlite3_step(statement)) == SQLITE_ROW) {
        if (ret->count == SH_COLUMNS_MAX)
            return sh_fail(error, SH_E_LIMIT, "%s in %s has more than %d columns", name, s->path,
                           SH_COLUMNS_MAX);
        store_sqlite_text(statement, 0, ret->columns[ret->count++], SH_COLUMN_NAME_BYTES);
        rc = SQLITE_OK;
    }
    return rc == SQLITE_DONE ? SH_OK : store_sqlite_fail(s, rc, "read", error);
}

/* Appends a quoted name. */
static sh_err append_name(sh_buf *sql, const char *name)
{
    char *quoted = sqlite3_mprintf("\"%w\"", name);
    sh_err err = quoted == NULL ? SH_E_MEMORY : sh_buf_append_text(sql, quoted);
    sqlite3_free(quoted);
    return err;
}

static sh_err append_columns(sh_buf *sql, const backup_table *table)
{
    sh_err err = SH_OK;
    for (size_t i = 0; i < table->count && err == SH_OK; i++) {
        err = sh_buf_append_text(sql, i == 0 ? "" : ", ");
        if (err == SH_OK)
            err = append_name(sql, table->columns[i]);
    }
    return err;
}

static void read_value(sqlite3_stmt *statement, int column, backup_value *ret)
{
    int type = sqlite3_column_type(statement, column);
    *ret = (backup_value){.kind = BACKUP_NULL};
    if (type == SQLITE_NULL)
        return;
    if (type == SQLITE_INTEGER) {
        ret->kind = BACKUP_INTEGER;
        ret->integer = sqlite3_column_int64(statement, column);
        return;
    }
    ret->kind = type == SQLITE_BLOB ? BACKUP_BYTES : BACKUP_TEXT;
    const void *bytes = type == SQLITE_BLOB ? sqlite3_column_blob(statement, column)
                                            : (const void *)sqlite3_column_text(statement, column);
    size_t len = (size_t)sqlite3_column_bytes(statement, column);
    ret->bytes = (sh_slice){len == 0 || bytes == NULL ? "" : bytes, bytes == NULL ? 0 : len};
}

static sh_err give_rows(store_sqlite *s, sqlite3_stmt *statement, const backup_reader *reader,
                        sh_error *error)
{
    backup_value values[SH_COLUMNS_MAX];
    int count = sqlite3_column_count(statement);
    int rc;
    while ((rc = sqlite3_step(statement)) == SQLITE_ROW) {
        for (int i = 0; i < count; i++)
            read_value(statement, i, &values[i]);
        sh_err err = reader->each(reader->context, values, error);
        if (err != SH_OK)
            return err;
    }
    return rc == SQLITE_DONE ? SH_OK : store_sqlite_fail(s, rc, "read", error);
}

/* NOT INDEXED: in the order of the table itself, which is that of insertion for Devices. */
sh_err store_sqlite_rows_read(store *base, const backup_table *table, const backup_reader *reader,
                              sh_error *error)
{
    store_sqlite *s = (store_sqlite *)base;
    SH_CLEANUP(sh_buf_reset) sh_buf sql = SH_BUF_INIT(ROWS_SQL_MAX);
    SH_CLEANUP(store_sqlite_finalize) sqlite3_stmt *statement = NULL;
    sh_err err = sh_buf_append_text(&sql, "SELECT ");
    if (err == SH_OK)
        err = append_columns(&sql, table);
    if (err == SH_OK)
        err = sh_buf_append_text(&sql, " FROM ");
    if (err == SH_OK)
        err = append_name(&sql, name_here(s, table->name));
    if (err == SH_OK)
        err = sh_buf_append_text(&sql, " NOT INDEXED");
    if (err != SH_OK)
        return sh_fail(error, err, "out of memory: cannot read the database");
    int rc = sqlite3_prepare_v2(s->db, sql.data, -1, &statement, NULL);
    return rc == SQLITE_OK ? give_rows(s, statement, reader, error)
                           : store_sqlite_fail(s, rc, "read", error);
}

sh_err store_sqlite_rows_clear(store *base, const char *table, sh_error *error)
{
    store_sqlite *s = (store_sqlite *)base;
    const char *name = name_here(s, table);
    char sql[SH_COLUMN_NAME_BYTES + 32];
    if (name == NULL)
        return SH_OK;
    (void)sqlite3_snprintf((int)sizeof sql, sql, "DELETE FROM \"%w\"", name);
    return store_sqlite_exec(s, sql, "write to", error);
}

/* A row may be there already: a new database has some values in SyncHub_Meta. */
sh_err store_sqlite_rows_begin(store *base, const backup_table *table, sh_error *error)
{
    store_sqlite *s = (store_sqlite *)base;
    SH_CLEANUP(sh_buf_reset) sh_buf sql = SH_BUF_INIT(ROWS_SQL_MAX);
    sh_err err = sh_buf_append_text(&sql, "INSERT OR REPLACE INTO ");
    if (err == SH_OK)
        err = append_name(&sql, name_here(s, table->name));
    if (err == SH_OK)
        err = sh_buf_append_text(&sql, "(");
    if (err == SH_OK)
        err = append_columns(&sql, table);
    for (size_t i = 0; i < table->count && err == SH_OK; i++)
        err = sh_buf_append_text(&sql, i == 0 ? ") VALUES(?" : ", ?");
    if (err == SH_OK)
        err = sh_buf_append_text(&sql, ")");
    if (err != SH_OK)
        return sh_fail(error, err, "out of memory: cannot write to the database");
    int rc = sqlite3_prepare_v2(s->db, sql.data, -1, &s->row_insert, NULL);
    return rc == SQLITE_OK ? SH_OK : store_sqlite_fail(s, rc, "write to", error);
}

static int bind_value(sqlite3_stmt *statement, int index, const backup_value *value)
{
    switch (value->kind) {
    case BACKUP_NULL:
        return sqlite3_bind_null(statement, index);
    case BACKUP_INTEGER:
        return sqlite3_bind_int64(statement, index, value->integer);
    case BACKUP_TEXT:
        return store_sqlite_bind_text(statement, index, value->bytes);
    default:
        return sqlite3_bind_blob64(statement, index, value->bytes.len == 0 ? "" : value->bytes.data,
                                   value->bytes.len, SQLITE_STATIC);
    }
}

sh_err store_sqlite_rows_add(store *base, const backup_table *table, const backup_value values[],
                             sh_error *error)
{
    store_sqlite *s = (store_sqlite *)base;
    int rc = SQLITE_OK;
    for (size_t i = 0; i < table->count && rc == SQLITE_OK; i++)
        rc = bind_value(s->row_insert, (int)i + 1, &values[i]);
    if (rc == SQLITE_OK)
        rc = store_sqlite_run(s->row_insert);
    return rc == SQLITE_OK ? SH_OK : store_sqlite_fail(s, rc, "write to", error);
}

sh_err store_sqlite_rows_end(store *base, sh_error *error)
{
    store_sqlite *s = (store_sqlite *)base;
    (void)error;
    (void)sqlite3_finalize(s->row_insert);
    s->row_insert = NULL;
    return SH_OK;
}
