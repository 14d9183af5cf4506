/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/store/postgres/postgres_store.h"

#include "libcommon/base/cleanup.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#define SQL_MAX (16 * SH_KIB)

static sh_err build_insert(const store_postgres *s, sh_buf *sql)
{
    sh_err err = sh_buf_append_text(sql, "INSERT INTO \"Devices\"(");
    for (size_t i = 0; i < s->column_count && err == SH_OK; i++)
        err = sh_buf_append_format(sql, "%s\"%s\"", i == 0 ? "" : ", ", s->columns[i].name);
    for (size_t i = 0; i < s->column_count && err == SH_OK; i++)
        err = sh_buf_append_format(sql, "%s$%zu", i == 0 ? ") VALUES(" : ", ", i + 1);
    if (err == SH_OK)
        err = sh_buf_append_text(sql, ") ON CONFLICT(lower(\"devMac\")) DO NOTHING");
    return err;
}

/* Integer columns other than booleans are text here, as they may contain any text. */
static bool holds_numbers(const sh_column *column)
{
    return column->kind == SH_COLUMN_BOOLEAN;
}

sh_err store_postgres_devices_prepare(store_postgres *s, sh_error *error)
{
    static const Oid keys_type[] = {POSTGRES_TYPE_TEXT_ARRAY};
    Oid types[POSTGRES_PARAMETERS_MAX];
    for (size_t i = 0; i < s->column_count; i++)
        types[i] = holds_numbers(&s->columns[i]) ? POSTGRES_TYPE_BIGINT : POSTGRES_TYPE_TEXT;
    sh_err err = store_postgres_prepare(
        s, POSTGRES_FIND_KNOWN,
        "SELECT lower(\"devMac\") FROM \"Devices\" WHERE lower(\"devMac\") = ANY($1)", keys_type, 1,
        error);
    if (err != SH_OK)
        return err;
    sh_buf sql = SH_BUF_INIT(SQL_MAX);
    err = build_insert(s, &sql);
    if (err != SH_OK)
        (void)sh_fail(error, err, "out of memory while opening the database");
    else
        err = store_postgres_prepare(s, POSTGRES_INSERT_DEVICE, sql.data, types,
                                     (int)s->column_count, error);
    sh_buf_reset(&sql);
    return err;
}

/* --- Keys ------------------------------------------------------------------------------------ */

/* A key and its place in the caller's array. */
typedef struct {
    char text[SH_MAC_MAX_BYTES + 1]; /* ASCII letters in lower case, as by lower() */
    size_t len;
    size_t index;
} folded_key;

static void fold(const sh_mac *mac, size_t index, folded_key *ret)
{
    for (size_t i = 0; i < mac->len; i++) {
        char c = mac->text[i];
        ret->text[i] = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
    }
    ret->text[mac->len] = '\0';
    ret->len = mac->len;
    ret->index = index;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(((const folded_key *)a)->text, ((const folded_key *)b)->text);
}

/* Equal keys keep the caller's order. */
static int by_text_and_index(const void *a, const void *b)
{
    const folded_key *left = a;
    const folded_key *right = b;
    int order = by_text(a, b);
    return order != 0 ? order : (left->index > right->index) - (left->index < right->index);
}

/*
 * An array of texts in PostgreSQL's binary format: dimensions, no NULLs, type, length, lower bound,
 * then each element after its length.
 */
static sh_err append_number(sh_buf *buf, size_t number)
{
    uint32_t big_endian = htonl((uint32_t)number);
    return sh_buf_append(buf, &big_endian, sizeof big_endian);
}

static sh_err build_array(const folded_key keys[], size_t count, sh_buf *ret)
{
    const size_t head[] = {1, 0, POSTGRES_TYPE_TEXT, count, 1};
    sh_err err = SH_OK;
    for (size_t i = 0; i < sizeof head / sizeof head[0] && err == SH_OK; i++)
        err = append_number(ret, head[i]);
    for (size_t i = 0; i < count && err == SH_OK; i++) {
        err = append_number(ret, keys[i].len);
        if (err == SH_OK)
            err = sh_buf_append(ret, keys[i].text, keys[i].len);
    }
    return err;
}

