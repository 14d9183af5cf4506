/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/store/sqlite/sqlite_store.h"

#include "libcommon/base/limits.h"
#include "receiver/store/store_common.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Statements, and classification of their failures. */

sh_err store_sqlite_fail(const store_sqlite *s, int rc, const char *doing, sh_error *error)
{
    const char *why = s->db == NULL ? sqlite3_errstr(rc) : sqlite3_errmsg(s->db);
    switch (rc & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return sh_fail(error, SH_E_BUSY,
                       "cannot %s the database %s: another program has kept it locked for more "
                       "than %d s",
                       doing, s->path, SQLITE_BUSY_TIMEOUT_MS / 1000);
    case SQLITE_NOMEM:
        return sh_fail(error, SH_E_MEMORY, "out of memory: cannot %s the database", doing);
    case SQLITE_FULL:
        return sh_fail(error, SH_E_IO,
                       "cannot %s the database %s: its disk is full: make room there", doing,
                       s->path);
    case SQLITE_IOERR: {
        int number = sqlite3_system_errno(s->db);
        return sh_fail(error, SH_E_IO,
                       "cannot %s the database %s: its disk failed (%s): see the system's log",
                       doing, s->path, number == 0 ? sqlite3_errstr(rc) : strerror(number));
    }
    case SQLITE_READONLY:
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
        return sh_fail(error, SH_E_IO,
                       "cannot %s the database %s as uid %u (%s): its file, its folder and the "
                       "files FILE-wal and FILE-shm beside it must be accessible to that user",
                       doing, s->path, (unsigned)geteuid(), why);
    case SQLITE_CORRUPT:
        return sh_fail(
            error, SH_E_IO,
            "cannot %s the database %s: it is damaged, or its disk failed (%s): if `PRAGMA "
            "integrity_check` of the sqlite3 program finds damage, restore a backup",
            doing, s->path, why);
    case SQLITE_NOTADB:
        return sh_fail(error, SH_E_IO,
                       "%s is not an SQLite database: SYNC_db must name one, or a file that does "
                       "not exist yet",
                       s->path);
    default:
        return sh_fail(error, SH_E_IO, "cannot %s the database %s: %s", doing, s->path, why);
    }
}

sh_err store_sqlite_exec(store_sqlite *s, const char *sql, const char *doing, sh_error *error)
{
    int rc = sqlite3_exec(s->db, sql, NULL, NULL, NULL);
    return rc == SQLITE_OK ? SH_OK : store_sqlite_fail(s, rc, doing, error);
}

sh_err store_sqlite_statement(store_sqlite *s, int which, const char *sql, sqlite3_stmt **ret,
                              sh_error *error)
{
    if (s->statements[which] == NULL) {
        int rc = sqlite3_prepare_v3(s->db, sql, -1, SQLITE_PREPARE_PERSISTENT,
                                    &s->statements[which], NULL);
        if (rc != SQLITE_OK)
            return store_sqlite_fail(s, rc, "use", error);
    }
    *ret = s->statements[which];
    return SH_OK;
}

int store_sqlite_run(sqlite3_stmt *statement)
{
    int rc = sqlite3_step(statement);
    int reset = sqlite3_reset(statement);
    if (rc != SQLITE_DONE && rc != SQLITE_ROW)
        return reset != SQLITE_OK ? reset : rc;
    return SQLITE_OK;
}

int store_sqlite_bind_text(sqlite3_stmt *statement, int index, sh_slice text)
{
    return sqlite3_bind_text64(statement, index, text.len == 0 ? "" : text.data, text.len,
                               SQLITE_STATIC, SQLITE_UTF8);
}

void store_sqlite_finalize(sqlite3_stmt **statement)
{
    (void)sqlite3_finalize(*statement);
}

void store_sqlite_text(sqlite3_stmt *statement, int column, char *ret, size_t ret_bytes)
{
    const unsigned char *text = sqlite3_column_text(statement, column);
    store_text_copy(ret, ret_bytes, text == NULL ? "" : (const char *)text);
}
