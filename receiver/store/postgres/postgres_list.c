/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/store/postgres/postgres_store.h"

#include "libcommon/base/cleanup.h"

#include <stdlib.h>

/* A million devices are read in pieces of so many. */
#define FETCH "FETCH 256 FROM synchub_devices"

#define LIST_SQL_MAX (16 * SH_KIB)

static sh_err build_cursor(const store_postgres *s, bool of_node, sh_buf *sql)
{
    sh_err err =
        sh_buf_append_text(sql, "DECLARE synchub_devices NO SCROLL CURSOR FOR SELECT rowid");
    for (size_t i = 0; i < s->column_count && err == SH_OK; i++)
        err = sh_buf_append_format(sql, ", \"%s\"", s->columns[i].name);
    if (err == SH_OK)
        err = sh_buf_append_format(sql, " FROM \"Devices\"%s ORDER BY rowid",
                                   of_node ? " WHERE \"devSyncHubNode\" = $1" : "");
    return err;
}

/* The value as it is stored, with its text beside it. */
static sh_value value_at(const PGresult *result, int row, int column, const sh_column *what)
{
    if (PQgetisnull(result, row, column))
        return (sh_value){.kind = SH_VALUE_NULL};
    sh_value value = {.kind = SH_VALUE_TEXT,
                      .text = {.data = PQgetvalue(result, row, column),
                               .len = (size_t)PQgetlength(result, row, column)}};
    bool numbers = what->kind == SH_COLUMN_INTEGER || what->kind == SH_COLUMN_BOOLEAN;
    number_value n = numbers ? number_read(value.text) : (number_value){.kind = NUMBER_NONE};
    if (n.kind == NUMBER_INTEGER) {
        value.kind = SH_VALUE_INTEGER;
        value.integer = n.integer;
    }
    return value;
}

static sh_err give_rows(const store_postgres *s, const PGresult *result, store_device_each each,
                        void *context, sh_error *error)
{
    sh_err err = SH_OK;
    for (int row = 0; row < PQntuples(result) && err == SH_OK; row++) {
        sh_value values[SH_COLUMNS_MAX];
        for (size_t i = 0; i < s->column_count; i++)
            values[i] = value_at(result, row, (int)i + 1, &s->columns[i]);
        err = each(context, strtoll(PQgetvalue(result, row, 0), NULL, 10), s->columns, values,
                   s->column_count, error);
    }
    return err;
}

static sh_err open_cursor(store_postgres *s, const char *node, sh_error *error)
{
    sh_buf sql = SH_BUF_INIT(LIST_SQL_MAX);
    postgres_parameters p = {.count = 0};
    if (node != NULL)
        store_postgres_add_text(&p, sh_slice_of(node));
    sh_err err = build_cursor(s, node != NULL, &sql);
    if (err != SH_OK)
        (void)sh_fail(error, err, "out of memory: cannot read the database");
    else
        err = store_postgres_query(s, sql.data, &p, "read", NULL, error);
    sh_buf_reset(&sql);
    return err;
}

static sh_err give_all(store_postgres *s, const char *node, store_device_each each, void *context,
                       sh_error *error)
{
    sh_err err = open_cursor(s, node, error);
    for (bool more = true; err == SH_OK && more;) {
        SH_CLEANUP(store_postgres_clear) PGresult *result = NULL;
        err = store_postgres_exec(s, FETCH, "read", &result, error);
        if (err == SH_OK) {
            more = PQntuples(result) > 0;
            err = give_rows(s, result, each, context, error);
        }
    }
    return err;
}

/* One transaction, so that the list is of one moment. */
sh_err store_postgres_devices(store *base, const char *node, store_device_each each, void *context,
                              sh_error *error)
{
    store_postgres *s = (store_postgres *)base;
    sh_err err = store_postgres_exec(s, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", "read",
                                     NULL, error);
    s->in_transaction = err == SH_OK;
    if (err == SH_OK)
        err = give_all(s, node, each, context, error);
    s->base.ops->rollback(base);
    return err;
}