/* Marks all elements with the key; keys are sorted and may repeat. */
static void mark_known(const folded_key keys[], size_t count, const char *key, bool known[])
{
    size_t low = 0;
    for (size_t high = count; low < high;) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(keys[middle].text, key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    for (; low < count && strcmp(keys[low].text, key) == 0; low++)
        known[keys[low].index] = true;
}

static sh_err find(store_postgres *s, const folded_key keys[], size_t count, bool known[],
                   sh_error *error)
{
    sh_buf array = SH_BUF_INIT(32 + count * (4 + SH_MAC_MAX_BYTES));
    SH_CLEANUP(store_postgres_clear) PGresult *result = NULL;
    sh_err err = build_array(keys, count, &array);
    if (err != SH_OK) {
        (void)sh_fail(error, err, "out of memory: cannot look devices up");
    } else {
        postgres_parameters p = {.count = 0};
        store_postgres_add_bytes(&p, (const uint8_t *)array.data, array.len);
        err = store_postgres_run(s, POSTGRES_FIND_KNOWN, &p, "read", &result, error);
    }
    sh_buf_reset(&array);
    for (int i = 0; err == SH_OK && i < PQntuples(result); i++)
        mark_known(keys, count, PQgetvalue(result, i, 0), known);
    return err;
}

sh_err store_postgres_find_known(store *base, const sh_mac *const macs[], size_t count,
                                 bool known[], sh_error *error)
{
    if (count == 0)
        return SH_OK;
    SH_CLEANUP(sh_free_cleanup) folded_key *keys = calloc(count, sizeof *keys);
    if (keys == NULL)
        return sh_fail(error, SH_E_MEMORY, "out of memory: cannot look devices up");
    for (size_t i = 0; i < count; i++) {
        fold(macs[i], i, &keys[i]);
        known[i] = false;
    }
    qsort(keys, count, sizeof *keys, by_text);
    return find((store_postgres *)base, keys, count, known, error);
}

/* --- Inserting ------------------------------------------------------------------------------- */

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

static sh_err send_row(store_postgres *s, const store_insert *insert, sh_error *error)
{
    postgres_parameters p = {.count = 0};
    for (size_t i = 0; i < s->column_count; i++) {
        sh_value value = sh_device_row_value(insert->row, i);
        if (value.kind == SH_VALUE_TEXT)
            store_postgres_add_text(&p, value.text);
        else if (value.kind == SH_VALUE_INTEGER && holds_numbers(&s->columns[i]))
            store_postgres_add_integer(&p, value.integer);
        else if (value.kind == SH_VALUE_INTEGER)
            store_postgres_add_integer_text(&p, value.integer);
        else
            store_postgres_add_null(&p);
    }
    return store_postgres_pipeline_send(s, POSTGRES_INSERT_DEVICE, &p, error);
}

typedef struct {
    store_insert *inserts;   /* in the caller's order */
    const folded_key *order; /* order of insertion */
    size_t count;
} row_run;

/*
 * Sends a savepoint, the rows, and the savepoint's release, so that failed rows can be rolled back.
 */
static sh_err send_run(store_postgres *s, const row_run *run, sh_error *error)
{
    sh_err err = store_postgres_pipeline_begin(s, error);
    if (err == SH_OK)
        err = store_postgres_pipeline_send_sql(s, "SAVEPOINT rows", error);
    for (size_t i = 0; i < run->count && err == SH_OK; i++)
        err = send_row(s, &run->inserts[run->order[i].index], error);
    if (err == SH_OK)
        err = store_postgres_pipeline_send_sql(s, "RELEASE rows", error);
    return err == SH_OK ? store_postgres_pipeline_end_sending(s, error) : err;
}

static void take_outcome(store_insert *insert, PGresult *result)
{
    insert->outcome = strcmp(PQcmdTuples(result), "1") == 0 ? STORE_INSERTED : STORE_KNOWN;
}

/*
 * Reads the results of send_run(). *refused: a row was refused, insert has its reason, and later
 * statements were not run. Returns any other failure.
 */
static sh_err take_run(store_postgres *s, const row_run *run, bool *refused, sh_error *error)
{
    sh_err failed = SH_OK;
    *refused = false;
    for (size_t i = 0; i < run->count + 2; i++) {
        SH_CLEANUP(store_postgres_clear) PGresult *result = NULL;
        sh_err err = store_postgres_pipeline_next(s, &result, error);
        if (err != SH_OK)
            return err;
        bool is_row = i > 0 && i <= run->count;
        store_insert *insert = is_row ? &run->inserts[run->order[i - 1].index] : NULL;
        if (PQresultStatus(result) == PGRES_PIPELINE_ABORTED)
            continue;
        if (store_postgres_is_good(result)) {
            if (is_row)
                take_outcome(insert, result);
        } else if (is_row && store_postgres_is_of_row(result)) {
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
    if (!refused)
        return err;
    for (size_t i = 0; i < run->count && err == SH_OK; i++) {
        run->inserts[run->order[i].index].reason[0] = '\0';
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
    SH_CLEANUP(sh_free_cleanup) folded_key *order = calloc(count + 1, sizeof *order);
    if (order == NULL)
        return sh_fail(error, SH_E_MEMORY, "out of memory: cannot write to the database");
    size_t good = 0;
    for (size_t i = 0; i < count; i++) {
        if (check_row(s, &inserts[i]))
            fold(sh_device_row_mac(inserts[i].row), i, &order[good++]);
    }
    qsort(order, good, sizeof *order, by_text_and_index);
    const row_run run = {.inserts = inserts, .order = order, .count = good};
    return good == 0 ? SH_OK : insert_rows(s, &run, error);
}
