/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/store/sqlite/sqlite_store.h"

#include "libcommon/base/cleanup.h"
#include "libcommon/base/clock.h"
#include "libcommon/base/limits.h"
#include "receiver/store/store_location.h"

/* Transactions, and caches that are valid between them. */

/*
 * Sizes of the write-ahead log in pages that cause a checkpoint when idle, and at a commit. Without
 * checkpoints the log only grows, so a commit also does one, in case the disk is small.
 */
#define WAL_PAGES_REST 1000
#define WAL_PAGES_MOST 16384
#define WAL_DISK_BYTES (512 * SH_MIB)
#define KNOWN_LOAD_INTERVAL_MS 60000 /* minimum interval of reading all MACs */

static sh_err check_place(const store_sqlite *s, sh_error *error)
{
    int moved = 0;
    int rc = sqlite3_file_control(s->db, "main", SQLITE_FCNTL_HAS_MOVED, &moved);
    if (rc == SQLITE_OK && moved != 0)
        return sh_fail(
            error, SH_E_IO,
            "the database %s was removed or replaced while it was open: opening the file "
            "that is at its path now",
            s->path);
    return SH_OK;
}

static sh_err read_data_version(store_sqlite *s, int64_t *ret, sh_error *error)
{
    sqlite3_stmt *statement = NULL;
    sh_err err =
        store_sqlite_statement(s, STATEMENT_DATA_VERSION, "PRAGMA data_version", &statement, error);
    if (err != SH_OK)
        return err;
    int rc = sqlite3_step(statement);
    *ret = rc == SQLITE_ROW ? sqlite3_column_int64(statement, 0) : 0;
    (void)sqlite3_reset(statement);
    return rc == SQLITE_ROW ? SH_OK : store_sqlite_fail(s, rc, "read", error);
}

/* A change by another program may be a restored backup. */
static sh_err check_generation(store_sqlite *s, sh_error *error)
{
    int64_t version = 0;
    sh_error busy = {.code = SH_OK}; /* the next transaction reports other errors */
    sh_err err = read_data_version(s, &version, &busy);
    if (err != SH_OK || version == s->checked_version)
        return SH_OK;
    sh_error reason = {.code = SH_OK};
    err = store_sqlite_generation_check(s, &reason);
    if (err == SH_E_BUSY)
        return SH_OK;
    s->checked_version = version;
    return err == SH_OK ? SH_OK : sh_fail(error, err, "%s", reason.message);
}

/* If it cannot be read, the next transaction reports why. */
sh_err store_sqlite_check(store *base, sh_error *error)
{
    store_sqlite *s = (store_sqlite *)base;
    int64_t version = 0;
    sh_err err = check_place(s, error);
    if (err == SH_OK && store_sqlite_schema_version(s, &version) && version != s->schema_version)
        return sh_fail(error, SH_E_IO,
                       "the tables of the database %s were changed while it was open: their "
                       "columns are read again",
                       s->path);
    return err == SH_OK ? check_generation(s, error) : err;
}

/* --- Known MACs ------------------------------------------------------------------------------- */

void store_sqlite_known_add(store_sqlite *s, const sh_mac *mac)
{
    if (s->trusts_known && mac->number != 0 && !known_macs_add(&s->known, mac))
        s->known_has_all = false;
}

static void forget_known(store_sqlite *s)
{
    known_macs_clear(&s->known);
    s->known_has_all = false;
}

/* Before a rollback: a transaction that inserted nothing leaves the MACs as they were. */
static void forget_inserted(store_sqlite *s)
{
    if (s->has_inserted)
        forget_known(s);
}

/* Whether there may be more devices than fit into the cache; no table is read for it. */
static bool has_too_many(store_sqlite *s)
{
    SH_CLEANUP(store_sqlite_finalize) sqlite3_stmt *statement = NULL;
    return sqlite3_prepare_v2(s->db, "SELECT max(rowid) FROM Devices", -1, &statement, NULL) ==
               SQLITE_OK &&
           sqlite3_step(statement) == SQLITE_ROW &&
           sqlite3_column_int64(statement, 0) > (int64_t)KNOWN_MACS_MAX;
}

/*
 * Those of a table that does not fit are not read, which would take seconds each minute: the
 * devices of the tables that come are added one by one.
 */
static sh_err load_known(store_sqlite *s, sh_error *error)
{
    SH_CLEANUP(store_sqlite_finalize) sqlite3_stmt *statement = NULL;
    s->known_loaded_ms = sh_clock_monotonic_ms();
    if (has_too_many(s))
        return SH_OK;
    s->known_has_all = true;
    int rc = sqlite3_prepare_v2(s->db, "SELECT devMac FROM Devices", -1, &statement, NULL);
    while (rc == SQLITE_OK && (rc = sqlite3_step(statement)) == SQLITE_ROW) {
        sh_mac mac;
        sh_slice text = {(const char *)sqlite3_column_text(statement, 0),
                         (size_t)sqlite3_column_bytes(statement, 0)};
        /* Only MACs in their normalized form. */
        if (text.data != NULL && sh_mac_read(text, &mac, NULL) == SH_OK &&
            sh_text_equals_ignoring_case(text.data, mac.text))
            store_sqlite_known_add(s, &mac);
        rc = SQLITE_OK;
    }
    return rc == SQLITE_DONE ? SH_OK : store_sqlite_fail(s, rc, "read", error);
}

