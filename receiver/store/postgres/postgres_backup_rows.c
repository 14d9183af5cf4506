/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/store/postgres/postgres_store.h"

#include "libcommon/base/cleanup.h"

#include <stdlib.h>
#include <string.h>

/* Rows of any table, for backups. */

#define ROWS_SQL_MAX (64 * SH_KIB)
#define FETCH "FETCH 100 FROM synchub_rows" /* a row may have 4 MiB */
#define BATCH_ROWS 256
#define BATCH_BYTES (4 * SH_MIB)
#define RESULTS "Plugins_Objects"
#define RESULTS_KEY "syncHubKey" /* only PostgreSQL has this column */

/* Columns and their types; without the key of results, which is computed, and generated ones. */
#define COLUMNS_SQL                                                                                \
    "SELECT attname, atttypid::bigint FROM pg_attribute WHERE attrelid = to_regclass($1)"          \
    " AND attnum > 0 AND NOT attisdropped AND attname NOT IN ('rowid', '" RESULTS_KEY "')"         \
    " ORDER BY attnum"

static sh_err query_columns(store_postgres *s, const char *table, PGresult **ret, sh_error *error)
{
    char quoted[SH_COLUMN_NAME_BYTES + 2];
    postgres_parameters p = {.count = 0};
    (void)snprintf(quoted, sizeof quoted, "\"%s\"", table);
    store_postgres_add_text(&p, sh_slice_of(quoted));
    return store_postgres_query(s, COLUMNS_SQL, &p, "read", ret, error);
}

sh_err store_postgres_table_columns(store *base, const char *table, backup_table *ret,
                                    sh_error *error)
{
    SH_CLEANUP(store_postgres_clear) PGresult *result = NULL;
    (void)snprintf(ret->name, sizeof ret->name, "%s", table);
    ret->count = 0;
    sh_err err = query_columns((store_postgres *)base, table, &result, error);
    if (err != SH_OK)
        return err;
    for (int i = 0; i < PQntuples(result) && i < SH_COLUMNS_MAX; i++)
        (void)snprintf(ret->columns[ret->count++], SH_COLUMN_NAME_BYTES, "%s",
                       PQgetvalue(result, i, 0));
    return SH_OK;
}

/* Names are those of Sync Hub's tables, which have no quotes. */
static sh_err append_columns(sh_buf *sql, const backup_table *table)
{
    sh_err err = SH_OK;
    for (size_t i = 0; i < table->count && err == SH_OK; i++)
        err = sh_buf_append_format(sql, "%s\"%s\"", i == 0 ? "" : ", ", table->columns[i]);
    return err;
}

/* --- Reading --------------------------------------------------------------------------------- */

static bool has_rowid(const backup_table *table)
{
    return strcmp(table->name, "Devices") == 0 || strcmp(table->name, RESULTS) == 0;
}

static sh_err open_cursor(store_postgres *s, const backup_table *table, sh_error *error)
{
    SH_CLEANUP(sh_buf_reset) sh_buf sql = SH_BUF_INIT(ROWS_SQL_MAX);
    sh_err err = sh_buf_append_text(&sql, "DECLARE synchub_rows NO SCROLL CURSOR FOR SELECT ");
    if (err == SH_OK)
        err = append_columns(&sql, table);
    if (err == SH_OK)
        err = sh_buf_append_format(&sql, " FROM \"%s\"%s", table->name,
                                   has_rowid(table) ? " ORDER BY rowid" : "");
    if (err != SH_OK)
        return sh_fail(error, err, "out of memory: cannot read the database");
    return store_postgres_exec(s, sql.data, "read", NULL, error);
}

/* Binary data is read as `\x` and hex digits. */
static sh_err read_value(const PGresult *result, int row, int column, backup_value *ret)
{
    *ret = (backup_value){.kind = BACKUP_NULL};
    if (PQgetisnull(result, row, column))
        return SH_OK;
    char *text = PQgetvalue(result, row, column);
    ret->bytes = (sh_slice){text, (size_t)PQgetlength(result, row, column)};
    ret->kind = BACKUP_TEXT;
    if (PQftype(result, column) == POSTGRES_TYPE_BIGINT) {
        ret->kind = BACKUP_INTEGER;
        ret->integer = strtoll(text, NULL, 10);
    } else if (PQftype(result, column) == POSTGRES_TYPE_BYTEA) {
        size_t len = 0;
        unsigned char *bytes = PQunescapeBytea((const unsigned char *)text, &len);
        if (bytes == NULL)
            return SH_E_MEMORY;
        if (len > 0)
            memcpy(text, bytes, len); /* in place: it is shorter */
        PQfreemem(bytes);
        ret->kind = BACKUP_BYTES;
        ret->bytes.len = len;
    }
    return SH_OK;
}

