/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/store/sqlite/sqlite_store.h"

#include "libcommon/base/cleanup.h"
#include "libcommon/base/clock.h"
#include "libcommon/base/hex.h"
#include "libcommon/base/limits.h"
#include "receiver/store/store_place.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BUSY_TIMEOUT_MS 5000
/*
 * Pages in the write-ahead log from which they are copied to the file at rest, and at a commit. A
 * log that is not copied keeps its room, so on a disk with little of it a commit copies, too.
 */
#define WAL_PAGES_REST 1000
#define WAL_PAGES_MOST 16384
#define WAL_DISK_BYTES (512 * SH_MIB)
#define KNOWN_LOAD_INTERVAL_MS 60000 /* all MACs are read so often at most */

sh_err store_sqlite_fail(const store_sqlite *s, int rc, const char *doing, sh_error *error)
{
    const char *why = s->db == NULL ? sqlite3_errstr(rc) : sqlite3_errmsg(s->db);
    switch (rc & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return sh_fail(error, SH_E_BUSY,
                       "cannot %s the database %s: another program has kept it locked for more "
                       "than %d s",
                       doing, s->path, BUSY_TIMEOUT_MS / 1000);
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
    (void)snprintf(ret, ret_bytes, "%s", text == NULL ? "" : (const char *)text);
}

static void sqlite_close(store *base)
{
    store_sqlite *s = (store_sqlite *)base;
    for (int i = 0; i < STATEMENTS; i++)
        (void)sqlite3_finalize(s->statements[i]);
    (void)sqlite3_close(s->db); /* rolls an open transaction back */
    store_sqlite_result_rows_forget(s);
    known_macs_reset(&s->known);
    free(s->path);
    free(s);
}

static const sh_column *sqlite_columns(const store *base, size_t *count)
{
    const store_sqlite *s = (const store_sqlite *)base;
    *count = s->column_count;
    return s->columns;
}

static store_pace sqlite_pace(const store *base)
{
    const store_sqlite *s = (const store_sqlite *)base;
    return s->is_shared ? store_pace_shared() : store_pace_own();
}

static sh_err check_place(const store_sqlite *s, sh_error *error)
{
    int moved = 0;
    int rc = sqlite3_file_control(s->db, "main", SQLITE_FCNTL_HAS_MOVED, &moved);
    if (rc == SQLITE_OK && moved != 0)
        return sh_fail(error, SH_E_IO,
                       "the database %s was removed or replaced while it was open: the file that "
                       "is at its path now is used",
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

/* Somebody else's change may be a backup that was put back. */
static sh_err check_generation(store_sqlite *s, sh_error *error)
{
    int64_t version = 0;
    sh_error busy = {.code = SH_OK}; /* the next transaction tells of anything but this */
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

/* Where it cannot be asked, the next transaction tells why. */
static sh_err sqlite_check(store *base, sh_error *error)
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

/* --- What is known ---------------------------------------------------------------------------- */

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

static sh_err load_known(store_sqlite *s, sh_error *error)
{
    SH_CLEANUP(store_sqlite_finalize) sqlite3_stmt *statement = NULL;
    s->known_has_all = true;
    s->known_loaded_ms = sh_clock_monotonic_ms();
    int rc = sqlite3_prepare_v2(s->db, "SELECT devMac FROM Devices", -1, &statement, NULL);
    while (rc == SQLITE_OK && (rc = sqlite3_step(statement)) == SQLITE_ROW) {
        sh_mac mac;
        sh_slice text = {(const char *)sqlite3_column_text(statement, 0),
                         (size_t)sqlite3_column_bytes(statement, 0)};
        /* Only as it is spelled when it is looked up. */
        if (text.data != NULL && sh_mac_read(text, &mac, NULL) == SH_OK &&
            sh_text_equals_ignoring_case(text.data, mac.text))
            store_sqlite_known_add(s, &mac);
        rc = SQLITE_OK;
    }
    return rc == SQLITE_DONE ? SH_OK : store_sqlite_fail(s, rc, "read", error);
}

/*
 * In a new transaction: forgets what was known where others have changed the database since, and
 * reads all MACs where that was not done for a while.
 */
static sh_err check_known(store_sqlite *s, sh_error *error)
{
    int64_t version = 0;
    sh_err err = read_data_version(s, &version, error);
    if (err != SH_OK)
        return err;
    if (version != s->data_version) {
        forget_known(s);
        if (s->column_count > 0) /* its tables are there */
            err = store_sqlite_generation_check(s, error);
    }
    if (err != SH_OK)
        return err;
    s->data_version = version;
    s->trusts_known = !s->has_triggers && s->column_count > 0; /* its tables are there */
    bool due = s->known_loaded_ms == 0 ||
               sh_clock_monotonic_ms() - s->known_loaded_ms > KNOWN_LOAD_INTERVAL_MS;
    return s->trusts_known && !s->known_has_all && due ? load_known(s, error) : SH_OK;
}

/* --- Transactions ----------------------------------------------------------------------------- */

static void sqlite_rollback(store *base)
{
    store_sqlite *s = (store_sqlite *)base;
    s->marked = false;
    s->trusts_known = false;
    store_sqlite_result_rows_forget(s);
    forget_known(s);
    /* After some errors (disk full) SQLite has rolled back by itself. */
    if (!sqlite3_get_autocommit(s->db))
        (void)store_sqlite_exec(s, "ROLLBACK", "write to", NULL);
}

/*
 * IMMEDIATE: a transaction that reads before it writes could otherwise fail BUSY at its first
 * write.
 */
static sh_err sqlite_begin(store *base, sh_error *error)
{
    store_sqlite *s = (store_sqlite *)base;
    s->marked = false;
    sh_err err = store_sqlite_exec(s, "BEGIN IMMEDIATE", "write to", error);
    if (err == SH_OK) {
        err = check_known(s, error);
        if (err != SH_OK)
            sqlite_rollback(base);
    }
    return err;
}

static sh_err sqlite_commit(store *base, sh_error *error)
{
    store_sqlite *s = (store_sqlite *)base;
    s->marked = false;
    s->trusts_known = false;
    store_sqlite_result_rows_forget(s);
    sh_err err = store_sqlite_generation_next(s, error);
    if (err == SH_OK)
        err = store_sqlite_exec(s, "COMMIT", "write to", error);
    if (err == SH_OK)
        s->generation++;
    return err == SH_OK ? check_place(s, error) : err;
}

/* Copies to the file what no reader keeps in the log, and waits for none. */
static int checkpoint(store_sqlite *s)
{
    int in_log = 0;
    int copied = 0;
    int rc = sqlite3_wal_checkpoint_v2(s->db, "main", SQLITE_CHECKPOINT_PASSIVE, &in_log, &copied);
    if (rc == SQLITE_OK)
        s->wal_pages = in_log - copied;
    return rc;
}

/* After a commit, which counts whatever becomes of the copy: that is made again at rest. */
static int on_commit(void *context, sqlite3 *db, const char *name, int pages)
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

static sh_err sqlite_rest(store *base, sh_error *error)
{
    store_sqlite *s = (store_sqlite *)base;
    if (s->wal_pages < WAL_PAGES_REST)
        return SH_OK;
    int rc = checkpoint(s);
    if (rc == SQLITE_OK || rc == SQLITE_BUSY) /* another program is at it */
        return SH_OK;
    return store_sqlite_fail(s, rc, "write to", error);
}

static sh_err sqlite_mark(store *base, sh_error *error)
{
    store_sqlite *s = (store_sqlite *)base;
    sh_err err = SH_OK;
    if (s->marked)
        err = store_sqlite_exec(s, "RELEASE entry", "write to", error);
    if (err == SH_OK)
        err = store_sqlite_exec(s, "SAVEPOINT entry", "write to", error);
    if (err == SH_OK)
        s->marked = true;
    return err;
}

static sh_err sqlite_undo_to_mark(store *base, sh_error *error)
{
    store_sqlite *s = (store_sqlite *)base;
    forget_known(s);
    store_sqlite_result_rows_forget(s);
    return store_sqlite_exec(s, "ROLLBACK TO entry", "write to", error);
}

static sh_err write_rules(store_sqlite *s, const char *hex, sh_error *error)
{
    char sql[256 + SH_DIGEST_HEX_BYTES];
    (void)sqlite3_snprintf(
        (int)sizeof sql, sql,
        "INSERT INTO SyncHub_Meta(key, value) VALUES('rules', %Q) ON CONFLICT(key)"
        " DO UPDATE SET value = excluded.value WHERE value IS NOT excluded.value",
        hex);
    sh_err err = store_sqlite_exec(s, sql, "write to", error);
    if (err == SH_OK && sqlite3_changes(s->db) > 0)
        err = store_sqlite_exec(s, "UPDATE SyncHub_Nodes SET digest = NULL", "write to", error);
    return err;
}

static sh_err sqlite_rules_note(store *base, const uint8_t rules[static SH_DIGEST_BYTES],
                                sh_error *error)
{
    char hex[SH_DIGEST_HEX_BYTES];
    sh_hex_encode(rules, SH_DIGEST_BYTES, hex);
    sh_err err = sqlite_begin(base, error);
    if (err == SH_OK)
        err = write_rules((store_sqlite *)base, hex, error);
    if (err == SH_OK)
        err = sqlite_commit(base, error);
    if (err != SH_OK)
        sqlite_rollback(base);
    return err;
}

static sh_err sqlite_item_note(store *base, const uint8_t id[static SH_ID_BYTES], int64_t now_ms,
                               bool *seen, sh_error *error)
{
    store_sqlite *s = (store_sqlite *)base;
    sqlite3_stmt *statement = NULL;
    sh_err err = store_sqlite_statement(
        s, STATEMENT_ITEM_NOTE,
        "INSERT INTO SyncHub_Items(id, merged_ms) VALUES(?1, ?2) ON CONFLICT(id) DO NOTHING",
        &statement, error);
    if (err != SH_OK)
        return err;
    int rc = sqlite3_bind_blob(statement, 1, id, SH_ID_BYTES, SQLITE_STATIC);
    if (rc == SQLITE_OK)
        rc = sqlite3_bind_int64(statement, 2, now_ms);
    if (rc == SQLITE_OK)
        rc = store_sqlite_run(statement);
    if (rc != SQLITE_OK)
        return store_sqlite_fail(s, rc, "write to", error);
    *seen = sqlite3_changes(s->db) == 0;
    return SH_OK;
}

static sh_err sqlite_item_unnote(store *base, const uint8_t id[static SH_ID_BYTES], sh_error *error)
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

static sh_err sqlite_node_record(store *base, const store_node *node, sh_error *error)
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

static sh_err sqlite_nodes(store *base, store_node_each each, void *context, sh_error *error)
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

static const struct store_ops sqlite_ops = {
    .close = sqlite_close,
    .check = sqlite_check,
    .rules_note = sqlite_rules_note,
    .meta_get = store_sqlite_meta_get,
    .meta_set = store_sqlite_meta_set,
    .columns = sqlite_columns,
    .pace = sqlite_pace,
    .begin = sqlite_begin,
    .commit = sqlite_commit,
    .rollback = sqlite_rollback,
    .rest = sqlite_rest,
    .mark = sqlite_mark,
    .undo_to_mark = sqlite_undo_to_mark,
    .item_note = sqlite_item_note,
    .item_unnote = sqlite_item_unnote,
    .tidy = store_sqlite_tidy,
    .find_known = store_sqlite_find_known,
    .insert_devices = store_sqlite_insert_devices,
    .put_plugin_lines = store_sqlite_put_plugin_lines,
    .node_record = sqlite_node_record,
    .node_add = store_sqlite_node_add,
    .part_record = store_sqlite_part_record,
    .nodes = sqlite_nodes,
    .devices = store_sqlite_devices,
};

/*
 * synchronous=FULL makes a commit durable before the entry is acknowledged. The page cache is large
 * because new devices go to all places of the index of MACs; memory mapping would turn a disk fault
 * into a signal.
 */
static sh_err open_file(store_sqlite *s, store_access access, sh_error *error)
{
    int flags = access == STORE_READ_ONLY ? SQLITE_OPEN_READONLY
                                          : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
    int rc = sqlite3_open_v2(s->path, &s->db, flags | SQLITE_OPEN_NOMUTEX, NULL);
    if (rc != SQLITE_OK)
        return store_sqlite_fail(s, rc, "open", error);
    (void)sqlite3_extended_result_codes(s->db, 1);
    (void)sqlite3_busy_timeout(s->db, BUSY_TIMEOUT_MS);
    (void)sqlite3_wal_hook(s->db, on_commit, s);
    return store_sqlite_exec(s,
                             "PRAGMA synchronous = FULL; PRAGMA cache_size = -49152;"
                             "PRAGMA mmap_size = 0; PRAGMA journal_size_limit = 67108864",
                             "open", error);
}

/*
 * What is undone with one entry alone SQLite keeps in a temporary file, from 64 KiB on. It goes
 * beside the database, where we may write: other folders may be read-only, as in a container.
 */
sh_err store_sqlite_prepare(const char *path, sh_error *error)
{
    SH_CLEANUP(sh_free_cleanup) char *target = realpath(path, NULL); /* NULL: not there yet */
    const char *file = target == NULL ? path : target;
    const char *slash = strrchr(file, '/');
    SH_CLEANUP(sh_free_cleanup)
    char *folder = slash == NULL ? strdup(".") : strndup(file, (size_t)(slash - file) + 1);
    if (folder == NULL || setenv("SQLITE_TMPDIR", folder, 0) != 0)
        return sh_fail(error, SH_E_MEMORY, "no memory to prepare for the database");
    return SH_OK;
}

sh_err store_sqlite_open(const char *path, store_access access, store **ret, sh_error *error)
{
    char *absolute = NULL;
    sh_err err = store_place_check(path, access == STORE_READ_WRITE, &absolute, error);
    if (err != SH_OK)
        return err;
    store_sqlite *s = calloc(1, sizeof *s);
    if (s == NULL) {
        free(absolute);
        return sh_fail(error, SH_E_MEMORY, "out of memory while opening the database");
    }
    s->base.ops = &sqlite_ops;
    s->path = absolute;
    err = open_file(s, access, error);
    if (err == SH_OK && access == STORE_READ_WRITE)
        err = store_sqlite_schema_make(s, error);
    if (err == SH_OK)
        err = store_sqlite_schema_read(s, error);
    if (err != SH_OK) {
        sqlite_close(&s->base);
        return err;
    }
    *ret = &s->base;
    return SH_OK;
}

void store_sqlite_library(char ret[static SH_LIBRARY_BYTES])
{
    (void)snprintf(ret, SH_LIBRARY_BYTES, "sqlite %s", sqlite3_libversion());
}
