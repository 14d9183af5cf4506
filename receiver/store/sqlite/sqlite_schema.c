/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/store/sqlite/sqlite_store.h"

#include "libcommon/base/cleanup.h"
#include "receiver/store/schema.h"

#include <string.h>

#define WAL_TRIES 250
#define WAL_WAIT_MS 20

#define OWN_RESULTS "SyncHub_Plugins_Objects"
#define RESULTS_SQL_MAX (4 * SH_KIB)

typedef enum {
    SCHEMA_NONE,      /* an empty file */
    SCHEMA_OWN,       /* created by Sync Hub */
    SCHEMA_NETALERTX, /* another program's Devices */
    SCHEMA_OTHER,     /* no Devices, but other tables */
} schema_kind;

/* The first column of a query's only row as an integer; 0 if there is no row. */
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

/*
 * Determines the kind of the database, and whether it has SyncHub_Meta. One statement, so that it
 * sees all tables that another receiver creates meanwhile, or none.
 */
static sh_err read_kind(store_sqlite *s, schema_kind *ret, bool *meta, sh_error *error)
{
    int64_t found = 0;
    int64_t own = 0;
    sh_err err = query_integer(s,
                               "SELECT (count(*) > 0)"
                               " + 2 * coalesce(max(name = 'Devices' COLLATE NOCASE), 0)"
                               " + 4 * coalesce(max(name = 'SyncHub_Meta' COLLATE NOCASE), 0)"
                               " FROM (SELECT CASE type WHEN 'table' THEN name END AS name"
                               " FROM sqlite_master)",
                               NULL, &found, error);
    *meta = (found & 4) != 0;
    if (err == SH_OK && *meta)
        err = query_integer(s, "SELECT value = 'own' FROM SyncHub_Meta WHERE key = 'database'",
                            NULL, &own, error);
    if (found == 0)
        *ret = SCHEMA_NONE;
    else if ((found & 2) == 0)
        *ret = SCHEMA_OTHER;
    else
        *ret = own != 0 ? SCHEMA_OWN : SCHEMA_NETALERTX;
    return err;
}

