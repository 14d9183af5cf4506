/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/base/cleanup.h"
#include "receiver/store/postgres/postgres_array.h"
#include "receiver/store/postgres/postgres_device_keys.h"
#include "receiver/store/postgres/postgres_store.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/*
 * Inserts devices. Rows that come together are one statement with an array for each column: for
 * each statement PostgreSQL reads the table's CHECK constraints from their text, which takes
 * several times as long as inserting a row.
 */

#define SQL_MAX (16 * SH_KIB)

/* Integer columns other than booleans are text here, as they may contain any text. */
static bool holds_numbers(const sh_column *column)
{
    return column->kind == SH_COLUMN_BOOLEAN;
}

static sh_err append_columns(const store_postgres *s, sh_buf *sql)
{
    sh_err err = sh_buf_append_text(sql, "INSERT INTO \"Devices\"(");
    for (size_t i = 0; i < s->column_count && err == SH_OK; i++)
        err = sh_buf_append_format(sql, "%s\"%s\"", i == 0 ? "" : ", ", s->columns[i].name);
    return err;
}

static sh_err append_parameters(const store_postgres *s, const char *before, sh_buf *sql)
{
    sh_err err = sh_buf_append_text(sql, before);
    for (size_t i = 0; i < s->column_count && err == SH_OK; i++)
        err = sh_buf_append_format(sql, "%s$%zu", i == 0 ? "" : ", ", i + 1);
    return err;
}

/* Prepares an insert of one row, or of arrays of rows, which returns the keys that are new. */
static sh_err prepare_insert(store_postgres *s, bool many, sh_error *error)
{
    Oid types[POSTGRES_PARAMETERS_MAX];
    sh_buf sql = SH_BUF_INIT(SQL_MAX);
    for (size_t i = 0; i < s->column_count; i++) {
        bool number = holds_numbers(&s->columns[i]);
        if (many)
            types[i] = number ? POSTGRES_TYPE_BIGINT_ARRAY : POSTGRES_TYPE_TEXT_ARRAY;
        else
            types[i] = number ? POSTGRES_TYPE_BIGINT : POSTGRES_TYPE_TEXT;
    }
    sh_err err = append_columns(s, &sql);
    if (err == SH_OK)
        err = append_parameters(s, many ? ") SELECT * FROM unnest(" : ") VALUES(", &sql);
    if (err == SH_OK)
        err = sh_buf_append_text(&sql, ") ON CONFLICT(lower(\"devMac\")) DO NOTHING");
    if (err == SH_OK && many)
        err = sh_buf_append_text(&sql, " RETURNING lower(\"devMac\")");
    if (err != SH_OK)
        (void)sh_fail(error, err, "out of memory while opening the database");
    else
        err = store_postgres_prepare(s, many ? POSTGRES_INSERT_DEVICES : POSTGRES_INSERT_DEVICE,
                                     sql.data, types, (int)s->column_count, error);
    sh_buf_reset(&sql);
    return err;
}

sh_err store_postgres_devices_prepare(store_postgres *s, sh_error *error)
{
    sh_err err = store_postgres_find_prepare(s, error);
    if (err == SH_OK)
        err = prepare_insert(s, false, error);
    return err == SH_OK ? prepare_insert(s, true, error) : err;
}

/* --- Rows ------------------------------------------------------------------------------------ */

/* A NUL cannot be stored, and sending one would fail the whole pipeline. */
static bool can_be_stored(const sh_column *column, sh_value value)
{
    switch (value.kind) {
    case SH_VALUE_TEXT:
        return !holds_numbers(column) &&
               (value.text.len == 0 || memchr(value.text.data, '\0', value.text.len) == NULL);
    case SH_VALUE_INTEGER:
        return holds_numbers(column) || column->kind == SH_COLUMN_INTEGER;
    case SH_VALUE_NULL:
        break;
    }
    return true;
}

static bool check_row(const store_postgres *s, store_insert *insert)
{
    for (size_t i = 0; i < s->column_count; i++) {
        if (!can_be_stored(&s->columns[i], sh_device_row_value(insert->row, i))) {
            insert->outcome = STORE_REJECTED;
            (void)snprintf(insert->reason, sizeof insert->reason,
                           "the database cannot store its %s", s->columns[i].name);
            return false;
        }
    }
    insert->reason[0] = '\0';
    return true;
}

