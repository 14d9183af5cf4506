/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/store/sqlite/sqlite_store.h"

#include "libcommon/base/cleanup.h"
#include "libcommon/base/clock.h"

#include <string.h>

/* Raised with every change of the tables below; the one who raises it writes the step to it. */
#define SCHEMA_VERSION 1

#define WAL_TRIES 250
#define WAL_WAIT_MS 20

#define OWN_RESULTS "SyncHub_Plugins_Objects"

static const char own_tables[] =
    "CREATE TABLE IF NOT EXISTS SyncHub_Meta("
    " key TEXT PRIMARY KEY NOT NULL, value TEXT NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS SyncHub_Items("
    " id BLOB PRIMARY KEY NOT NULL, merged_ms INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE INDEX IF NOT EXISTS SyncHub_Items_merged ON SyncHub_Items(merged_ms);"
    "CREATE TABLE IF NOT EXISTS SyncHub_Nodes("
    " node TEXT PRIMARY KEY NOT NULL, mode TEXT NOT NULL, merged_ms INTEGER NOT NULL,"
    " sent INTEGER NOT NULL, inserted INTEGER NOT NULL, known INTEGER NOT NULL,"
    " skipped INTEGER NOT NULL, set_aside INTEGER NOT NULL, reason TEXT NOT NULL,"
    " digest BLOB) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS SyncHub_Parts("
    " node TEXT NOT NULL, digest BLOB NOT NULL, parts INTEGER NOT NULL, part INTEGER NOT NULL,"
    " merged_ms INTEGER NOT NULL, sent INTEGER NOT NULL, inserted INTEGER NOT NULL,"
    " known INTEGER NOT NULL, skipped INTEGER NOT NULL, set_aside INTEGER NOT NULL,"
    " reason TEXT NOT NULL, PRIMARY KEY(node, digest, parts, part)) WITHOUT ROWID;";

typedef enum {
    SCHEMA_NONE,      /* an empty file */
    SCHEMA_OWN,       /* Sync Hub made it */
    SCHEMA_NETALERTX, /* somebody else's Devices */
    SCHEMA_OTHER,     /* no Devices, but other tables */
} schema_kind;

/* The first column of a query's only row as an integer; 0 where there is no row. */
static sh_err query_integer(store_sqlite *s, const char *sql, const char *argument, int64_t *ret,
                            sh_error *error)
{
    SH_CLEANUP(store_sqlite_finalize) sqlite3_stmt *statement = NULL;
    int rc = sqlite3_prepare_v2(s->db, sql, -1, &statement, NULL);
    if (rc == SQLITE_OK && argument != NULL)
        rc = store_sqlite_bind_text(statement, 1, sh_slice_of(argument));
    if (rc == SQLITE_OK)
        rc = sqlite3_step(statement);
    if (rc != SQLITE_ROW && rc != SQLITE_DONE)
        return store_sqlite_fail(s, rc, "open", error);
    *ret = rc == SQLITE_ROW ? sqlite3_column_int64(statement, 0) : 0;
    return SH_OK;
}

static sh_err has_table(store_sqlite *s, const char *name, bool *ret, sh_error *error)
{
    int64_t found = 0;
    sh_err err = query_integer(s,
                               "SELECT 1 FROM sqlite_master"
                               " WHERE type = 'table' AND name = ?1 COLLATE NOCASE",
                               name, &found, error);
    *ret = found != 0;
    return err;
}

static sh_err read_kind(store_sqlite *s, schema_kind *ret, sh_error *error)
{
    bool devices = false;
    bool meta = false;
    int64_t objects = 0;
    int64_t own = 0;
    sh_err err = has_table(s, "Devices", &devices, error);
    if (err == SH_OK)
        err = has_table(s, "SyncHub_Meta", &meta, error);
    if (err == SH_OK)
        err = query_integer(s, "SELECT count(*) FROM sqlite_master", NULL, &objects, error);
    if (err == SH_OK && meta)
        err = query_integer(s, "SELECT value = 'own' FROM SyncHub_Meta WHERE key = 'database'",
                            NULL, &own, error);
    if (objects == 0)
        *ret = SCHEMA_NONE;
    else if (!devices)
        *ret = SCHEMA_OTHER;
    else
        *ret = own != 0 ? SCHEMA_OWN : SCHEMA_NETALERTX;
    return err;
}

