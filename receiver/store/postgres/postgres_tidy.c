/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/base/cleanup.h"
#include "receiver/store/postgres/postgres_store.h"
#include "receiver/store/store_tidy.h"

#include <stdlib.h>

/* Parameters of no declared type are what the statement makes of them: bigint here. */
static sh_err delete_rows(store_postgres *s, const char *sql, const int64_t numbers[], int count,
                          int64_t *deleted, sh_error *error)
{
    SH_CLEANUP(store_postgres_clear) PGresult *result = NULL;
    postgres_parameters p = {.count = 0};
    for (int i = 0; i < count; i++)
        store_postgres_add_integer(&p, numbers[i]);
    sh_err err = store_postgres_query(s, sql, &p, "write to", &result, error);
    *deleted = err == SH_OK ? strtoll(PQcmdTuples(result), NULL, 10) : 0;
    return err;
}

static sh_err tidy_table(store_postgres *s, int table, const store_limits *limits, bool *more,
                         sh_error *error)
{
    const store_tidy_table *t = &store_tidy_tables[table];
    SH_CLEANUP(store_postgres_clear) PGresult *result = NULL;
    int64_t before_ms = 0, max = 0, deleted = 0;
    store_tidy_limits(limits, table, &before_ms, &max);
    sh_err err = store_postgres_exec(s, t->count, "read", &result, error);
    if (err != SH_OK)
        return err;
    int64_t excess = store_tidy_excess(strtoll(PQgetvalue(result, 0, 0), NULL, 10), max, more);
    if (before_ms > 0)
        err = delete_rows(s, t->forget, (const int64_t[]){before_ms, STORE_TIDY_ROWS}, 2, &deleted,
                          error);
    *more = *more || deleted >= STORE_TIDY_ROWS;
    if (err == SH_OK && excess > deleted)
        err = delete_rows(s, t->oldest, (const int64_t[]){excess - deleted}, 1, &deleted, error);
    return err;
}

sh_err store_postgres_tidy(store *base, const store_limits *limits, bool *more, sh_error *error)
{
    *more = false;
    sh_err err = base->ops->begin(base, error);
    if (err != SH_OK)
        return err;
    for (int i = 0; i < TIDY_TABLES && err == SH_OK; i++)
        err = tidy_table((store_postgres *)base, i, limits, more, error);
    if (err == SH_OK)
        err = base->ops->commit(base, error);
    if (err != SH_OK)
        base->ops->rollback(base);
    return err;
}
