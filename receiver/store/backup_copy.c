/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/store/backup_copy.h"

#include "libcommon/base/cleanup.h"
#include "libcommon/base/hex.h"
#include "receiver/store/backup_contents.h"

#include <stdlib.h>
#include <string.h>

#define META "SyncHub_Meta"
#define DIGEST_CHUNK (64 * SH_KIB)

void backup_report(const backup_progress *progress, const char *table, int64_t rows)
{
    if (progress != NULL)
        progress->rows(progress->context, table, rows);
}

/* --- Rows from one database to another ------------------------------------------------------- */

typedef struct {
    const backup_copying *copying;
    const backup_table *table;
    bool is_meta;
    int64_t rows;
} table_copy;

static sh_err copy_row(void *context, const backup_value values[], sh_error *error)
{
    table_copy *c = context;
    if (c->is_meta && !backup_contains_meta(values[0].bytes)) /* its first column is the key */
        return SH_OK;
    store *to = c->copying->to;
    if (++c->rows % BACKUP_PROGRESS_ROWS == 0)
        backup_report(c->copying->progress, c->table->name, c->rows);
    return to->ops->rows_add(to, c->table, values, error);
}

static void intersect(backup_table *table, const backup_table *other)
{
    size_t kept = 0, index = 0;
    for (size_t i = 0; i < table->count; i++) {
        if (backup_table_column(other, table->columns[i], &index))
            (void)memmove(table->columns[kept++], table->columns[i], SH_COLUMN_NAME_BYTES);
    }
    table->count = kept;
}

static sh_err copy_rows(const backup_copying *copying, const backup_table *table, sh_error *error)
{
    table_copy copy = {
        .copying = copying, .table = table, .is_meta = strcmp(table->name, META) == 0};
    const backup_reader reader = {.each = copy_row, .context = &copy};
    store *to = copying->to;
    sh_err err = to->ops->rows_begin(to, table, error);
    if (err == SH_OK)
        err = copying->from->ops->rows_read(copying->from, table, &reader, error);
    if (err == SH_OK)
        err = to->ops->rows_end(to, error);
    if (err == SH_OK)
        backup_report(copying->progress, table->name, copy.rows);
    return err;
}

sh_err backup_copy_table(const backup_copying *copying, const char *table, sh_error *error)
{
    SH_CLEANUP(sh_free_cleanup) backup_table *both = calloc(2, sizeof *both);
    if (both == NULL)
        return sh_fail(error, SH_E_MEMORY, "out of memory");
    sh_err err = copying->from->ops->table_columns(copying->from, table, &both[0], error);
    if (err == SH_OK)
        err = copying->to->ops->table_columns(copying->to, table, &both[1], error);
    if (err != SH_OK)
        return err;
    intersect(&both[0], &both[1]);
    return both[0].count == 0 ? SH_OK : copy_rows(copying, &both[0], error);
}

/* --- Digests --------------------------------------------------------------------------------- */

typedef struct {
    const backup_table *table;
    const backup_progress *progress;
    bool is_meta;
    int64_t rows;
    uint8_t digest[SH_DIGEST_BYTES]; /* of all before chunk */
    sh_buf chunk;                    /* begins with digest */
} digesting;

static sh_err add_bytes(digesting *d, const void *bytes, size_t len)
{
    return sh_buf_append(&d->chunk, bytes, len);
}

/* Texts and their lengths, so that two different lists are never the same bytes. */
static sh_err add_sized(digesting *d, char kind, sh_slice bytes)
{
    uint64_t len = bytes.len;
    sh_err err = add_bytes(d, &kind, 1);
    for (int shift = 0; shift < 64 && err == SH_OK; shift += 8)
        err = add_bytes(d, &(uint8_t){(uint8_t)(len >> shift)}, 1);
    return err == SH_OK ? add_bytes(d, bytes.data, bytes.len) : err;
}

static sh_err flush(digesting *d)
{
    sh_keyed_hash(NULL, (sh_slice){d->chunk.data, d->chunk.len}, d->digest, sizeof d->digest);
    sh_buf_clear(&d->chunk);
    return add_bytes(d, d->digest, sizeof d->digest);
}

static sh_err add_value(digesting *d, const backup_value *value)
{
    static const char kinds[] = {
        [BACKUP_NULL] = 'n', [BACKUP_INTEGER] = 'i', [BACKUP_TEXT] = 't', [BACKUP_BYTES] = 'b'};
    char number[24];
    if (value->kind != BACKUP_INTEGER)
        return add_sized(d, kinds[value->kind],
                         value->kind == BACKUP_NULL ? SH_SLICE("") : value->bytes);
    int len = snprintf(number, sizeof number, "%lld", (long long)value->integer);
    return add_sized(d, kinds[BACKUP_INTEGER], (sh_slice){number, (size_t)len});
}

