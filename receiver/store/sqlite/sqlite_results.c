/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/store/sqlite/sqlite_store.h"

#include <stdio.h>

/*
 * Searches, then updates or inserts: an upsert is impossible, as NetAlertX's table has no unique
 * index. Parameters have the numbers of the columns, so that all statements are bound in the same
 * way; ROW_PARAMETER is the row that was found.
 */
#define ROW_PARAMETER (RESULT_COLUMNS + 1)

static void append_differs(const store_sqlite *s, sqlite3_str *sql, bool watched_alone)
{
    const char *joint = "";
    sqlite3_str_appendall(sql, "(");
    for (size_t i = 0; i < RESULT_COLUMNS; i++) {
        bool watched = i >= RESULT_WATCHED_1 && i <= RESULT_WATCHED_4;
        if (!s->result_has[i] || !store_result_is_replaced(i) || (watched_alone && !watched))
            continue;
        sqlite3_str_appendf(sql, "%s\"%w\" IS NOT ?%d", joint, store_result_columns[i], (int)i + 1);
        joint = " OR ";
    }
    sqlite3_str_appendall(sql, ")");
}

/*
 * Whether a stored result is newer. One that is more than a day in the future is not: the node's
 * clock was ahead, and nothing would replace it until that time. (A day, as times are local in an
 * unknown zone.)
 */
#define STORED_IS_NEWER "dateTimeChanged > ?%d AND dateTimeChanged <= datetime('now', '+1 day')"

/* Selects the row, whether it is newer, whether watched values differ, whether anything differs. */
static void append_columns(const store_sqlite *s, sqlite3_str *sql)
{
    sqlite3_str_appendf(sql, "SELECT rowid, " STORED_IS_NEWER ", ", RESULT_CHANGED + 1);
    append_differs(s, sql, true);
    sqlite3_str_appendf(sql, ", dateTimeChanged IS NOT ?%d OR ", RESULT_CHANGED + 1);
    append_differs(s, sql, false);
    sqlite3_str_appendf(sql, " FROM \"%w\"", s->result_table);
}

static void append_find(const store_sqlite *s, sqlite3_str *sql)
{
    append_columns(s, sql);
    sqlite3_str_appendf(sql,
                        " WHERE plugin = ?%d AND syncHubNodeName = ?%d"
                        " AND objectPrimaryId = ?%d AND objectSecondaryId = ?%d LIMIT 1",
                        RESULT_PLUGIN + 1, RESULT_NODE + 1, RESULT_PRIMARY_ID + 1,
                        RESULT_SECONDARY_ID + 1);
}

static void append_find_row(const store_sqlite *s, sqlite3_str *sql)
{
    append_columns(s, sql);
    sqlite3_str_appendf(sql, " WHERE rowid = ?%d", ROW_PARAMETER);
}

static void append_insert(const store_sqlite *s, sqlite3_str *sql)
{
    sqlite3_str_appendf(sql, "INSERT INTO \"%w\"(", s->result_table);
    const char *joint = "";
    for (size_t i = 0; i < RESULT_COLUMNS; i++) {
        if (s->result_has[i]) {
            sqlite3_str_appendf(sql, "%s\"%w\"", joint, store_result_columns[i]);
            joint = ", ";
        }
    }
    sqlite3_str_appendall(sql, ") VALUES(");
    joint = "";
    for (size_t i = 0; i < RESULT_COLUMNS; i++) {
        if (s->result_has[i]) {
            sqlite3_str_appendf(sql, "%s?%d", joint, (int)i + 1);
            joint = ", ";
        }
    }
    sqlite3_str_appendall(sql, ")");
}

static void append_update(const store_sqlite *s, sqlite3_str *sql)
{
    sqlite3_str_appendf(sql, "UPDATE \"%w\" SET dateTimeChanged = ?%d", s->result_table,
                        RESULT_CHANGED + 1);
    for (size_t i = 0; i < RESULT_COLUMNS; i++) {
        if (s->result_has[i] && (store_result_is_replaced(i) || i == RESULT_STATUS))
            sqlite3_str_appendf(sql, ", \"%w\" = ?%d", store_result_columns[i], (int)i + 1);
    }
    sqlite3_str_appendf(sql, " WHERE rowid = ?%d", ROW_PARAMETER);
}

static sh_err statement_of(store_sqlite *s, int which,
                           void (*append)(const store_sqlite *s, sqlite3_str *sql),
                           sqlite3_stmt **ret, sh_error *error)
{
    char *text = NULL;
    if (s->statements[which] == NULL) {
        sqlite3_str *sql = sqlite3_str_new(s->db);
        append(s, sql);
        text = sqlite3_str_finish(sql);
        if (text == NULL)
            return sh_fail(error, SH_E_MEMORY, "out of memory: cannot write to the database");
    }
    sh_err err = store_sqlite_statement(s, which, text, ret, error);
    sqlite3_free(text);
    return err;
}