/* Reads the version of a database that has SyncHub_Meta. */
static sh_err read_version(store_sqlite *s, int *ret, sh_error *error)
{
    SH_CLEANUP(store_sqlite_finalize) sqlite3_stmt *statement = NULL;
    int rc = sqlite3_prepare_v2(
        s->db, "SELECT value FROM SyncHub_Meta WHERE key = 'schema_version'", -1, &statement, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_step(statement);
    if (rc != SQLITE_ROW && rc != SQLITE_DONE)
        return store_sqlite_fail(s, rc, "open", error);
    const char *text = rc == SQLITE_ROW ? (const char *)sqlite3_column_text(statement, 0) : NULL;
    return schema_version_read(s->path, text, ret, error);
}

static sh_err fail_other(const store_sqlite *s, sh_error *error)
{
    return sh_fail(error, SH_E_CONFIG,
                   "the database %s (SYNC_db) has no table Devices: it is neither Sync Hub's nor "
                   "NetAlertX's",
                   s->path);
}

/*
 * Several receivers may start on a new file at the same time; while one changes the journal mode,
 * the others get BUSY at once, without the busy handler. If the file system cannot share memory,
 * SQLite keeps the rollback journal, which is equally safe and only slower.
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

/* Whether a table of plugin results has the columns that Sync Hub requires. */
static sh_err read_results_table(store_sqlite *s, const char *table, bool *fits, sh_error *error)
{
    *fits = true;
    for (size_t i = 0; i < RESULT_COLUMNS; i++) {
        const char *name = store_result_columns[i];
        /* It also fails if the table does not exist. */
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

/* Uses NetAlertX's table if it has the current columns, otherwise one of our own. */
static sh_err choose_results_table(store_sqlite *s, bool *exists, sh_error *error)
{
    s->result_table = "Plugins_Objects";
    sh_err err = read_results_table(s, s->result_table, exists, error);
    if (err != SH_OK || *exists)
        return err;
    s->result_table = OWN_RESULTS;
    return read_results_table(s, s->result_table, exists, error);
}

/* Whether an index finds the rows with a primary id, at most for one plugin. */
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

static sh_err read_schema_state(store *base, schema_state *ret, sh_error *error)
{
    store_sqlite *s = (store_sqlite *)base;
    schema_kind kind = SCHEMA_NONE;
    bool meta = false;
    *ret = (schema_state){.version = 0};
    sh_err err = read_kind(s, &kind, &meta, error);
    if (err == SH_OK && meta)
        err = read_version(s, &ret->version, error);
    if (err == SH_OK && kind == SCHEMA_OTHER)
        return fail_other(s, error);
    ret->is_own = kind != SCHEMA_NETALERTX;
    return err;
}

static sh_err run_schema_sql(store *base, const char *sql, sh_error *error)
{
    return store_sqlite_exec((store_sqlite *)base, sql, "make the tables of", error);
}

static bool has_column(store *base, const char *table, const char *column)
{
    const store_sqlite *s = (const store_sqlite *)base;
    return sqlite3_table_column_metadata(s->db, "main", table, column, NULL, NULL, NULL, NULL,
                                         NULL) == SQLITE_OK;
}

/* Inside a transaction. */
static sh_err make_results_table(store_sqlite *s, sh_error *error)
{
    bool exists = false;
    sh_err err = choose_results_table(s, &exists, error);
    if (err != SH_OK || exists)
        return err;
    SH_CLEANUP(sh_buf_reset) sh_buf sql = SH_BUF_INIT(RESULTS_SQL_MAX);
    err = schema_build_results_named(OWN_RESULTS, &sql);
    if (err != SH_OK)
        return sh_fail(error, err, "out of memory: cannot create the tables");
    return run_schema_sql(&s->base, sql.data, error);
}

/* Not a migration, as an update of NetAlertX may change whether its table is usable. */
static sh_err ensure_results_table(store_sqlite *s, sh_error *error)
{
    bool exists = false;
    sh_err err = choose_results_table(s, &exists, error);
    if (err != SH_OK || exists)
        return err;
    err = s->base.ops->begin(&s->base, error);
    if (err != SH_OK)
        return err;
    err = make_results_table(s, error);
    if (err == SH_OK)
        err = s->base.ops->commit(&s->base, error);
    if (err != SH_OK)
        s->base.ops->rollback(&s->base);
    return err;
}

sh_err store_sqlite_schema_make(store_sqlite *s, sh_error *error)
{
    const schema_target target = {.dialect = SCHEMA_SQLITE,
                                  .read = read_schema_state,
                                  .run = run_schema_sql,
                                  .has_column = has_column};
    schema_kind kind = SCHEMA_NONE;
    bool meta = false;
    sh_err err = read_kind(s, &kind, &meta, error);
    /* A NetAlertX database keeps NetAlertX's journal mode. */
    if (err == SH_OK && (kind == SCHEMA_NONE || kind == SCHEMA_OWN))
        err = set_wal(s, error);
    if (err == SH_OK && kind == SCHEMA_NETALERTX) {
        err = store_sqlite_columns_read(s, error); /* check it before anything is written */
        s->column_count = 0;                       /* Sync Hub's tables may not exist yet */
    }
    if (err == SH_OK)
        err = schema_upgrade(&s->base, &target, error);
    return err == SH_OK ? ensure_results_table(s, error) : err;
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

static sh_err read_triggers(store_sqlite *s, sh_error *error)
{
    int64_t triggers = 0;
    sh_err err = query_integer(s, "SELECT count(*) FROM sqlite_master WHERE type = 'trigger'", NULL,
                               &triggers, error);
    s->has_triggers = triggers > 0;
    return err;
}

sh_err store_sqlite_schema_read(store_sqlite *s, sh_error *error)
{
    schema_kind kind = SCHEMA_NONE;
    bool meta = false;
    int version = 0;
    /* Read the version first, so that a concurrent change is noticed. */
    (void)store_sqlite_schema_version(s, &s->schema_version);
    sh_err err = read_kind(s, &kind, &meta, error);
    if (err == SH_OK && meta)
        err = read_version(s, &version, error);
    if (err == SH_OK && (kind == SCHEMA_NONE || kind == SCHEMA_OTHER))
        err = fail_other(s, error);
    if (err == SH_OK && meta)
        err = schema_check_complete(s->path, version, error);
    s->is_shared = kind == SCHEMA_NETALERTX;
    if (err == SH_OK)
        err = store_sqlite_columns_read(s, error);
    if (err == SH_OK)
        err = read_events(s, error);
    if (err == SH_OK)
        err = has_table(s, "SyncHub_Nodes", &s->has_nodes, error);
    if (err == SH_OK)
        err = read_triggers(s, error);
    bool results = false;
    if (err == SH_OK)
        err = choose_results_table(s, &results, error);
    return err == SH_OK ? read_results_index(s, error) : err;
}
