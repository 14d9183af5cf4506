/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/store/sqlite/sqlite_store.h"

#include "libcommon/base/cleanup.h"
#include "receiver/store/store_common.h"

#include <stdio.h>

/*
 * Keys are already normalized, and compared case-insensitively. A MAC with other separators in an
 * existing database is not recognized; NetAlertX writes colons. If the column's collation ignores
 * case, naming no collation allows SQLite to use its index.
 */
static sh_err find_statement(store_sqlite *s, sqlite3_stmt **ret, sh_error *error)
{
    return store_sqlite_statement(s, STATEMENT_FIND_KNOWN,
                                  s->mac_ignores_case
                                      ? "SELECT 1 FROM Devices WHERE devMac = ?1"
                                      : "SELECT 1 FROM Devices WHERE devMac = ?1 COLLATE NOCASE",
                                  ret, error);
}

static sh_err find_one(store_sqlite *s, sqlite3_stmt *statement, const sh_mac *mac, bool *known,
                       sh_error *error)
{
    sh_slice text = {.data = mac->text, .len = mac->len};
    int rc = store_sqlite_bind_text(statement, 1, text);
    if (rc == SQLITE_OK)
        rc = sqlite3_step(statement);
    *known = rc == SQLITE_ROW;
    sh_err err = SH_OK;
    if (rc != SQLITE_ROW && rc != SQLITE_DONE)
        err = store_sqlite_fail(s, rc, "read", error);
    (void)sqlite3_reset(statement);
    return err;
}

sh_err store_sqlite_find_known(store *base, const sh_mac *const macs[], size_t count, bool known[],
                               sh_error *error)
{
    store_sqlite *s = (store_sqlite *)base;
    sqlite3_stmt *statement = NULL;
    sh_err err = find_statement(s, &statement, error);
    for (size_t i = 0; i < count && err == SH_OK; i++) {
        known[i] = s->trusts_known && known_macs_has(&s->known, macs[i]);
        if (known[i] || (s->trusts_known && s->known_has_all && macs[i]->number != 0))
            continue;
        err = find_one(s, statement, macs[i], &known[i], error);
        if (err == SH_OK && known[i])
            store_sqlite_known_add(s, macs[i]);
    }
    return err;
}

/*
 * Not INSERT OR IGNORE, which would silently ignore rows that violate NOT NULL or a CHECK: only
 * existing MACs may be ignored.
 */
static char *build_insert(const store_sqlite *s)
{
    sqlite3_str *sql = sqlite3_str_new(s->db);
    sqlite3_str_appendall(sql, "INSERT INTO Devices(");
    for (size_t i = 0; i < s->column_count; i++)
        sqlite3_str_appendf(sql, "%s\"%w\"", i == 0 ? "" : ", ", s->columns[i].name);
    sqlite3_str_appendall(sql, ") VALUES(");
    for (size_t i = 0; i < s->column_count; i++)
        sqlite3_str_appendall(sql, i == 0 ? "?" : ", ?");
    sqlite3_str_appendall(sql, ")");
    if (s->mac_unique)
        sqlite3_str_appendall(sql, " ON CONFLICT(devMac) DO NOTHING");
    return sqlite3_str_finish(sql);
}

static sh_err insert_statement(store_sqlite *s, sqlite3_stmt **ret, sh_error *error)
{
    char *sql = s->statements[STATEMENT_INSERT_DEVICE] == NULL ? build_insert(s) : NULL;
    if (sql == NULL && s->statements[STATEMENT_INSERT_DEVICE] == NULL)
        return sh_fail(error, SH_E_MEMORY, "out of memory: cannot write to the database");
    sh_err err = store_sqlite_statement(s, STATEMENT_INSERT_DEVICE, sql, ret, error);
    sqlite3_free(sql);
    return err;
}

/*
 * Whether a parameter already has the value: bindings persist between runs, and most devices share
 * many values. A text is valid only as long as its row, unless it is empty.
 */
static bool is_bound(sh_value bound, sh_value value)
{
    if (bound.kind != value.kind)
        return false;
    switch (value.kind) {
    case SH_VALUE_TEXT:
        return bound.text.len == 0 && value.text.len == 0;
    case SH_VALUE_INTEGER:
        return bound.integer == value.integer;
    case SH_VALUE_NULL:
        break;
    }
    return true;
}

static int bind_value(sqlite3_stmt *statement, int index, sh_value value)
{
    switch (value.kind) {
    case SH_VALUE_TEXT:
        return store_sqlite_bind_text(statement, index, value.text);
    case SH_VALUE_INTEGER:
        return sqlite3_bind_int64(statement, index, value.integer);
    case SH_VALUE_NULL:
        break;
    }
    return sqlite3_bind_null(statement, index);
}

/* The text of one of the row's columns; "" if the table has no such column. */
static sh_slice text_of(const store_sqlite *s, const sh_device_row *row, const char *column)
{
    size_t index = 0;
    if (!store_column_index(s->columns, s->column_count, column, &index))
        return SH_SLICE("");
    sh_value value = sh_device_row_value(row, index);
    return value.kind == SH_VALUE_TEXT ? value.text : SH_SLICE("");
}

/* Whether an error concerns only this row and rolled back only this row. */
static bool is_of_row(const store_sqlite *s, int rc)
{
    int code = rc & 0xff;
    return (code == SQLITE_CONSTRAINT || code == SQLITE_MISMATCH || code == SQLITE_TOOBIG) &&
           !sqlite3_get_autocommit(s->db);
}

