/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/store/postgres/postgres_store.h"

#include "libcommon/base/cleanup.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

/* Rows of any table, for backups. */

#define ROWS_SQL_MAX (64 * SH_KIB)
#define FETCH "FETCH 100 FROM synchub_rows" /* a row may have 4 MiB */
#define SEND_BYTES (256 * SH_KIB)
#define STATEMENT_BYTES (4 * SH_MIB)
#define DATA_MAX (64 * SH_MIB) /* rows before they are sent: more than one of any table has */
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

static sh_err fail_memory(sh_error *error)
{
    return sh_fail(error, SH_E_MEMORY, "out of memory: cannot write to the database");
}

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

static sh_err append_copy(const store_postgres *s, const backup_table *table, sh_buf *sql)
{
    bool keyed = s->rows.count > (int)table->count;
    sh_err err = sh_buf_append_format(sql, "COPY \"%s\"(", table->name);
    if (err == SH_OK)
        err = append_columns(sql, table);
    return err == SH_OK ? sh_buf_append_format(sql, "%s) FROM STDIN (FORMAT binary)",
                                               keyed ? ", \"" RESULTS_KEY "\"" : "")
                        : err;
}

sh_err store_postgres_rows_begin(store *base, const backup_table *table, sh_error *error)
{
    store_postgres *s = (store_postgres *)base;
    if (table->count >= POSTGRES_PARAMETERS_MAX)
        return sh_fail(error, SH_E_LIMIT,
                       "the table %s has %zu columns; at most %d can be restored", table->name,
                       table->count, POSTGRES_PARAMETERS_MAX - 1);
    sh_buf_reset(&s->rows.copy);
    sh_buf_reset(&s->rows.data);
    s->rows.copy = (sh_buf)SH_BUF_INIT(ROWS_SQL_MAX);
    s->rows.data = (sh_buf)SH_BUF_INIT(DATA_MAX);
    s->rows.is_copying = false;
    s->rows.bytes = 0;
    sh_err err = read_types(s, table, error);
    if (err == SH_OK && append_copy(s, table, &s->rows.copy) != SH_OK)
        err = fail_memory(error);
    return err;
}

/* --- Rows in the binary format of COPY: fields after their lengths, numbers in big endian ---- */

static sh_err append_number(sh_buf *buf, uint64_t number, size_t bytes)
{
    uint64_t big_endian = htobe64(number);
    return sh_buf_append(buf, (const char *)&big_endian + sizeof big_endian - bytes, bytes);
}

static sh_err append_field(sh_buf *buf, sh_slice bytes)
{
    sh_err err = append_number(buf, bytes.len, 4);
    return err == SH_OK ? sh_buf_append(buf, bytes.data, bytes.len) : err;
}

static sh_err append_integer(sh_buf *buf, int64_t number)
{
    sh_err err = append_number(buf, sizeof number, 4);
    return err == SH_OK ? append_number(buf, (uint64_t)number, sizeof number) : err;
}

static sh_err append_value(sh_buf *buf, Oid type, const backup_value *value, sh_error *error)
{
    char text[NUMBER_TEXT_BYTES];
    sh_err err;
    if (value->kind == BACKUP_NULL) {
        err = append_number(buf, UINT32_MAX, 4); /* -1 */
    } else if (type == POSTGRES_TYPE_BIGINT && value->kind != BACKUP_INTEGER) {
        number_value number = number_read(value->bytes);
        if (number.kind != NUMBER_INTEGER)
            return sh_fail(error, SH_E_FORMAT, "a number of the backup is not whole");
        err = append_integer(buf, number.integer);
    } else if (type == POSTGRES_TYPE_BIGINT) {
        err = append_integer(buf, value->integer);
    } else if (value->kind == BACKUP_INTEGER) {
        err = append_field(buf, number_of_integer(value->integer, text));
    } else {
        err = append_field(buf, value->bytes);
    }
    return err == SH_OK ? SH_OK : fail_memory(error);
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
    return fail_memory(error);
}

/* --- Statements: several, so that none takes as long as a statement may --- */

static sh_err send_rows(store_postgres *s, sh_error *error)
{
    sh_err err =
        store_postgres_copy_data(s, (sh_slice){s->rows.data.data, s->rows.data.len}, error);
    sh_buf_clear(&s->rows.data);
    return err;
}

static sh_err begin_copy(store_postgres *s, sh_error *error)
{
    static const char head[] = "PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0"; /* no flags, no extension */
    sh_err err = store_postgres_copy_begin(s, s->rows.copy.data, error);
    s->rows.is_copying = err == SH_OK;
    if (err == SH_OK && sh_buf_append(&s->rows.data, head, sizeof head) != SH_OK)
        err = fail_memory(error);
    return err;
}

static sh_err end_copy(store_postgres *s, sh_error *error)
{
    if (!s->rows.is_copying)
        return SH_OK;
    sh_err err = append_number(&s->rows.data, UINT16_MAX, 2); /* -1 */
    err = err == SH_OK ? send_rows(s, error) : fail_memory(error);
    if (err == SH_OK)
        err = store_postgres_copy_end(s, error);
    s->rows.is_copying = false;
    s->rows.bytes = 0;
    return err;
}

static sh_err append_row(store_postgres *s, const backup_table *table, const backup_value values[],
                         sh_error *error)
{
    uint8_t key[POSTGRES_RESULT_KEY_BYTES];
    sh_buf *data = &s->rows.data;
    sh_err err =
        append_number(data, (uint64_t)s->rows.count, 2) == SH_OK ? SH_OK : fail_memory(error);
    for (size_t i = 0; i < table->count && err == SH_OK; i++)
        err = append_value(data, s->rows.types[i], &values[i], error);
    if (err != SH_OK || s->rows.count == (int)table->count)
        return err;
    err = make_key(table, values, key, error);
    if (err == SH_OK && append_field(data, (sh_slice){(const char *)key, sizeof key}) != SH_OK)
        err = fail_memory(error);
    return err;
}

sh_err store_postgres_rows_add(store *base, const backup_table *table, const backup_value values[],
                               sh_error *error)
{
    store_postgres *s = (store_postgres *)base;
    sh_err err = s->rows.is_copying ? SH_OK : begin_copy(s, error);
    size_t before = s->rows.data.len;
    if (err == SH_OK)
        err = append_row(s, table, values, error);
    s->rows.bytes += s->rows.data.len - before;
    if (err == SH_OK && s->rows.bytes >= STATEMENT_BYTES)
        return end_copy(s, error);
    return err == SH_OK && s->rows.data.len >= SEND_BYTES ? send_rows(s, error) : err;
}

sh_err store_postgres_rows_end(store *base, sh_error *error)
{
    store_postgres *s = (store_postgres *)base;
    sh_err err = end_copy(s, error);
    sh_buf_reset(&s->rows.copy);
    sh_buf_reset(&s->rows.data);
    return err;
}