static sh_err check_version(store_sqlite *s, sh_error *error)
{
    bool meta = false;
    int64_t version = 0;
    sh_err err = has_table(s, "SyncHub_Meta", &meta, error);
    if (err == SH_OK && meta)
        err = query_integer(s,
                            "SELECT CAST(value AS INTEGER) FROM SyncHub_Meta"
                            " WHERE key = 'schema_version'",
                            NULL, &version, error);
    if (err == SH_OK && meta && version < 1)
        return sh_fail(
            error, SH_E_CONFIG,
            "the database %s (SYNC_db) has no valid schema_version in SyncHub_Meta: it is "
            "damaged, or of an unknown program; put a backup in its place",
            s->path);
    if (err == SH_OK && version > SCHEMA_VERSION)
        return sh_fail(
            error, SH_E_CONFIG,
            "the database %s (SYNC_db) was made by a newer Sync Hub (its schema is %lld, "
            "this program knows %d): run the newer version",
            s->path, (long long)version, SCHEMA_VERSION);
    return err;
}

/*
 * Several receivers may start on a new file at once; while one of them changes the journal mode the
 * others get BUSY at once, without the busy handler. Where a file system cannot share memory SQLite
 * stays with the rollback journal, which is as safe and only slower.
 */
static sh_err set_wal(store_sqlite *s, sh_error *error)
{
    int rc = SQLITE_BUSY;
    for (int i = 0; i < WAL_TRIES; i++) {
        rc = sqlite3_exec(s->db, "PRAGMA journal_mode = WAL", NULL, NULL, NULL);
        if ((rc & 0xff) != SQLITE_BUSY)
            break;
        (void)sqlite3_sleep(WAL_WAIT_MS);
    }
    return rc == SQLITE_OK ? SH_OK : store_sqlite_fail(s, rc, "open", error);
}

static void append_column(sqlite3_str *sql, const sh_column *column)
{
    bool number = column->kind == SH_COLUMN_INTEGER || column->kind == SH_COLUMN_BOOLEAN;
    sqlite3_str_appendf(sql, " \"%w\" %s", column->name, number ? "INTEGER" : "TEXT");
    if (column->not_null)
        sqlite3_str_appendall(sql, " NOT NULL");
    if (strcmp(column->name, "devMac") == 0)
        sqlite3_str_appendall(sql, " PRIMARY KEY");
    if (column->ignore_case)
        sqlite3_str_appendall(sql, " COLLATE NOCASE");
    if (column->default_kind == SH_DEFAULT_TEXT)
        sqlite3_str_appendf(sql, " DEFAULT %Q", column->default_text);
    else if (column->default_kind == SH_DEFAULT_INTEGER)
        sqlite3_str_appendf(sql, " DEFAULT %lld", (long long)column->default_integer);
    if (column->kind == SH_COLUMN_BOOLEAN)
        sqlite3_str_appendf(sql, " CHECK(\"%w\" IN (0, 1))", column->name);
}

static void append_devices(sqlite3_str *sql)
{
    sqlite3_str_appendall(sql, "CREATE TABLE Devices(");
    for (size_t i = 0; i < sh_device_columns_count; i++) {
        if (i > 0)
            sqlite3_str_appendall(sql, ",");
        append_column(sql, &sh_device_columns[i]);
    }
    sqlite3_str_appendall(sql, ");");
}

static void append_results(sqlite3_str *sql, const char *table)
{
    sqlite3_str_appendf(sql, "CREATE TABLE \"%w\"(", table);
    for (size_t i = 0; i < RESULT_COLUMNS; i++)
        sqlite3_str_appendf(sql, " \"%w\" TEXT NOT NULL,", store_result_columns[i]);
    sqlite3_str_appendall(sql,
                          " UNIQUE(plugin, syncHubNodeName, objectPrimaryId, objectSecondaryId));");
}