/* Sets the row's outcome from such an error. SQLite's message names the column, never a value. */
static void reject(const store_sqlite *s, store_insert *insert, const char *what)
{
    insert->outcome = STORE_REJECTED;
    (void)snprintf(insert->reason, sizeof insert->reason, "the database refuses %s: %s", what,
                   sqlite3_errmsg(s->db));
}

/* NetAlertX's Events has a unique index, but its older databases may lack it. */
static sh_err insert_event(store_sqlite *s, store_insert *insert, const char *now, sh_error *error)
{
    const sh_device_row *row = insert->row;
    sqlite3_stmt *statement = NULL;
    sh_err err = store_sqlite_statement(
        s, STATEMENT_INSERT_EVENT,
        "INSERT INTO Events(eveMac, eveIp, eveDateTime, eveEventType, eveAdditionalInfo,"
        " evePendingAlertEmail) VALUES(?1, ?2, ?3, 'New Device', ?4, 1) ON CONFLICT DO NOTHING",
        &statement, error);
    if (err != SH_OK)
        return err;
    const sh_mac *mac = sh_device_row_mac(row);
    int rc = store_sqlite_bind_text(statement, 1, (sh_slice){.data = mac->text, .len = mac->len});
    if (rc == SQLITE_OK)
        rc = store_sqlite_bind_text(statement, 2, text_of(s, row, "devLastIP"));
    if (rc == SQLITE_OK)
        rc = store_sqlite_bind_text(statement, 3, sh_slice_of(now));
    if (rc == SQLITE_OK)
        rc = store_sqlite_bind_text(statement, 4, text_of(s, row, "devVendor"));
    if (rc == SQLITE_OK)
        rc = store_sqlite_run(statement);
    if (is_of_row(s, rc)) {
        reject(s, insert, "its event");
        return SH_OK;
    }
    return rc == SQLITE_OK ? SH_OK : store_sqlite_fail(s, rc, "add an event to", error);
}

static sh_err insert_row(store_sqlite *s, sqlite3_stmt *statement, store_insert *insert,
                         sh_error *error)
{
    int rc = SQLITE_OK;
    for (size_t i = 0; i < s->column_count && rc == SQLITE_OK; i++) {
        sh_value value = sh_device_row_value(insert->row, i);
        if (is_bound(s->bound[i], value))
            continue;
        rc = bind_value(statement, (int)i + 1, value);
        if (rc == SQLITE_OK)
            s->bound[i] = value;
    }
    if (rc == SQLITE_OK)
        rc = store_sqlite_run(statement);
    if (is_of_row(s, rc)) {
        reject(s, insert, "it");
        return SH_OK;
    }
    if (rc != SQLITE_OK)
        return store_sqlite_fail(s, rc, "write to", error);
    insert->outcome = sqlite3_changes(s->db) > 0 ? STORE_INSERTED : STORE_KNOWN;
    return SH_OK;
}

static sh_err run_fixed(store_sqlite *s, int which, const char *sql, sh_error *error)
{
    sqlite3_stmt *statement = NULL;
    sh_err err = store_sqlite_statement(s, which, sql, &statement, error);
    if (err != SH_OK)
        return err;
    int rc = store_sqlite_run(statement);
    return rc == SQLITE_OK ? SH_OK : store_sqlite_fail(s, rc, "write to", error);
}

/* Inserts a row and its event atomically. */
static sh_err insert_with_event(store_sqlite *s, sqlite3_stmt *insert_device, store_insert *insert,
                                const char *now, sh_error *error)
{
    sh_err err = run_fixed(s, STATEMENT_ROW_MARK, "SAVEPOINT one_row", error);
    if (err == SH_OK)
        err = insert_row(s, insert_device, insert, error);
    if (err == SH_OK && insert->outcome == STORE_INSERTED)
        err = insert_event(s, insert, now, error);
    if (err == SH_OK && insert->outcome == STORE_REJECTED)
        err = run_fixed(s, STATEMENT_ROW_UNDO, "ROLLBACK TO one_row", error);
    if (err == SH_OK)
        err = run_fixed(s, STATEMENT_ROW_DONE, "RELEASE one_row", error);
    return err;
}

static sh_err insert_one(store_sqlite *s, sqlite3_stmt *insert_device, store_insert *insert,
                         const char *now, sh_error *error)
{
    insert->reason[0] = '\0';
    if (!s->mac_unique_case) {
        sqlite3_stmt *find = NULL;
        bool known = false;
        sh_err err = find_statement(s, &find, error);
        if (err == SH_OK)
            err = find_one(s, find, sh_device_row_mac(insert->row), &known, error);
        insert->outcome = STORE_KNOWN;
        if (err != SH_OK || known)
            return err;
    }
    sh_err err = s->has_events ? insert_with_event(s, insert_device, insert, now, error)
                               : insert_row(s, insert_device, insert, error);
    s->has_inserted = true;
    if (err == SH_OK && insert->outcome != STORE_REJECTED)
        store_sqlite_known_add(s, sh_device_row_mac(insert->row));
    return err;
}

sh_err store_sqlite_insert_devices(store *base, store_insert inserts[], size_t count,
                                   const char *now, sh_error *error)
{
    store_sqlite *s = (store_sqlite *)base;
    sqlite3_stmt *statement = NULL;
    sh_err err = insert_statement(s, &statement, error);
    for (size_t i = 0; i < count && err == SH_OK; i++)
        err = insert_one(s, statement, &inserts[i], now, error);
    return err;
}
