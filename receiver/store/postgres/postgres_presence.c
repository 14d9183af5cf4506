/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/store/postgres/postgres_store.h"

#include "libcommon/base/cleanup.h"

#include <stdlib.h>

sh_err store_postgres_presence_prepare(store_postgres *s, sh_error *error)
{
    static const Oid types[] = {POSTGRES_TYPE_TEXT,   POSTGRES_TYPE_TEXT,   POSTGRES_TYPE_BIGINT,
                                POSTGRES_TYPE_BIGINT, POSTGRES_TYPE_BIGINT, POSTGRES_TYPE_BIGINT,
                                POSTGRES_TYPE_TEXT};
    sh_err err = store_postgres_prepare(
        s, POSTGRES_PRESENCE_READ,
        "SELECT mac, present, since_ms, first_seen_ms, last_connection_ms, ip"
        " FROM \"SyncHub_Presence\" WHERE node = $1",
        types, 1, error);
    if (err != SH_OK)
        return err;
    return store_postgres_prepare(
        s, POSTGRES_PRESENCE_PUT,
        "INSERT INTO \"SyncHub_Presence\"(node, mac, present, since_ms, first_seen_ms,"
        " last_connection_ms, ip) VALUES($1, $2, $3, $4, $5, $6, $7)"
        " ON CONFLICT(node, mac) DO UPDATE SET present = excluded.present,"
        " since_ms = excluded.since_ms, last_connection_ms = excluded.last_connection_ms,"
        " ip = excluded.ip",
        types, 7, error);
}

static int64_t integer_at(const PGresult *result, int row, int column)
{
    return strtoll(PQgetvalue(result, row, column), NULL, 10);
}

static sh_slice text_at(const PGresult *result, int row, int column)
{
    return (sh_slice){PQgetvalue(result, row, column), (size_t)PQgetlength(result, row, column)};
}

sh_err store_postgres_presence_read(store *base, const char *node, store_presence_each each,
                                    void *context, sh_error *error)
{
    SH_CLEANUP(store_postgres_clear) PGresult *result = NULL;
    postgres_parameters p = {.count = 0};
    store_postgres_add_text(&p, sh_slice_of(node));
    sh_err err = store_postgres_run((store_postgres *)base, POSTGRES_PRESENCE_READ, &p, "read",
                                    &result, error);
    for (int i = 0; err == SH_OK && i < PQntuples(result); i++) {
        const store_presence row = {
            .mac = text_at(result, i, 0),
            .present = (store_present)integer_at(result, i, 1),
            .since_ms = integer_at(result, i, 2),
            .first_seen_ms = integer_at(result, i, 3),
            .connected_ms = integer_at(result, i, 4),
            .ip = text_at(result, i, 5),
        };
        err = each(context, &row, error);
    }
    return err;
}

static sh_err send_row(store_postgres *s, const char *node, const store_presence *row,
                       sh_error *error)
{
    postgres_parameters p = {.count = 0};
    store_postgres_add_text(&p, sh_slice_of(node));
    store_postgres_add_text(&p, row->mac);
    store_postgres_add_integer(&p, row->present);
    store_postgres_add_integer(&p, row->since_ms);
    store_postgres_add_integer(&p, row->first_seen_ms);
    store_postgres_add_integer(&p, row->connected_ms);
    store_postgres_add_text(&p, row->ip);
    return store_postgres_pipeline_send(s, POSTGRES_PRESENCE_PUT, &p, error);
}

static sh_err take_results(store_postgres *s, size_t count, sh_error *error)
{
    sh_err failed = SH_OK;
    for (size_t i = 0; i < count; i++) {
        SH_CLEANUP(store_postgres_clear) PGresult *result = NULL;
        sh_err err = store_postgres_pipeline_next(s, &result, error);
        if (err != SH_OK)
            return err;
        if (!store_postgres_is_good(result) && PQresultStatus(result) != PGRES_PIPELINE_ABORTED)
            failed = store_postgres_fail(s, result, "write to", error);
    }
    sh_err err = store_postgres_pipeline_end(s, error);
    return failed != SH_OK ? failed : err;
}

/* The node is locked, so that no other receiver writes its rows concurrently. */
sh_err store_postgres_presence_put(store *base, const char *node, const store_presence rows[],
                                   size_t count, sh_error *error)
{
    store_postgres *s = (store_postgres *)base;
    sh_err err = store_postgres_pipeline_begin(s, error);
    for (size_t i = 0; i < count && err == SH_OK; i++)
        err = send_row(s, node, &rows[i], error);
    if (err == SH_OK)
        err = store_postgres_pipeline_end_sending(s, error);
    return err == SH_OK ? take_results(s, count, error) : err;
}

sh_err store_postgres_presence_trim(store *base, const char *node, int64_t count, sh_error *error)
{
    postgres_parameters p = {.count = 0};
    store_postgres_add_text(&p, sh_slice_of(node));
    store_postgres_add_integer(&p, count);
    return store_postgres_query(
        (store_postgres *)base,
        "DELETE FROM \"SyncHub_Presence\" WHERE node = $1 AND mac IN (SELECT mac"
        " FROM \"SyncHub_Presence\" WHERE node = $1 ORDER BY present <> 0, since_ms"
        " LIMIT $2::bigint)",
        &p, "write to", NULL, error);
}
