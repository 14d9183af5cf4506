/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/base/cleanup.h"
#include "receiver/store/postgres/postgres_store.h"
#include "receiver/store/store_prune.h"

#include <stdlib.h>

/* The statement determines the type of parameters without a declared one: bigint here. */
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
    const store_prune_table *t = &store_prune_tables[table];
    SH_CLEANUP(store_postgres_clear) PGresult *result = NULL;
    int64_t before_ms = 0, max = 0, deleted = 0;
    store_prune_limits(limits, table, &before_ms, &max);
    sh_err err = store_postgres_exec(s, t->count, "read", &result, error);
    if (err != SH_OK)
        return err;
    int64_t excess = store_prune_excess(strtoll(PQgetvalue(result, 0, 0), NULL, 10), max, more);
    const int64_t old[] = {before_ms, STORE_PRUNE_ROWS};
    if (before_ms > 0 && t->forget_first != NULL)
        err = delete_rows(s, t->forget_first, old, 2, &deleted, error);
    deleted = 0;
    if (err == SH_OK && before_ms > 0)
        err = delete_rows(s, t->forget, old, 2, &deleted, error);
    *more = *more || deleted >= STORE_PRUNE_ROWS;
    const int64_t more_than[] = {excess - deleted};
    int64_t gone = 0;
    if (err == SH_OK && excess > deleted && t->oldest_first != NULL)
        err = delete_rows(s, t->oldest_first, more_than, 1, &gone, error);
    if (err == SH_OK && excess > deleted)
        err = delete_rows(s, t->oldest, more_than, 1, &deleted, error);
    return err;
}

/* Deletes the oldest items of the node that exceeds the limit most; *more if there are others. */
static sh_err tidy_fullest_node(store_postgres *s, int64_t max, bool *more, sh_error *error)
{
    SH_CLEANUP(store_postgres_clear) PGresult *found = NULL, *deleted = NULL;
    postgres_parameters p = {.count = 0};
    store_postgres_add_integer(&p, max);
    sh_err err = store_postgres_query(s, store_prune_fullest_node, &p, "read", &found, error);
    if (err != SH_OK || PQntuples(found) == 0)
        return err;
    int64_t excess = store_prune_excess(strtoll(PQgetvalue(found, 0, 1), NULL, 10), max, more);
    *more = true;
    p = (postgres_parameters){.count = 0};
    store_postgres_add_text(&p, sh_slice_of(PQgetvalue(found, 0, 0)));
    store_postgres_add_integer(&p, excess);
    return store_postgres_query(s, store_prune_oldest_of_node, &p, "write to", &deleted, error);
}

sh_err store_postgres_prune(store *base, const store_limits *limits, bool *more, sh_error *error)
{
    *more = false;
    sh_err err = base->ops->begin(base, error);
    if (err != SH_OK)
        return err;
    err = tidy_fullest_node((store_postgres *)base, limits->node_items_max, more, error);
    for (int i = 0; i < store_prune_count(base) && err == SH_OK; i++)
        err = tidy_table((store_postgres *)base, i, limits, more, error);
    if (err == SH_OK)
        err = store_postgres_known_prune((store_postgres *)base, error);
    if (err == SH_OK)
        err = base->ops->commit(base, error);
    if (err != SH_OK)
        base->ops->rollback(base);
    return err;
}