/*
 * In a new transaction: clears the cache if other programs have changed the database, and reads all
 * MACs if that was not done for a while.
 */
static sh_err check_known(store_sqlite *s, sh_error *error)
{
    int64_t version = 0;
    sh_err err = read_data_version(s, &version, error);
    if (err != SH_OK)
        return err;
    if (version != s->data_version) {
        forget_known(s);
        if (s->column_count > 0) /* its tables exist */
            err = store_sqlite_generation_check(s, error);
    }
    if (err != SH_OK)
        return err;
    s->data_version = version;
    s->trusts_known = !s->has_triggers && s->column_count > 0; /* its tables exist */
    bool due = s->known_loaded_ms == 0 ||
               sh_clock_monotonic_ms() - s->known_loaded_ms > KNOWN_LOAD_INTERVAL_MS;
    return s->trusts_known && !s->known_has_all && due ? load_known(s, error) : SH_OK;
}

/* --- Transactions ----------------------------------------------------------------------------- */

void store_sqlite_rollback(store *base)
{
    store_sqlite *s = (store_sqlite *)base;
    s->has_savepoint = false;
    s->trusts_known = false;
    store_sqlite_result_rows_forget(s);
    forget_inserted(s);
    /* After some errors (disk full) SQLite has already rolled back. */
    if (!sqlite3_get_autocommit(s->db))
        (void)store_sqlite_exec(s, "ROLLBACK", "write to", NULL);
}

/*
 * IMMEDIATE: a transaction that reads before it writes could otherwise fail BUSY at its first
 * write.
 */
sh_err store_sqlite_begin(store *base, sh_error *error)
{
    store_sqlite *s = (store_sqlite *)base;
    s->has_savepoint = false;
    s->has_inserted = false;
    sh_err err = store_sqlite_exec(s, "BEGIN IMMEDIATE", "write to", error);
    if (err == SH_OK) {
        err = check_known(s, error);
        if (err != SH_OK)
            store_sqlite_rollback(base);
    }
    return err;
}

sh_err store_sqlite_commit(store *base, sh_error *error)
{
    store_sqlite *s = (store_sqlite *)base;
    s->has_savepoint = false;
    s->trusts_known = false;
    store_sqlite_result_rows_forget(s);
    sh_err err = store_sqlite_generation_next(s, error);
    if (err == SH_OK)
        err = store_sqlite_exec(s, "COMMIT", "write to", error);
    if (err == SH_OK)
        s->generation++;
    return err == SH_OK ? check_place(s, error) : err;
}

/* A passive checkpoint: does not wait for readers. */
static int checkpoint(store_sqlite *s)
{
    int in_log = 0;
    int copied = 0;
    int rc = sqlite3_wal_checkpoint_v2(s->db, "main", SQLITE_CHECKPOINT_PASSIVE, &in_log, &copied);
    if (rc == SQLITE_OK)
        s->wal_pages = in_log - copied;
    return rc;
}

/* After a commit. A failed checkpoint does not affect it, and is repeated when idle. */
int store_sqlite_on_commit(void *context, sqlite3 *db, const char *name, int pages)
{
    store_sqlite *s = context;
    (void)db;
    (void)name;
    s->wal_pages = pages;
    bool much = pages >= WAL_PAGES_MOST;
    if (much || (pages >= WAL_PAGES_REST && !store_place_has_room(s->path, WAL_DISK_BYTES)))
        (void)checkpoint(s);
    return SQLITE_OK;
}

sh_err store_sqlite_rest(store *base, sh_error *error)
{
    store_sqlite *s = (store_sqlite *)base;
    if (s->wal_pages < WAL_PAGES_REST)
        return SH_OK;
    int rc = checkpoint(s);
    if (rc == SQLITE_OK || rc == SQLITE_BUSY) /* BUSY: another program does it */
        return SH_OK;
    return store_sqlite_fail(s, rc, "write to", error);
}

sh_err store_sqlite_savepoint(store *base, sh_error *error)
{
    store_sqlite *s = (store_sqlite *)base;
    sh_err err = SH_OK;
    if (s->has_savepoint)
        err = store_sqlite_exec(s, "RELEASE entry", "write to", error);
    if (err == SH_OK)
        err = store_sqlite_exec(s, "SAVEPOINT entry", "write to", error);
    if (err == SH_OK)
        s->has_savepoint = true;
    return err;
}

sh_err store_sqlite_undo_to_mark(store *base, sh_error *error)
{
    store_sqlite *s = (store_sqlite *)base;
    forget_inserted(s);
    store_sqlite_result_rows_forget(s);
    return store_sqlite_exec(s, "ROLLBACK TO entry", "write to", error);
}