/* Whether a table of plugin results has the columns that Sync Hub cannot do without. */
static sh_err read_results_table(store_sqlite *s, const char *table, bool *fits, sh_error *error)
{
    *fits = true;
    for (size_t i = 0; i < RESULT_COLUMNS; i++) {
        const char *name = store_result_columns[i];
        /* Asking for a column of a table that is not there fails in the same way. */
        s->result_has[i] = sqlite3_table_column_metadata(s->db, "main", table, name, NULL, NULL,
                                                         NULL, NULL, NULL) == SQLITE_OK;
        bool needed = i == RESULT_PLUGIN || i == RESULT_PRIMARY_ID || i == RESULT_SECONDARY_ID ||
                      i == RESULT_CHANGED || i == RESULT_NODE ||
                      (i >= RESULT_WATCHED_1 && i <= RESULT_WATCHED_4);
        *fits = *fits && (s->result_has[i] || !needed);
    }
    bool is_table = false;
    sh_err err = has_table(s, table, &is_table, error);
    *fits = *fits && is_table;
    return err;
}

/* NetAlertX's own table where it has today's columns, else one of ours beside it. */
static sh_err choose_results_table(store_sqlite *s, bool *exists, sh_error *error)
{
    s->result_table = "Plugins_Objects";
    sh_err err = read_results_table(s, s->result_table, exists, error);
    if (err != SH_OK || *exists)
        return err;
    s->result_table = OWN_RESULTS;
    return read_results_table(s, s->result_table, exists, error);
}

/* Whether an index leads to the rows with one primary id, of one plugin at most. */
static sh_err read_results_index(store_sqlite *s, sh_error *error)
{
    int64_t found = 0;
    sh_err err = query_integer(
        s,
        "SELECT count(*) FROM pragma_index_list(?1) AS l, pragma_index_xinfo(l.name) AS x"
        " WHERE NOT l.partial AND x.key AND lower(x.name) = 'objectprimaryid'"
        " AND NOT EXISTS (SELECT 1 FROM pragma_index_xinfo(l.name) AS y WHERE y.key"
        " AND y.seqno < x.seqno"
        " AND lower(y.name) NOT IN ('plugin', 'synchubnodename', 'objectsecondaryid'))",
        s->result_table, &found, error);
    s->result_indexed = found > 0;
    return err;
}

static sh_err run_built(store_sqlite *s, sqlite3_str *sql, sh_error *error)
{
    char *text = sqlite3_str_finish(sql);
    sh_err err = text == NULL ? sh_fail(error, SH_E_MEMORY, "out of memory: cannot make the tables")
                              : store_sqlite_exec(s, text, "make the tables of", error);
    sqlite3_free(text);
    return err;
}

/* Inside a transaction. What is there already stays as it is. */
static sh_err make_tables(store_sqlite *s, sh_error *error)
{
    schema_kind kind = SCHEMA_NONE;
    sh_err err = read_kind(s, &kind, error);
    if (err == SH_OK)
        err = check_version(s, error);
    if (err == SH_OK && kind == SCHEMA_OTHER)
        return sh_fail(error, SH_E_CONFIG,
                       "the database %s (SYNC_db) has no table Devices: it is neither Sync Hub's "
                       "nor NetAlertX's",
                       s->path);
    if (err == SH_OK && kind == SCHEMA_NETALERTX)
        err = store_sqlite_columns_read(s, error);
    bool results = false;
    if (err == SH_OK && kind != SCHEMA_NONE)
        err = choose_results_table(s, &results, error);
    if (err != SH_OK)
        return err;
    char now[SH_DATETIME_BYTES];
    sh_clock_datetime(sh_clock_unix_ms(), now);
    sqlite3_str *sql = sqlite3_str_new(s->db);
    if (kind == SCHEMA_NONE)
        append_devices(sql);
    sqlite3_str_appendall(sql, own_tables);
    if (!results)
        append_results(sql, kind == SCHEMA_NONE ? "Plugins_Objects" : OWN_RESULTS);
    sqlite3_str_appendf(sql,
                        "INSERT INTO SyncHub_Meta(key, value) VALUES('schema_version', '%d'),"
                        " ('created', %Q), ('database', %Q) ON CONFLICT(key) DO NOTHING;",
                        SCHEMA_VERSION, now, kind == SCHEMA_NONE ? "own" : "netalertx");
    return run_built(s, sql, error);
}