static sh_err give_rows(const PGresult *result, const backup_reader *reader, sh_error *error)
{
    backup_value values[SH_COLUMNS_MAX];
    sh_err err = SH_OK;
    for (int row = 0; row < PQntuples(result) && err == SH_OK; row++) {
        for (int i = 0; i < PQnfields(result) && err == SH_OK; i++)
            err = read_value(result, row, i, &values[i]);
        if (err != SH_OK)
            return sh_fail(error, err, "out of memory: cannot read the database");
        err = reader->each(reader->context, values, error);
    }
    return err;
}

sh_err store_postgres_rows_read(store *base, const backup_table *table, const backup_reader *reader,
                                sh_error *error)
{
    store_postgres *s = (store_postgres *)base;
    sh_err err = open_cursor(s, table, error);
    for (bool more = true; err == SH_OK && more;) {
        SH_CLEANUP(store_postgres_clear) PGresult *result = NULL;
        err = store_postgres_exec(s, FETCH, "read", &result, error);
        if (err == SH_OK) {
            more = PQntuples(result) > 0;
            err = give_rows(result, reader, error);
        }
    }
    return err == SH_OK ? store_postgres_exec(s, "CLOSE synchub_rows", "read", NULL, error) : err;
}

/* --- Writing --------------------------------------------------------------------------------- */

sh_err store_postgres_rows_clear(store *base, const char *table, sh_error *error)
{
    char sql[SH_COLUMN_NAME_BYTES + 32];
    (void)snprintf(sql, sizeof sql, "TRUNCATE \"%s\"", table);
    return store_postgres_exec((store_postgres *)base, sql, "write to", NULL, error);
}

/* The types of the columns, in the table's order. */
static sh_err read_types(store_postgres *s, const backup_table *table, sh_error *error)
{
    SH_CLEANUP(store_postgres_clear) PGresult *result = NULL;
    sh_err err = query_columns(s, table->name, &result, error);
    if (err != SH_OK)
        return err;
    for (size_t i = 0; i < table->count; i++) {
        s->rows.types[i] = POSTGRES_TYPE_TEXT;
        for (int row = 0; row < PQntuples(result); row++) {
            if (strcmp(PQgetvalue(result, row, 0), table->columns[i]) == 0)
                s->rows.types[i] = (Oid)strtoul(PQgetvalue(result, row, 1), NULL, 10);
        }
    }
    s->rows.count = (int)table->count;
    if (strcmp(table->name, RESULTS) == 0)
        s->rows.types[s->rows.count++] = POSTGRES_TYPE_BYTEA;
    return SH_OK;
}

static sh_err append_insert(const store_postgres *s, const backup_table *table, sh_buf *sql)
{
    bool keyed = s->rows.count > (int)table->count;
    sh_err err = sh_buf_append_format(sql, "INSERT INTO \"%s\"(", table->name);
    if (err == SH_OK)
        err = append_columns(sql, table);
    if (err == SH_OK)
        err = sh_buf_append_text(sql, keyed ? ", \"" RESULTS_KEY "\") VALUES(" : ") VALUES(");
    for (int i = 1; i <= s->rows.count && err == SH_OK; i++)
        err = sh_buf_append_format(sql, "%s$%d", i == 1 ? "" : ", ", i);
    return err == SH_OK ? sh_buf_append_text(sql, ")") : err;
}

sh_err store_postgres_rows_begin(store *base, const backup_table *table, sh_error *error)
{
    store_postgres *s = (store_postgres *)base;
    SH_CLEANUP(sh_buf_reset) sh_buf sql = SH_BUF_INIT(ROWS_SQL_MAX);
    if (table->count >= POSTGRES_PARAMETERS_MAX)
        return sh_fail(error, SH_E_LIMIT,
                       "the table %s has %zu columns; at most %d can be restored", table->name,
                       table->count, POSTGRES_PARAMETERS_MAX - 1);
    s->rows.sent = 0;
    s->rows.bytes = 0;
    sh_err err = read_types(s, table, error);
    if (err == SH_OK && append_insert(s, table, &sql) != SH_OK)
        err = sh_fail(error, SH_E_MEMORY, "out of memory: cannot write to the database");
    if (err == SH_OK && s->rows.added)
        err = store_postgres_unprepare(s, POSTGRES_ROW_ADD, error);
    if (err == SH_OK)
        err = store_postgres_prepare(s, POSTGRES_ROW_ADD, sql.data, s->rows.types, s->rows.count,
                                     error);
    s->rows.added = s->rows.added || err == SH_OK;
    return err;
}

