/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/store/sqlite/sqlite_store.h"

#include "libcommon/base/cleanup.h"
#include "receiver/store/store_common.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

/*
 * SQLite's rule: a declared type that contains INT has integer affinity. All other columns get
 * text, which the column's affinity converts as for NetAlertX.
 */
static sh_column_kind kind_of(const char *declared_type)
{
    return strcasestr(declared_type, "INT") != NULL ? SH_COLUMN_INTEGER : SH_COLUMN_TEXT;
}

/* SQLite's rule for text affinity, for types without INT. */
static bool has_text_affinity(const char *declared_type)
{
    return strcasestr(declared_type, "CHAR") != NULL || strcasestr(declared_type, "CLOB") != NULL ||
           strcasestr(declared_type, "TEXT") != NULL;
}

/* Reads the value of a default expression; false if a sh_column cannot represent it. */
static bool take_default(sqlite3_stmt *statement, sh_column *column)
{
    switch (sqlite3_column_type(statement, 0)) {
    case SQLITE_NULL:
        column->default_kind = SH_DEFAULT_NULL;
        return true;
    case SQLITE_INTEGER:
        column->default_kind = SH_DEFAULT_INTEGER;
        column->default_integer = sqlite3_column_int64(statement, 0);
        return true;
    case SQLITE_TEXT:
        if ((size_t)sqlite3_column_bytes(statement, 0) >= sizeof column->default_text)
            return false;
        column->default_kind = SH_DEFAULT_TEXT;
        store_sqlite_text(statement, 0, column->default_text, sizeof column->default_text);
        return true;
    default:
        return false;
    }
}

/* Lets the database evaluate a default expression of its schema; false as above. */
static bool evaluate_default(store_sqlite *s, const char *expression, sh_column *column)
{
    if (expression == NULL)
        return true;
    if (strcasecmp(expression, "CURRENT_TIMESTAMP") == 0) {
        column->default_kind = SH_DEFAULT_NOW;
        return true;
    }
    char *sql = sqlite3_mprintf("SELECT (%s)", expression);
    SH_CLEANUP(store_sqlite_finalize) sqlite3_stmt *statement = NULL;
    bool good = sql != NULL && sqlite3_prepare_v2(s->db, sql, -1, &statement, NULL) == SQLITE_OK &&
                sqlite3_step(statement) == SQLITE_ROW && take_default(statement, column);
    sqlite3_free(sql);
    return good;
}

/*
 * Reads a column from pragma_table_info; false for one that is left to the database: an alias of
 * rowid, or a default or name that a sh_column cannot represent.
 */
static bool read_column(store_sqlite *s, sqlite3_stmt *statement, sh_column *ret)
{
    const char *name = (const char *)sqlite3_column_text(statement, 0);
    const char *type = (const char *)sqlite3_column_text(statement, 1);
    if (name == NULL || type == NULL || strlen(name) >= sizeof ret->name)
        return false;
    *ret = (sh_column){.kind = kind_of(type),
                       .not_null = sqlite3_column_int(statement, 2) != 0,
                       .text_affinity = has_text_affinity(type)};
    (void)snprintf(ret->name, sizeof ret->name, "%s", name);
    if (sqlite3_column_int(statement, 4) > 0 && strcmp(name, "devMac") != 0)
        return false;
    const char *collation = NULL;
    if (sqlite3_table_column_metadata(s->db, "main", "Devices", name, NULL, &collation, NULL, NULL,
                                      NULL) != SQLITE_OK)
        return false;
    ret->ignore_case = collation != NULL && strcasecmp(collation, "NOCASE") == 0;
    if (sh_device_column_find(name) == NULL &&
        !evaluate_default(s, (const char *)sqlite3_column_text(statement, 3), ret))
        return false;
    store_column_settle(ret);
    return true;
}

static sh_err read_columns(store_sqlite *s, sh_error *error)
{
    SH_CLEANUP(store_sqlite_finalize) sqlite3_stmt *statement = NULL;
    int rc = sqlite3_prepare_v2(s->db,
                                "SELECT name, type, \"notnull\", dflt_value, pk"
                                " FROM pragma_table_info('Devices')",
                                -1, &statement, NULL);
    if (rc != SQLITE_OK)
        return store_sqlite_fail(s, rc, "read", error);
    while ((rc = sqlite3_step(statement)) == SQLITE_ROW) {
        if (s->column_count == SH_COLUMNS_MAX)
            return sh_fail(error, SH_E_CONFIG, "Devices in %s has more than %d columns", s->path,
                           SH_COLUMNS_MAX);
        if (read_column(s, statement, &s->columns[s->column_count]))
            s->column_count++;
    }
    return rc == SQLITE_DONE ? SH_OK : store_sqlite_fail(s, rc, "read", error);
}

/* Whether devMac is unique by itself, and whether case-insensitively. */
static sh_err read_mac_index(store_sqlite *s, sh_error *error)
{
    static const char sql[] =
        "SELECT max(upper(x.coll) = 'NOCASE')"
        " FROM pragma_index_list('Devices') AS l, pragma_index_xinfo(l.name) AS x"
        " WHERE l.\"unique\" AND NOT l.partial AND x.key AND x.name = 'devMac'"
        " AND (SELECT count(*) FROM pragma_index_xinfo(l.name) AS y WHERE y.key) = 1";
    SH_CLEANUP(store_sqlite_finalize) sqlite3_stmt *statement = NULL;
    int rc = sqlite3_prepare_v2(s->db, sql, -1, &statement, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_step(statement);
    if (rc != SQLITE_ROW)
        return store_sqlite_fail(s, rc, "read", error);
    s->mac_unique = sqlite3_column_type(statement, 0) != SQLITE_NULL;
    s->mac_unique_case = sqlite3_column_int(statement, 0) != 0;
    return SH_OK;
}

sh_err store_sqlite_columns_read(store_sqlite *s, sh_error *error)
{
    s->column_count = 0;
    sh_err err = read_columns(s, error);
    if (err != SH_OK)
        return err;
    size_t mac = 0;
    if (!store_column_index(s->columns, s->column_count, "devMac", &mac))
        return sh_fail(error, SH_E_CONFIG,
                       "Devices in %s (SYNC_db) has no column devMac: a database of NetAlertX from "
                       "November 2024 or later is needed, or a file of Sync Hub",
                       s->path);
    s->mac_ignores_case = s->columns[mac].ignore_case;
    return read_mac_index(s, error);
}
