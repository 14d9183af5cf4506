/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/base/cleanup.h"
#include "receiver/store/backup_contents.h"
#include "receiver/store/backup_file.h"
#include "receiver/store/sqlite/sqlite_store.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Files of backups as a whole. Their rows: sqlite_backup_rows.c. */

/* A backup may be in a folder where SQLite cannot create its files; then nobody writes it. */
static int open_unchanged(const char *path, sqlite3 **ret)
{
    char *uri = sqlite3_mprintf("file:%s?immutable=1", path);
    bool plain = strpbrk(path, "?#%") == NULL; /* other names would have to be escaped */
    char *log = sqlite3_mprintf("%s-wal", path);
    int rc = SQLITE_CANTOPEN;
    if (uri != NULL && log != NULL && plain && access(log, F_OK) != 0)
        rc = sqlite3_open_v2(uri, ret, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX,
                             NULL);
    sqlite3_free(uri);
    sqlite3_free(log);
    return rc;
}

static bool is_readable(sqlite3 *db)
{
    int rc = sqlite3_exec(db, "SELECT 1 FROM sqlite_master", NULL, NULL, NULL) & 0xff;
    return rc != SQLITE_CANTOPEN && rc != SQLITE_READONLY;
}

sh_err backup_file_open(const char *path, bool writable, store **ret, sh_error *error)
{
    int access_flag = writable ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY;
    store_sqlite *s = store_sqlite_new(path, error);
    if (s == NULL)
        return SH_E_MEMORY;
    int rc = sqlite3_open_v2(s->path, &s->db, access_flag | SQLITE_OPEN_NOMUTEX, NULL);
    if (rc == SQLITE_OK && !writable && !is_readable(s->db)) {
        (void)sqlite3_close(s->db);
        s->db = NULL;
        rc = open_unchanged(path, &s->db);
    }
    sh_err err = SH_OK;
    if (rc != SQLITE_OK)
        err = store_sqlite_fail(s, rc, "open", error);
    if (err == SH_OK) {
        (void)sqlite3_extended_result_codes(s->db, 1);
        (void)sqlite3_busy_timeout(s->db, SQLITE_BUSY_TIMEOUT_MS);
        /* What a damaged or forged file has as its schema must not do anything. */
        (void)sqlite3_db_config(s->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
        (void)sqlite3_db_config(s->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
        err =
            store_sqlite_exec(s, "PRAGMA mmap_size = 0; PRAGMA cell_size_check = 1", "open", error);
    }
    if (err != SH_OK) {
        store_close(&s->base);
        return err;
    }
    *ret = &s->base;
    return SH_OK;
}

sh_err backup_file_run(store *file, const char *sql, sh_error *error)
{
    return store_sqlite_exec((store_sqlite *)file, sql, "write to", error);
}

sh_err backup_file_tables(store *file, backup_tables *ret, sh_error *error)
{
    store_sqlite *s = (store_sqlite *)file;
    SH_CLEANUP(store_sqlite_finalize) sqlite3_stmt *statement = NULL;
    ret->count = 0;
    int rc = sqlite3_prepare_v2(s->db,
                                "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name",
                                -1, &statement, NULL);
    while (rc == SQLITE_OK && (rc = sqlite3_step(statement)) == SQLITE_ROW) {
        char name[SH_COLUMN_NAME_BYTES] = "";
        store_sqlite_text(statement, 0, name, sizeof name);
        rc = SQLITE_OK;
        if (!backup_contains_table(name))
            continue;
        if (ret->count == BACKUP_TABLES_MAX)
            return sh_fail(error, SH_E_LIMIT, "%s has more than %d tables", s->path,
                           BACKUP_TABLES_MAX);
        memcpy(ret->names[ret->count++], name, sizeof name);
    }
    return rc == SQLITE_DONE ? SH_OK : store_sqlite_fail(s, rc, "read", error);
}

sh_err backup_file_owner(store *file, bool *is_own, bool *is_netalertx, sh_error *error)
{
    backup_tables *tables = calloc(1, sizeof *tables);
    char kind[STORE_META_BYTES] = "";
    bool devices = false, meta = false;
    if (tables == NULL)
        return sh_fail(error, SH_E_MEMORY, "out of memory");
    sh_err err = backup_file_tables(file, tables, error);
    for (size_t i = 0; err == SH_OK && i < tables->count; i++) {
        devices = devices || strcmp(tables->names[i], "Devices") == 0;
        meta = meta || strcmp(tables->names[i], "SyncHub_Meta") == 0;
    }
    free(tables);
    if (err == SH_OK && meta)
        err = file->ops->meta_get(file, "database", kind, error);
    *is_own = strcmp(kind, "own") == 0;
    *is_netalertx = devices && !*is_own;
    return err;
}

sh_err backup_file_check(store *file, sh_error *error)
{
    store_sqlite *s = (store_sqlite *)file;
    SH_CLEANUP(store_sqlite_finalize) sqlite3_stmt *statement = NULL;
    char message[200] = "";
    int rc = sqlite3_prepare_v2(s->db, "PRAGMA integrity_check(1)", -1, &statement, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_step(statement);
    if (rc != SQLITE_ROW)
        return store_sqlite_fail(s, rc, "read", error);
    store_sqlite_text(statement, 0, message, sizeof message);
    if (strcmp(message, "ok") == 0)
        return SH_OK;
    return sh_fail(error, SH_E_FORMAT, "%s is damaged: %.*s", s->path, (int)strcspn(message, "\n"),
                   message);
}

/* VACUUM reads in one transaction, so that others may write meanwhile, and builds the file anew. */
sh_err backup_file_copy(store *file, const char *to, sh_error *error)
{
    store_sqlite *s = (store_sqlite *)file;
    SH_CLEANUP(store_sqlite_finalize) sqlite3_stmt *statement = NULL;
    int rc = sqlite3_prepare_v2(s->db, "VACUUM INTO ?1", -1, &statement, NULL);
    if (rc == SQLITE_OK)
        rc = store_sqlite_bind_text(statement, 1, sh_slice_of(to));
    if (rc == SQLITE_OK)
        rc = store_sqlite_run(statement);
    if (rc == SQLITE_OK)
        return SH_OK;
    sh_error reason = {.code = SH_OK};
    sh_err err = store_sqlite_fail(s, rc, "read", &reason);
    return sh_fail(error, err, "cannot copy it to %s: %s", to, reason.message);
}

void backup_file_remove_log(const char *path)
{
    static const char *const suffixes[] = {"-wal", "-shm", "-journal"};
    sqlite3 *db = NULL;
    if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) == SQLITE_OK)
        (void)sqlite3_wal_checkpoint_v2(db, "main", SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
    (void)sqlite3_close(db);
    for (size_t i = 0; i < sizeof suffixes / sizeof suffixes[0]; i++) {
        char *name = sqlite3_mprintf("%s%s", path, suffixes[i]);
        if (name != NULL)
            (void)unlink(name);
        sqlite3_free(name);
    }
}