typedef struct {
    store_insert *inserts;   /* in the caller's order */
    const device_key *order; /* order of insertion */
    size_t count;
} row_run;

static store_insert *row_at(const row_run *run, size_t i)
{
    return &run->inserts[run->order[i].index];
}

static void add_row(const store_postgres *s, const store_insert *insert, postgres_parameters *ret)
{
    for (size_t i = 0; i < s->column_count; i++) {
        sh_value value = sh_device_row_value(insert->row, i);
        if (value.kind == SH_VALUE_TEXT)
            store_postgres_add_text(ret, value.text);
        else if (value.kind == SH_VALUE_INTEGER && holds_numbers(&s->columns[i]))
            store_postgres_add_integer(ret, value.integer);
        else if (value.kind == SH_VALUE_INTEGER)
            store_postgres_add_integer_text(ret, value.integer);
        else
            store_postgres_add_null(ret);
    }
}

/* The most bytes that the values of a column take. */
static size_t bytes_of_column(const row_run *run, size_t column)
{
    size_t bytes = 0;
    for (size_t i = 0; i < run->count; i++) {
        sh_value value = sh_device_row_value(row_at(run, i)->row, column);
        if (value.kind == SH_VALUE_TEXT)
            bytes += value.text.len;
        else if (value.kind == SH_VALUE_INTEGER)
            bytes += NUMBER_TEXT_BYTES;
    }
    return bytes;
}

/* The values of a column, which end before *room then. */
static sh_slice build_column(const store_postgres *s, const row_run *run, size_t column,
                             char **room)
{
    bool numbers = holds_numbers(&s->columns[column]);
    postgres_array a = postgres_array_begin(
        *room, numbers ? POSTGRES_TYPE_BIGINT : POSTGRES_TYPE_TEXT, run->count);
    for (size_t i = 0; i < run->count; i++) {
        sh_value value = sh_device_row_value(row_at(run, i)->row, column);
        char number[NUMBER_TEXT_BYTES];
        if (value.kind == SH_VALUE_TEXT)
            postgres_array_add(&a, value.text);
        else if (value.kind == SH_VALUE_INTEGER && numbers)
            postgres_array_add_bigint(&a, value.integer);
        else if (value.kind == SH_VALUE_INTEGER)
            postgres_array_add(&a, number_of_integer(value.integer, number));
        else
            postgres_array_add_null(&a);
    }
    *room = a.end;
    return postgres_array_bytes(&a);
}

/* Adds an array for each column; the caller frees *room, which they borrow. */
static sh_err add_rows(const store_postgres *s, const row_run *run, postgres_parameters *ret,
                       char **room, sh_error *error)
{
    size_t bytes = 0;
    assert(s->column_count > 0);
    for (size_t i = 0; i < s->column_count; i++)
        bytes += POSTGRES_ARRAY_BYTES(run->count, bytes_of_column(run, i));
    *room = malloc(bytes);
    if (*room == NULL)
        return sh_fail(error, SH_E_MEMORY, "out of memory: cannot write to the database");
    char *at = *room;
    for (size_t i = 0; i < s->column_count; i++)
        store_postgres_add_text(ret, build_column(s, run, i, &at));
    return SH_OK;
}

/* --- Runs ------------------------------------------------------------------------------------ */

/*
 * Sends a savepoint, the rows, and the savepoint's release, so that failed rows can be rolled back.
 */
static sh_err send_run(store_postgres *s, const row_run *run, sh_error *error)
{
    SH_CLEANUP(sh_free_cleanup) char *room = NULL;
    bool single = run->count == 1;
    postgres_parameters p = {.count = 0};
    sh_err err = SH_OK;
    if (single)
        add_row(s, row_at(run, 0), &p);
    else
        err = add_rows(s, run, &p, &room, error);
    if (err == SH_OK)
        err = store_postgres_pipeline_begin(s, error);
    if (err == SH_OK)
        err = store_postgres_pipeline_send_sql(s, "SAVEPOINT rows", error);
    if (err == SH_OK)
        err = store_postgres_pipeline_send(
            s, single ? POSTGRES_INSERT_DEVICE : POSTGRES_INSERT_DEVICES, &p, error);
    if (err == SH_OK)
        err = store_postgres_pipeline_send_sql(s, "RELEASE rows", error);
    return err == SH_OK ? store_postgres_pipeline_end_sending(s, error) : err;
}