static sh_err digest_row(void *context, const backup_value values[], sh_error *error)
{
    digesting *d = context;
    if (d->is_meta && sh_slice_equals(values[0].bytes, SH_SLICE(BACKUP_META_DIGEST)))
        return SH_OK;
    sh_err err = SH_OK;
    for (size_t i = 0; i < d->table->count && err == SH_OK; i++)
        err = add_value(d, &values[i]);
    if (err == SH_OK && d->chunk.len >= DIGEST_CHUNK)
        err = flush(d);
    if (++d->rows % BACKUP_PROGRESS_ROWS == 0)
        backup_report(d->progress, d->table->name, d->rows);
    return err == SH_OK ? SH_OK : sh_fail(error, err, "out of memory");
}

static sh_err digest_table(digesting *d, store *file, const char *name, sh_error *error)
{
    SH_CLEANUP(sh_free_cleanup) backup_table *table = calloc(1, sizeof *table);
    if (table == NULL)
        return sh_fail(error, SH_E_MEMORY, "out of memory");
    const backup_reader reader = {.each = digest_row, .context = d};
    sh_err err = file->ops->table_columns(file, name, table, error);
    if (err != SH_OK)
        return err;
    d->table = table;
    d->is_meta = strcmp(name, META) == 0;
    d->rows = 0;
    if (add_sized(d, 'T', sh_slice_of(name)) != SH_OK)
        return sh_fail(error, SH_E_MEMORY, "out of memory");
    for (size_t i = 0; i < table->count; i++)
        if (add_sized(d, 'C', sh_slice_of(table->columns[i])) != SH_OK)
            return sh_fail(error, SH_E_MEMORY, "out of memory");
    return table->count == 0 ? SH_OK : file->ops->rows_read(file, table, &reader, error);
}

static void count_rows(backup_summary *summary, const char *table, int64_t rows)
{
    if (strcmp(table, "Devices") == 0)
        summary->devices = rows;
    else if (strcmp(table, "SyncHub_Nodes") == 0)
        summary->nodes = rows;
    else if (strcmp(table, "SyncHub_Credentials") == 0)
        summary->credentials = rows;
}

sh_err backup_digest(store *file, const backup_progress *progress, backup_summary *summary,
                     char ret[static SH_DIGEST_HEX_BYTES], sh_error *error)
{
    SH_CLEANUP(sh_free_cleanup) backup_tables *tables = calloc(1, sizeof *tables);
    digesting d = {.progress = progress, .chunk = SH_BUF_INIT(64 * SH_MIB)};
    if (tables == NULL)
        return sh_fail(error, SH_E_MEMORY, "out of memory");
    sh_err err = backup_file_tables(file, tables, error);
    for (size_t i = 0; i < tables->count && err == SH_OK; i++) {
        err = digest_table(&d, file, tables->names[i], error);
        count_rows(summary, tables->names[i], d.rows);
    }
    if (err == SH_OK && flush(&d) != SH_OK)
        err = sh_fail(error, SH_E_MEMORY, "out of memory");
    sh_hex_encode(d.digest, sizeof d.digest, ret);
    sh_buf_reset(&d.chunk);
    return err;
}

/* --- What a database has --------------------------------------------------------------------- */

static sh_err stop_at_row(void *context, const backup_value values[], sh_error *error)
{
    (void)values;
    (void)error;
    *(bool *)context = true;
    return SH_E_STOPPED;
}

sh_err backup_find_rows(store *s, bool *ret, sh_error *error)
{
    const char *const *names = backup_precious_tables;
    SH_CLEANUP(sh_free_cleanup) backup_table *table = calloc(1, sizeof *table);
    const backup_reader reader = {.each = stop_at_row, .context = ret};
    sh_err err = table == NULL ? sh_fail(error, SH_E_MEMORY, "out of memory") : SH_OK;
    *ret = false;
    for (size_t i = 0; names[i] != NULL && err == SH_OK && !*ret; i++) {
        err = s->ops->table_columns(s, names[i], table, error);
        if (err == SH_OK && table->count > 0) {
            table->count = 1;
            err = s->ops->rows_read(s, table, &reader, error);
        }
    }
    return *ret ? SH_OK : err;
}