/* Reads the results of the rows that were sent. */
static sh_err end_batch(store_postgres *s, sh_error *error)
{
    size_t sent = s->rows.sent;
    s->rows.sent = 0;
    s->rows.bytes = 0;
    sh_err bad = SH_OK;
    sh_err err = sent == 0 ? SH_OK : store_postgres_pipeline_end_sending(s, error);
    for (size_t i = 0; i < sent && err == SH_OK; i++) {
        SH_CLEANUP(store_postgres_clear) PGresult *result = NULL;
        err = store_postgres_pipeline_next(s, &result, error);
        if (err == SH_OK && bad == SH_OK && !store_postgres_is_good(result))
            bad = store_postgres_fail(s, result, "write to", error);
    }
    if (err == SH_OK && sent > 0)
        err = store_postgres_pipeline_end(s, error);
    return err == SH_OK ? bad : err;
}

static sh_err add_value(postgres_parameters *p, Oid type, const backup_value *value,
                        sh_error *error)
{
    number_value number = {.kind = NUMBER_NONE};
    if (value->kind == BACKUP_NULL) {
        store_postgres_add_null(p);
    } else if (type == POSTGRES_TYPE_BYTEA) {
        store_postgres_add_bytes(p, (const uint8_t *)value->bytes.data, value->bytes.len);
    } else if (type == POSTGRES_TYPE_BIGINT && value->kind != BACKUP_INTEGER) {
        number = number_read(value->bytes);
        if (number.kind != NUMBER_INTEGER)
            return sh_fail(error, SH_E_FORMAT, "a number of the backup is not whole");
        store_postgres_add_integer(p, number.integer);
    } else if (type == POSTGRES_TYPE_BIGINT) {
        store_postgres_add_integer(p, value->integer);
    } else if (value->kind == BACKUP_INTEGER) {
        store_postgres_add_integer_text(p, value->integer);
    } else {
        store_postgres_add_text(p, value->bytes);
    }
    return SH_OK;
}

static sh_err make_key(const backup_table *table, const backup_value values[],
                       uint8_t ret[static POSTGRES_RESULT_KEY_BYTES], sh_error *error)
{
    static const char *const names[] = {"plugin", "syncHubNodeName", "objectPrimaryId",
                                        "objectSecondaryId"};
    SH_CLEANUP(sh_buf_reset) sh_buf scratch = SH_BUF_INIT(8 * SH_MIB);
    sh_slice parts[4];
    for (size_t i = 0; i < 4; i++) {
        size_t index = 0;
        bool found = backup_table_column(table, names[i], &index);
        parts[i] = found && values[index].kind != BACKUP_NULL ? values[index].bytes : SH_SLICE("");
    }
    if (store_postgres_result_key(parts, &scratch, ret) == SH_OK)
        return SH_OK;
    return sh_fail(error, SH_E_MEMORY, "out of memory: cannot write to the database");
}

sh_err store_postgres_rows_add(store *base, const backup_table *table, const backup_value values[],
                               sh_error *error)
{
    store_postgres *s = (store_postgres *)base;
    uint8_t key[POSTGRES_RESULT_KEY_BYTES];
    postgres_parameters p = {.count = 0};
    sh_err err = SH_OK;
    for (size_t i = 0; i < table->count && err == SH_OK; i++) {
        err = add_value(&p, s->rows.types[i], &values[i], error);
        s->rows.bytes += values[i].bytes.len;
    }
    if (err == SH_OK && s->rows.count > p.count) {
        err = make_key(table, values, key, error);
        store_postgres_add_bytes(&p, key, sizeof key);
    }
    if (err == SH_OK && s->rows.sent == 0)
        err = store_postgres_pipeline_begin(s, error);
    if (err == SH_OK)
        err = store_postgres_pipeline_send(s, POSTGRES_ROW_ADD, &p, error);
    s->rows.sent += err == SH_OK;
    if (err == SH_OK && (s->rows.sent == BATCH_ROWS || s->rows.bytes >= BATCH_BYTES))
        err = end_batch(s, error);
    return err;
}

sh_err store_postgres_rows_end(store *base, sh_error *error)
{
    return end_batch((store_postgres *)base, error);
}
