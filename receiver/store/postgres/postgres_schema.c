/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/store/postgres/postgres_store.h"

#include "libcommon/base/cleanup.h"
#include "receiver/store/schema.h"

/* One lock for this database; the number is "SyncHub" in ASCII. */
#define LOCK "x'53796e63487562'::bigint"

/* How long one step of an upgrade may take, such as an index on a large table. */
#define UPGRADE_REPLY_MS (900 * 1000)

typedef struct {
    bool devices; /* there is a table, view or other relation named Devices */
    bool meta;
} tables;

static sh_err read_tables(store_postgres *s, tables *ret, sh_error *error)
{
    SH_CLEANUP(store_postgres_clear) PGresult *result = NULL;
    sh_err err = store_postgres_exec(s,
                                     "SELECT to_regclass('\"Devices\"') IS NOT NULL,"
                                     " to_regclass('\"SyncHub_Meta\"') IS NOT NULL",
                                     "open", &result, error);
    *ret = (tables){.devices = err == SH_OK && PQgetvalue(result, 0, 0)[0] == 't',
                    .meta = err == SH_OK && PQgetvalue(result, 0, 1)[0] == 't'};
    return err;
}

static sh_err read_schema_state(store *base, schema_state *ret, sh_error *error)
{
    store_postgres *s = (store_postgres *)base;
    SH_CLEANUP(store_postgres_clear) PGresult *version = NULL;
    tables there = {.meta = false};
    *ret = (schema_state){.version = 0, .is_own = true};
    sh_err err = read_tables(s, &there, error);
    if (err == SH_OK && there.devices && !there.meta)
        return sh_fail(error, SH_E_CONFIG,
                       "the database %s (SYNC_db) has a table \"Devices\" that is not Sync Hub's: "
                       "name an empty database",
                       s->place);
    if (err != SH_OK || !there.meta)
        return err;
    err = store_postgres_exec(s, "SELECT value FROM \"SyncHub_Meta\" WHERE key = 'schema_version'",
                              "open", &version, error);
    if (err != SH_OK)
        return err;
    return schema_version_read(s->place, PQntuples(version) == 1 ? PQgetvalue(version, 0, 0) : NULL,
                               &ret->version, error);
}

/* Inside a transaction. */
static sh_err run_schema_sql(store *base, const char *sql, sh_error *error)
{
    store_postgres *s = (store_postgres *)base;
    sh_err err = store_postgres_exec(s, "SET LOCAL statement_timeout = 0", "make the tables of",
                                     NULL, error);
    if (err != SH_OK)
        return err;
    s->reply_ms = UPGRADE_REPLY_MS;
    err = store_postgres_exec(s, sql, "make the tables of", NULL, error);
    s->reply_ms = 0;
    return err;
}

sh_err store_postgres_schema_make(store_postgres *s, sh_error *error)
{
    const schema_target target = {
        .dialect = SCHEMA_POSTGRES, .read = read_schema_state, .run = run_schema_sql};
    schema_state state;
    sh_err err = read_schema_state(&s->base, &state, error);
    /* A user without the right to create tables can use existing ones. */
    if (err != SH_OK || (size_t)state.version == schema_in_use->count)
        return err;
    /*
     * Take the lock before the transaction, which would otherwise not see tables created while it
     * waits. After a failure it is released with the connection.
     */
    err = store_postgres_exec(s, "SELECT pg_advisory_lock(" LOCK ")", "open", NULL, error);
    if (err == SH_OK)
        err = schema_upgrade(&s->base, &target, error);
    if (err == SH_OK)
        err = store_postgres_exec(s, "SELECT pg_advisory_unlock(" LOCK ")", "open", NULL, error);
    return err;
}

sh_err store_postgres_schema_check(store_postgres *s, sh_error *error)
{
    schema_state state;
    sh_err err = read_schema_state(&s->base, &state, error);
    if (err == SH_OK && state.version == 0)
        return sh_fail(error, SH_E_NOT_FOUND,
                       "the database %s (SYNC_db) has no tables yet: the receiver creates them "
                       "when it first runs",
                       s->place);
    return err == SH_OK ? schema_check_complete(s->place, state.version, error) : err;
}