/* Of rows with the same key the first is inserted. */
static void take_outcomes(const row_run *run, PGresult *result)
{
    if (run->count == 1) {
        bool inserted = strcmp(PQcmdTuples(result), "1") == 0;
        row_at(run, 0)->outcome = inserted ? STORE_INSERTED : STORE_KNOWN;
        return;
    }
    for (size_t i = 0; i < run->count; i++)
        row_at(run, i)->outcome = STORE_KNOWN;
    for (int i = 0; i < PQntuples(result); i++) {
        size_t at = device_keys_find(run->order, run->count, PQgetvalue(result, i, 0));
        if (at < run->count)
            row_at(run, at)->outcome = STORE_INSERTED;
    }
}

/*
 * Reads the results of send_run(). *refused: a row was refused, a single one has its reason, and
 * later statements were not run. Returns any other failure.
 */
static sh_err take_run(store_postgres *s, const row_run *run, bool *refused, sh_error *error)
{
    sh_err failed = SH_OK;
    *refused = false;
    for (size_t i = 0; i < 3; i++) {
        SH_CLEANUP(store_postgres_clear) PGresult *result = NULL;
        sh_err err = store_postgres_pipeline_next(s, &result, error);
        if (err != SH_OK)
            return err;
        bool is_insert = i == 1;
        if (PQresultStatus(result) == PGRES_PIPELINE_ABORTED)
            continue;
        if (store_postgres_is_good(result)) {
            if (is_insert)
                take_outcomes(run, result);
        } else if (is_insert && store_postgres_is_of_row(result)) {
            store_insert *insert = row_at(run, 0);
            *refused = true;
            insert->outcome = STORE_REJECTED;
            store_postgres_row_reason(result, insert->reason, sizeof insert->reason);
        } else {
            failed = store_postgres_fail(s, result, "write to", error);
        }
    }
    sh_err err = store_postgres_pipeline_end(s, error);
    return failed != SH_OK ? failed : err;
}

static sh_err insert_run(store_postgres *s, const row_run *run, bool *refused, sh_error *error)
{
    sh_err err = send_run(s, run, error);
    if (err == SH_OK)
        err = take_run(s, run, refused, error);
    if (err == SH_OK && *refused)
        err = store_postgres_exec(s, "ROLLBACK TO rows; RELEASE rows", "write to", NULL, error);
    return err;
}

/* Inserts all rows at once; if one is refused, inserts all of them again one by one. */
static sh_err insert_rows(store_postgres *s, const row_run *run, sh_error *error)
{
    bool refused = false;
    sh_err err = insert_run(s, run, &refused, error);
    if (!refused || run->count == 1)
        return err;
    for (size_t i = 0; i < run->count && err == SH_OK; i++) {
        row_at(run, i)->reason[0] = '\0';
        const row_run one = {.inserts = run->inserts, .order = &run->order[i], .count = 1};
        err = insert_run(s, &one, &refused, error);
    }
    return err;
}

/*
 * Inserts in the order of the keys, so that two receivers that insert the same devices cannot
 * deadlock.
 */
sh_err store_postgres_insert_devices(store *base, store_insert inserts[], size_t count,
                                     const char *now, sh_error *error)
{
    (void)now;
    store_postgres *s = (store_postgres *)base;
    if (s->read_only)
        return sh_fail(error, SH_E_IO, "the database %s was opened for reading", s->place);
    SH_CLEANUP(sh_free_cleanup) device_key *order = calloc(count + 1, sizeof *order);
    if (order == NULL)
        return sh_fail(error, SH_E_MEMORY, "out of memory: cannot write to the database");
    size_t good = 0;
    for (size_t i = 0; i < count; i++) {
        if (check_row(s, &inserts[i]))
            order[good++] = (device_key){.mac = sh_device_row_mac(inserts[i].row), .index = i};
    }
    device_keys_sort(order, good);
    const row_run run = {.inserts = inserts, .order = order, .count = good};
    return good == 0 ? SH_OK : insert_rows(s, &run, error);
}
