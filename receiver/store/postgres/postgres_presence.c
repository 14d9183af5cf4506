/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/base/cleanup.h"
#include "receiver/store/postgres/postgres_array.h"
#include "receiver/store/postgres/postgres_store.h"

#include <stdlib.h>

sh_err store_postgres_presence_prepare(store_postgres *s, sh_error *error)
{
    static const Oid types[] = {POSTGRES_TYPE_TEXT,         POSTGRES_TYPE_TEXT_ARRAY,
                                POSTGRES_TYPE_BIGINT_ARRAY, POSTGRES_TYPE_BIGINT_ARRAY,
                                POSTGRES_TYPE_BIGINT_ARRAY, POSTGRES_TYPE_BIGINT_ARRAY,
                                POSTGRES_TYPE_TEXT_ARRAY};
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
        " last_connection_ms, ip) SELECT $1, * FROM unnest($2, $3, $4, $5, $6, $7)"
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

/* The columns of an array, in the statement's order. */
enum { MAC, PRESENT, SINCE, FIRST_SEEN, CONNECTED, IP, COLUMNS };

static void add_value(postgres_array *a, const store_presence *row, int column)
{
    const int64_t numbers[] = {[PRESENT] = row->present,
                               [SINCE] = row->since_ms,
                               [FIRST_SEEN] = row->first_seen_ms,
                               [CONNECTED] = row->connected_ms};
    if (column == MAC)
        postgres_array_add(a, row->mac);
    else if (column == IP)
        postgres_array_add(a, row->ip);
    else
        postgres_array_add_bigint(a, numbers[column]);
}

/* The most bytes of all arrays. */
static size_t bytes_of(const store_presence rows[], size_t count)
{
    size_t texts = 0;
    for (size_t i = 0; i < count; i++)
        texts += rows[i].mac.len + rows[i].ip.len;
    return COLUMNS * POSTGRES_ARRAY_BYTES(count, count * POSTGRES_BIGINT_BYTES) + texts;
}

/*
 * One statement for all rows. The node is locked, so that no other receiver writes its rows
 * concurrently.
 */
sh_err store_postgres_presence_put(store *base, const char *node, const store_presence rows[],
                                   size_t count, sh_error *error)
{
    if (count == 0)
        return SH_OK;
    SH_CLEANUP(sh_free_cleanup) char *room = malloc(bytes_of(rows, count));
    if (room == NULL)
        return sh_fail(error, SH_E_MEMORY, "no memory to record which devices are present");
    postgres_parameters p = {.count = 0};
    store_postgres_add_text(&p, sh_slice_of(node));
    char *at = room;
    for (int column = 0; column < COLUMNS; column++) {
        bool is_text = column == MAC || column == IP;
        postgres_array a =
            postgres_array_begin(at, is_text ? POSTGRES_TYPE_TEXT : POSTGRES_TYPE_BIGINT, count);
        for (size_t i = 0; i < count; i++)
            add_value(&a, &rows[i], column);
        store_postgres_add_text(&p, postgres_array_bytes(&a));
        at = a.end;
    }
    return store_postgres_run((store_postgres *)base, POSTGRES_PRESENCE_PUT, &p, "write to", NULL,
                              error);
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
