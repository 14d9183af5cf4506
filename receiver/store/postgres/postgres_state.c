/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/store/postgres/postgres_store.h"

#include "libcommon/base/cleanup.h"

#include <stdio.h>
#include <stdlib.h>

/* Lists of the hub's state. */

/* The advisory lock of a list; the first number is "Sync" in ASCII. */
#define STATE_LOCK "SELECT pg_advisory_xact_lock%s(1400467043, %d)"

sh_err store_postgres_state_read_begin(store *base, sh_error *error)
{
    store_postgres *s = (store_postgres *)base;
    sh_err err = store_postgres_exec(s, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", "read",
                                     NULL, error);
    s->in_transaction = err == SH_OK;
    return err;
}

/* Locks are held until the end of the transaction. */
static sh_err lock_list(store *base, const char *kind, store_state list, sh_error *error)
{
    char sql[80];
    (void)snprintf(sql, sizeof sql, STATE_LOCK, kind, (int)list);
    return store_postgres_exec((store_postgres *)base, sql, "write to", NULL, error);
}

sh_err store_postgres_state_lock(store *base, store_state list, sh_error *error)
{
    return lock_list(base, "", list, error);
}

sh_err store_postgres_state_hold(store *base, store_state list, sh_error *error)
{
    return lock_list(base, "_shared", list, error);
}

static sh_slice text_at(const PGresult *result, int row, int column)
{
    if (column >= PQnfields(result))
        return (sh_slice){"", 0};
    return (sh_slice){PQgetvalue(result, row, column), (size_t)PQgetlength(result, row, column)};
}

/* Passes up to three columns of each row. */
static sh_err give_rows(const PGresult *result, const store_state_reader *reader, sh_error *error)
{
    for (int row = 0; row < PQntuples(result); row++) {
        const store_state_entry entry = {
            .key = text_at(result, row, 0),
            .value = text_at(result, row, 1),
            .changed_ms = PQnfields(result) > 2 ? strtoll(PQgetvalue(result, row, 2), NULL, 10) : 0,
        };
        sh_err err = reader->each(reader->context, &entry, error);
        if (err != SH_OK)
            return err;
    }
    return SH_OK;
}

sh_err store_postgres_state_find(store *base, const char *sql, const char *key,
                                 const store_state_reader *reader, sh_error *error)
{
    SH_CLEANUP(store_postgres_clear) PGresult *result = NULL;
    postgres_parameters p = {.count = 0};
    if (key != NULL)
        store_postgres_add_text(&p, sh_slice_of(key));
    sh_err err = store_postgres_query((store_postgres *)base, sql, &p, "use", &result, error);
    return err == SH_OK ? give_rows(result, reader, error) : err;
}

sh_err store_postgres_state_each(store *base, const char *sql, const store_state_reader *reader,
                                 sh_error *error)
{
    return store_postgres_state_find(base, sql, NULL, reader, error);
}

sh_err store_postgres_state_put(store *base, const char *sql, const store_state_entry *entry,
                                sh_error *error)
{
    postgres_parameters p = {.count = 0};
    store_postgres_add_text(&p, entry->key);
    store_postgres_add_text(&p, entry->value);
    store_postgres_add_integer(&p, entry->changed_ms);
    return store_postgres_query((store_postgres *)base, sql, &p, "write to", NULL, error);
}
