/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/store/postgres/postgres_store.h"

#include "libcommon/base/cleanup.h"

#include <stdio.h>
#include <stdlib.h>

#define OF_TABLE " WHERE node = $1 AND digest = $2::bytea"

static void add_table(postgres_parameters *p, const store_node *n)
{
    store_postgres_add_text(p, sh_slice_of(n->node));
    store_postgres_add_bytes(p, n->digest, SH_DIGEST_BYTES);
}

static sh_err note_part(store_postgres *s, const store_part *part, sh_error *error)
{
    const store_node *n = part->of;
    const int64_t numbers[] = {part->parts, part->part, n->merged_ms, n->sent,
                               n->inserted, n->known,   n->skipped,   n->set_aside};
    postgres_parameters p = {.count = 0};
    add_table(&p, n);
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        store_postgres_add_integer(&p, numbers[i]);
    store_postgres_add_text(&p, sh_slice_of(n->reason));
    if (part->keys.data == NULL)
        store_postgres_add_null(&p);
    else
        store_postgres_add_bytes(&p, (const uint8_t *)part->keys.data, part->keys.len);
    store_postgres_add_integer(&p, 8 * (int64_t)SH_ROWS_MAX);
    return store_postgres_query(
        s,
        "INSERT INTO \"SyncHub_Parts\"(node, digest, parts, part, merged_ms, sent, inserted,"
        " known, skipped, set_aside, reason, keys) VALUES($1, $2::bytea, $3::bigint, $4::bigint,"
        " $5::bigint, $6::bigint, $7::bigint, $8::bigint, $9::bigint, $10::bigint, $11,"
        " CASE WHEN (SELECT coalesce(sum(length(keys)), 0) FROM \"SyncHub_Parts\"" OF_TABLE
        ") < $13::bigint THEN $12::bytea END)"
        " ON CONFLICT(node, digest, parts, part) DO UPDATE SET merged_ms = excluded.merged_ms,"
        " sent = excluded.sent, inserted = excluded.inserted, known = excluded.known,"
        " skipped = excluded.skipped, set_aside = excluded.set_aside, reason = excluded.reason,"
        " keys = excluded.keys",
        &p, "write to", NULL, error);
}

/* Keeps only the newest incomplete tables of a node. */
static sh_err trim_tables(store_postgres *s, const store_node *n, sh_error *error)
{
    postgres_parameters p = {.count = 0};
    add_table(&p, n);
    store_postgres_add_integer(&p, SH_TABLES_PENDING_MAX - 1);
    return store_postgres_query(
        s,
        "DELETE FROM \"SyncHub_Parts\" WHERE node = $1 AND digest <> $2::bytea AND digest NOT IN"
        " (SELECT digest FROM \"SyncHub_Parts\" WHERE node = $1 AND digest <> $2::bytea"
        " GROUP BY digest ORDER BY max(merged_ms) DESC LIMIT $3::bigint)",
        &p, "write to", NULL, error);
}

/* Sums over the recorded parts; *recorded is their number. */
static sh_err sum_parts(store_postgres *s, uint32_t parts, store_node *n, int64_t *recorded,
                        sh_error *error)
{
    SH_CLEANUP(store_postgres_clear) PGresult *result = NULL;
    postgres_parameters p = {.count = 0};
    add_table(&p, n);
    store_postgres_add_integer(&p, parts);
    sh_err err = store_postgres_query(
        s,
        "SELECT count(*), coalesce(sum(sent), 0), coalesce(sum(known), 0),"
        " coalesce(sum(skipped), 0), coalesce(sum(set_aside), 0),"
        " coalesce((array_agg(reason ORDER BY part) FILTER (WHERE reason <> ''))[1], '')"
        " FROM \"SyncHub_Parts\"" OF_TABLE " AND parts = $3::bigint",
        &p, "read", &result, error);
    if (err != SH_OK)
        return err;
    int64_t *const numbers[] = {&n->sent, &n->known, &n->skipped, &n->set_aside};
    *recorded = strtoll(PQgetvalue(result, 0, 0), NULL, 10);
    for (int i = 0; i < 4; i++)
        *numbers[i] = strtoll(PQgetvalue(result, 0, i + 1), NULL, 10);
    (void)snprintf(n->reason, sizeof n->reason, "%s", PQgetvalue(result, 0, 5));
    return SH_OK;
}

/*
 * Updates the node's counters first, because that locks its row: if two receivers merge the last
 * two parts of a table concurrently, the second one then sees the part of the first.
 */
sh_err store_postgres_part_record(store *base, const store_part *part, bool *whole, sh_error *error)
{
    store_postgres *s = (store_postgres *)base;
    store_node sum = *part->of;
    *whole = false;
    sh_err err = base->ops->node_add(base, part->of, error);
    if (err == SH_OK)
        err = note_part(s, part, error);
    int64_t recorded = 0;
    if (err == SH_OK)
        err = sum_parts(s, part->parts, &sum, &recorded, error);
    if (err == SH_OK && recorded == 1) /* the first part of this table */
        err = trim_tables(s, part->of, error);
    *whole = err == SH_OK && recorded == (int64_t)part->parts;
    if (err != SH_OK || !*whole)
        return err;
    sum.inserted = 0; /* already added above */
    return base->ops->node_record(base, &sum, error);
}

sh_err store_postgres_part_keys(store *base, const store_part *part, store_keys_each each,
                                void *context, bool *complete, sh_error *error)
{
    SH_CLEANUP(store_postgres_clear) PGresult *result = NULL;
    postgres_parameters p = {.count = 0};
    add_table(&p, part->of);
    store_postgres_add_integer(&p, part->parts);
    sh_err err = store_postgres_query((store_postgres *)base,
                                      "SELECT keys FROM \"SyncHub_Parts\"" OF_TABLE
                                      " AND parts = $3::bigint",
                                      &p, "read", &result, error);
    *complete = true;
    for (int i = 0; err == SH_OK && i < PQntuples(result); i++) {
        size_t len = 0;
        *complete = *complete && !PQgetisnull(result, i, 0);
        unsigned char *keys =
            PQunescapeBytea((const unsigned char *)PQgetvalue(result, i, 0), &len);
        if (keys == NULL)
            return sh_fail(error, SH_E_MEMORY, "out of memory: cannot read the database");
        err = each(context, (sh_slice){(const char *)keys, len}, error);
        PQfreemem(keys);
    }
    return err;
}

sh_err store_postgres_parts_end(store *base, const store_part *part, sh_error *error)
{
    postgres_parameters p = {.count = 0};
    add_table(&p, part->of);
    return store_postgres_query((store_postgres *)base, "DELETE FROM \"SyncHub_Parts\"" OF_TABLE,
                                &p, "write to", NULL, error);
}