sh_err store_sqlite_schema_make(store_sqlite *s, sh_error *error)
{
    schema_kind kind = SCHEMA_NONE;
    sh_err err = read_kind(s, &kind, error);
    /* NetAlertX's database keeps the journal mode that NetAlertX gave it. */
    if (err == SH_OK && (kind == SCHEMA_NONE || kind == SCHEMA_OWN))
        err = set_wal(s, error);
    if (err == SH_OK)
        err = s->base.ops->begin(&s->base, error);
    if (err != SH_OK)
        return err;
    err = make_tables(s, error);
    if (err == SH_OK)
        err = s->base.ops->commit(&s->base, error);
    if (err != SH_OK)
        s->base.ops->rollback(&s->base);
    return err;
}

static sh_err read_events(store_sqlite *s, sh_error *error)
{
    static const char *const needed[] = {"eveMac",
                                         "eveIp",
                                         "eveDateTime",
                                         "eveEventType",
                                         "eveAdditionalInfo",
                                         "evePendingAlertEmail"};
    sh_err err = has_table(s, "Events", &s->has_events, error);
    for (size_t i = 0; i < sizeof needed / sizeof needed[0] && s->has_events; i++)
        s->has_events = sqlite3_table_column_metadata(s->db, "main", "Events", needed[i], NULL,
                                                      NULL, NULL, NULL, NULL) == SQLITE_OK;
    return err;
}

bool store_sqlite_schema_version(store_sqlite *s, int64_t *ret)
{
    sqlite3_stmt *statement = NULL;
    if (store_sqlite_statement(s, STATEMENT_SCHEMA_VERSION, "PRAGMA schema_version", &statement,
                               NULL) != SH_OK)
        return false;
    bool known = sqlite3_step(statement) == SQLITE_ROW;
    if (known)
        *ret = sqlite3_column_int64(statement, 0);
    (void)sqlite3_reset(statement);
    return known;
}

sh_err store_sqlite_schema_read(store_sqlite *s, sh_error *error)
{
    bool devices = false;
    /* First, so that a change meanwhile is noticed. */
    (void)store_sqlite_schema_version(s, &s->schema_version);
    sh_err err = check_version(s, error);
    if (err == SH_OK)
        err = has_table(s, "Devices", &devices, error);
    if (err == SH_OK && !devices)
        return sh_fail(error, SH_E_CONFIG,
                       "the database %s (SYNC_db) has no table Devices: it is neither Sync Hub's "
                       "nor NetAlertX's",
                       s->path);
    if (err == SH_OK)
        err = store_sqlite_columns_read(s, error);
    if (err == SH_OK)
        err = read_events(s, error);
    if (err == SH_OK)
        err = has_table(s, "SyncHub_Nodes", &s->has_nodes, error);
    schema_kind kind = SCHEMA_NONE;
    if (err == SH_OK)
        err = read_kind(s, &kind, error);
    s->is_shared = kind == SCHEMA_NETALERTX;
    int64_t triggers = 0;
    if (err == SH_OK)
        err = query_integer(s, "SELECT count(*) FROM sqlite_master WHERE type = 'trigger'", NULL,
                            &triggers, error);
    s->has_triggers = triggers > 0;
    bool results = false;
    if (err == SH_OK)
        err = choose_results_table(s, &results, error);
    return err == SH_OK ? read_results_index(s, error) : err;
}