/* A statement omits the columns that its table lacks, and so the last parameters. */
static int bind_result(const store_sqlite *s, sqlite3_stmt *statement,
                       const sh_slice values[static RESULT_COLUMNS])
{
    int rc = SQLITE_OK;
    int parameters = sqlite3_bind_parameter_count(statement);
    for (int i = 0; i < RESULT_COLUMNS && i < parameters && rc == SQLITE_OK; i++) {
        if (s->result_has[i])
            rc = store_sqlite_bind_text(statement, i + 1, values[i]);
    }
    return rc;
}

typedef struct {
    bool there, newer, watched_differ, differ;
    int64_t rowid;
} found;

/* Binds the statement that finds the row; *none if there certainly is no row. */
static sh_err bind_find(store_sqlite *s, const sh_slice values[static RESULT_COLUMNS],
                        sqlite3_stmt **ret, bool *none, sh_error *error)
{
    int64_t row = 0;
    *none = !s->result_indexed && !store_sqlite_result_rows_find(s, values[RESULT_PRIMARY_ID],
                                                                 values[RESULT_SECONDARY_ID], &row);
    if (*none)
        return SH_OK;
    sh_err err = s->result_indexed
                     ? statement_of(s, STATEMENT_RESULT_FIND, append_find, ret, error)
                     : statement_of(s, STATEMENT_RESULT_FIND_ROW, append_find_row, ret, error);
    if (err != SH_OK)
        return err;
    int rc = bind_result(s, *ret, values);
    if (rc == SQLITE_OK && !s->result_indexed)
        rc = sqlite3_bind_int64(*ret, ROW_PARAMETER, row);
    return rc == SQLITE_OK ? SH_OK : store_sqlite_fail(s, rc, "read", error);
}

static sh_err find_result(store_sqlite *s, const sh_slice values[static RESULT_COLUMNS], found *ret,
                          sh_error *error)
{
    sqlite3_stmt *statement = NULL;
    bool none = false;
    *ret = (found){.there = false};
    sh_err err = bind_find(s, values, &statement, &none, error);
    if (err != SH_OK || none)
        return err;
    int rc = sqlite3_step(statement);
    ret->there = rc == SQLITE_ROW;
    if (rc == SQLITE_ROW) {
        ret->rowid = sqlite3_column_int64(statement, 0);
        ret->newer = sqlite3_column_int(statement, 1) != 0;
        ret->watched_differ = sqlite3_column_int(statement, 2) != 0;
        ret->differ = sqlite3_column_int(statement, 3) != 0;
    } else if (rc != SQLITE_DONE) {
        err = store_sqlite_fail(s, rc, "read", error);
    }
    (void)sqlite3_reset(statement);
    return err;
}

static sh_err write_result(store_sqlite *s, const sh_slice values[static RESULT_COLUMNS],
                           const found *f, sh_error *error)
{
    sqlite3_stmt *statement = NULL;
    sh_err err = f->there
                     ? statement_of(s, STATEMENT_RESULT_UPDATE, append_update, &statement, error)
                     : statement_of(s, STATEMENT_RESULT_INSERT, append_insert, &statement, error);
    if (err != SH_OK)
        return err;
    int rc = bind_result(s, statement, values);
    if (rc == SQLITE_OK && f->there)
        rc = sqlite3_bind_int64(statement, ROW_PARAMETER, f->rowid);
    if (rc == SQLITE_OK)
        rc = store_sqlite_run(statement);
    if (rc != SQLITE_OK)
        return store_sqlite_fail(s, rc, "write a result to", error);
    if (f->there || s->result_indexed)
        return SH_OK;
    return store_sqlite_result_rows_add(s, values[RESULT_PRIMARY_ID], values[RESULT_SECONDARY_ID],
                                        sqlite3_last_insert_rowid(s->db), error);
}

static sh_err put_line(store_sqlite *s, const store_plugin_lines *lines, size_t index,
                       int64_t *changed, sh_error *error)
{
    store_result result;
    store_result_of(lines->plugin, lines->node, &lines->lines[index], lines->now, &result);
    sh_slice *values = result.values;
    found f;
    sh_err err = find_result(s, values, &f, error);
    if (err != SH_OK || (f.there && (f.newer || !f.differ)))
        return err;
    if (f.there)
        values[RESULT_STATUS] =
            f.watched_differ ? SH_SLICE("watched-changed") : SH_SLICE("watched-not-changed");
    *changed += 1;
    return write_result(s, values, &f, error);
}

sh_err store_sqlite_put_plugin_lines(store *base, const store_plugin_lines *lines, int64_t *changed,
                                     sh_error *error)
{
    store_sqlite *s = (store_sqlite *)base;
    *changed = 0;
    sh_err err = s->result_indexed
                     ? SH_OK
                     : store_sqlite_result_rows_read(s, lines->plugin, lines->node, error);
    for (size_t i = 0; i < lines->count && err == SH_OK; i++)
        err = put_line(s, lines, i, changed, error);
    return err;
}
