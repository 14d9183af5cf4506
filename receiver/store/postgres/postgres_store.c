/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/store/postgres/postgres_store.h"

#include "libcommon/base/cleanup.h"
#include "libcommon/base/clock.h"
#include "libcommon/base/hex.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NODES_AT_ONCE "256"
#define ASK_INTERVAL_MS 5000 /* a server that does not end connections is asked so often */

/*
 * Limits of the server's, each only where neither SYNC_db nor the administrator has set it: a
 * statement or a lock that takes too long gives SH_E_BUSY, and a receiver that hangs or is cut off
 * inside a transaction loses it, with the locks that others wait for. A commit must be durable
 * before its entry is acknowledged. All look-ups go through an index, but a plan that was made
 * while a table was small might read it from end to end.
 */
static const char session_settings[] =
    "SELECT set_config(name, value, false)"
    " FROM (VALUES ('statement_timeout', '30s', '0'), ('lock_timeout', '10s', '0'),"
    " ('idle_in_transaction_session_timeout', '60s', '0'), ('synchronous_commit', 'on', 'off'),"
    " ('enable_seqscan', 'off', 'on')) AS s(name, value, instead_of)"
    " WHERE current_setting(name) = instead_of";

static void postgres_close(store *base)
{
    store_postgres *s = (store_postgres *)base;
    PQfinish(s->conn); /* the server rolls an open transaction back */
    free(s);
}

static const sh_column *postgres_columns(const store *base, size_t *count)
{
    const store_postgres *s = (const store_postgres *)base;
    *count = s->column_count;
    return s->columns;
}

static void postgres_advice(const store *base, char ret[static STORE_ADVICE_BYTES])
{
    store_postgres_transport_advice((const store_postgres *)base, ret);
}

static store_pace postgres_pace(const store *base)
{
    (void)base;
    return store_pace_own();
}

#define GENERATION "SELECT value FROM \"SyncHub_Meta\" WHERE key = 'generation'"

/*
 * Each commit counts the generation. A backup that is put back has an earlier one than this process
 * has seen, though server and connection are the same.
 */
static sh_err check_generation(store_postgres *s, const PGresult *result, sh_error *error)
{
    int64_t generation = PQntuples(result) == 1 ? strtoll(PQgetvalue(result, 0, 0), NULL, 10) : 0;
    if (generation < s->generation)
        return sh_fail(
            error, SH_E_IO,
            "the PostgreSQL database %s (SYNC_db) was put back to an earlier state: nodes "
            "send their tables in full",
            s->place);
    s->generation = generation;
    return SH_OK;
}

static void postgres_rollback(store *base);

static sh_err postgres_begin(store *base, sh_error *error)
{
    store_postgres *s = (store_postgres *)base;
    SH_CLEANUP(store_postgres_clear) PGresult *result = NULL;
    s->marked = false;
    sh_err err = store_postgres_exec(s,
                                     s->counts_generations
                                         ? "BEGIN ISOLATION LEVEL READ COMMITTED;" GENERATION
                                         : "BEGIN ISOLATION LEVEL READ COMMITTED",
                                     "write to", &result, error);
    s->in_transaction = true;
    if (err == SH_OK && s->counts_generations)
        err = check_generation(s, result, error);
    if (err != SH_OK)
        postgres_rollback(base);
    return err;
}

/*
 * COMMIT of a transaction in which something failed succeeds, but rolls back. The generation comes
 * last, so that others wait for its row while this one is committed alone.
 */
static sh_err postgres_commit(store *base, sh_error *error)
{
    store_postgres *s = (store_postgres *)base;
    SH_CLEANUP(store_postgres_clear) PGresult *result = NULL;
    s->marked = false;
    sh_err err = store_postgres_exec(
        s,
        s->counts_generations ? "UPDATE \"SyncHub_Meta\" SET value = (value::bigint + 1)::text"
                                " WHERE key = 'generation'; COMMIT"
                              : "COMMIT",
        "write to", &result, error);
    if (err != SH_OK)
        return err;
    s->in_transaction = false;
    if (strcmp(PQcmdStatus(result), "COMMIT") != 0)
        return sh_fail(error, SH_E_IO,
                       "the PostgreSQL database %s (SYNC_db) rolled a transaction back", s->place);
    s->generation += s->counts_generations;
    return SH_OK;
}

static void postgres_rollback(store *base)
{
    store_postgres *s = (store_postgres *)base;
    s->marked = false;
    if (s->in_transaction && !s->lost &&
        store_postgres_exec(s, "ROLLBACK", "write to", NULL, NULL) != SH_OK)
        s->lost = true;
    s->in_transaction = false;
}

static sh_err postgres_mark(store *base, sh_error *error)
{
    store_postgres *s = (store_postgres *)base;
    sh_err err =
        store_postgres_exec(s, s->marked ? "RELEASE entry; SAVEPOINT entry" : "SAVEPOINT entry",
                            "write to", NULL, error);
    s->marked = s->marked || err == SH_OK;
    return err;
}

static sh_err postgres_undo_to_mark(store *base, sh_error *error)
{
    return store_postgres_exec((store_postgres *)base, "ROLLBACK TO entry", "write to", NULL,
                               error);
}

/* How many rows a result says were written. */
static bool wrote_any(PGresult *result)
{
    const char *tuples = PQcmdTuples(result);
    return tuples[0] != '\0' && strcmp(tuples, "0") != 0;
}

static sh_err postgres_item_note(store *base, const uint8_t id[static SH_ID_BYTES], int64_t now_ms,
                                 bool *seen, sh_error *error)
{
    store_postgres *s = (store_postgres *)base;
    SH_CLEANUP(store_postgres_clear) PGresult *result = NULL;
    postgres_parameters p = {.count = 0};
    store_postgres_add_bytes(&p, id, SH_ID_BYTES);
    store_postgres_add_integer(&p, now_ms);
    sh_err err = store_postgres_run(s, POSTGRES_ITEM_NOTE, &p, "write to", &result, error);
    if (err == SH_OK)
        *seen = !wrote_any(result);
    return err;
}

static sh_err postgres_item_unnote(store *base, const uint8_t id[static SH_ID_BYTES],
                                   sh_error *error)
{
    postgres_parameters p = {.count = 0};
    store_postgres_add_bytes(&p, id, SH_ID_BYTES);
    return store_postgres_run((store_postgres *)base, POSTGRES_ITEM_UNNOTE, &p, "write to", NULL,
                              error);
}

static sh_err postgres_node_record(store *base, const store_node *node, sh_error *error)
{
    const int64_t numbers[] = {node->merged_ms, node->sent,    node->inserted,
                               node->known,     node->skipped, node->set_aside};
    postgres_parameters p = {.count = 0};
    store_postgres_add_text(&p, sh_slice_of(node->node));
    store_postgres_add_text(&p, sh_slice_of(node->mode));
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        store_postgres_add_integer(&p, numbers[i]);
    store_postgres_add_text(&p, sh_slice_of(node->reason));
    if (node->has_digest)
        store_postgres_add_bytes(&p, node->digest, SH_DIGEST_BYTES);
    else
        store_postgres_add_null(&p);
    return store_postgres_run((store_postgres *)base, POSTGRES_NODE_RECORD, &p, "write to", NULL,
                              error);
}

static sh_err prepare(store_postgres *s, sh_error *error)
{
    static const Oid item_types[] = {POSTGRES_TYPE_BYTEA, POSTGRES_TYPE_BIGINT};
    static const Oid node_types[] = {
        POSTGRES_TYPE_TEXT,   POSTGRES_TYPE_TEXT,   POSTGRES_TYPE_BIGINT, POSTGRES_TYPE_BIGINT,
        POSTGRES_TYPE_BIGINT, POSTGRES_TYPE_BIGINT, POSTGRES_TYPE_BIGINT, POSTGRES_TYPE_BIGINT,
        POSTGRES_TYPE_TEXT,   POSTGRES_TYPE_BYTEA};
    sh_err err = store_postgres_prepare(
        s, POSTGRES_ITEM_NOTE,
        "INSERT INTO \"SyncHub_Items\"(id, merged_ms) VALUES($1, $2) ON CONFLICT(id) DO NOTHING",
        item_types, 2, error);
    if (err == SH_OK)
        err = store_postgres_prepare(s, POSTGRES_ITEM_UNNOTE,
                                     "DELETE FROM \"SyncHub_Items\" WHERE id = $1", item_types, 1,
                                     error);
    if (err == SH_OK)
        err = store_postgres_prepare(
            s, POSTGRES_NODE_RECORD,
            "INSERT INTO \"SyncHub_Nodes\" AS n(node, mode, merged_ms, sent, inserted, known,"
            " skipped, set_aside, reason, digest) VALUES($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"
            " ON CONFLICT(node) DO UPDATE SET mode = excluded.mode,"
            " merged_ms = excluded.merged_ms, sent = excluded.sent,"
            " inserted = n.inserted + excluded.inserted, known = excluded.known,"
            " skipped = excluded.skipped, set_aside = excluded.set_aside,"
            " reason = excluded.reason, digest = excluded.digest",
            node_types, 10, error);
    if (err == SH_OK)
        err = store_postgres_devices_prepare(s, error);
    return err == SH_OK ? store_postgres_results_prepare(s, error) : err;
}

static int64_t integer_at(const PGresult *result, int row, int column)
{
    return strtoll(PQgetvalue(result, row, column), NULL, 10);
}

static void text_at(const PGresult *result, int row, int column, char *ret, size_t ret_bytes)
{
    (void)snprintf(ret, ret_bytes, "%s", PQgetvalue(result, row, column));
}

static void read_node(const PGresult *result, int row, store_node *ret)
{
    *ret = (store_node){.merged_ms = integer_at(result, row, 2),
                        .sent = integer_at(result, row, 3),
                        .inserted = integer_at(result, row, 4),
                        .known = integer_at(result, row, 5),
                        .skipped = integer_at(result, row, 6),
                        .set_aside = integer_at(result, row, 7)};
    text_at(result, row, 0, ret->node, sizeof ret->node);
    text_at(result, row, 1, ret->mode, sizeof ret->mode);
    text_at(result, row, 8, ret->reason, sizeof ret->reason);
    ret->has_digest =
        sh_hex_decode(sh_slice_of(PQgetvalue(result, row, 9)), ret->digest, SH_DIGEST_BYTES);
}

/* Gives the nodes behind `after`, so many at most; *last is the name of the last one, if any. */
static sh_err give_some_nodes(store_postgres *s, const char *after, store_node_each each,
                              void *context, char last[static SH_NODE_NAME_MAX + 1], bool *more,
                              sh_error *error)
{
    SH_CLEANUP(store_postgres_clear) PGresult *result = NULL;
    postgres_parameters p = {.count = 0};
    store_postgres_add_text(&p, sh_slice_of(after));
    sh_err err = store_postgres_query(
        s,
        "SELECT node, mode, merged_ms, sent, inserted, known, skipped, set_aside, reason,"
        " encode(digest, 'hex') FROM \"SyncHub_Nodes\" WHERE node > $1 ORDER BY node"
        " LIMIT " NODES_AT_ONCE,
        &p, "read", &result, error);
    *more = err == SH_OK && PQntuples(result) > 0;
    for (int i = 0; err == SH_OK && i < PQntuples(result); i++) {
        store_node node;
        read_node(result, i, &node);
        memcpy(last, node.node, sizeof node.node);
        err = each(context, &node, error);
    }
    return err;
}

/* By pages, since there may be a million of them. */
static sh_err postgres_nodes(store *base, store_node_each each, void *context, sh_error *error)
{
    char last[SH_NODE_NAME_MAX + 1] = "";
    sh_err err = SH_OK;
    for (bool more = true; more && err == SH_OK;) {
        char after[SH_NODE_NAME_MAX + 1];
        memcpy(after, last, sizeof after);
        err = give_some_nodes((store_postgres *)base, after, each, context, last, &more, error);
    }
    return err;
}

/* A server that ended the connection is seen at once, one that vanished when it is asked. */
static sh_err postgres_check(store *base, sh_error *error)
{
    store_postgres *s = (store_postgres *)base;
    int64_t now_ms = sh_clock_monotonic_ms();
    if (now_ms - s->asked_ms >= ASK_INTERVAL_MS || s->lost) {
        SH_CLEANUP(store_postgres_clear) PGresult *result = NULL;
        s->asked_ms = now_ms;
        sh_err err = store_postgres_exec(s, GENERATION, "read", &result, error);
        return err == SH_OK ? check_generation(s, result, error) : err;
    }
    struct pollfd fd = {.fd = PQsocket(s->conn), .events = POLLIN};
    while (poll(&fd, 1, 0) > 0) { /* perhaps last words, then the end */
        if (PQconsumeInput(s->conn) == 0) {
            char words[300];
            store_postgres_words(s->conn, words, sizeof words);
            return store_postgres_lose(s, words, error);
        }
    }
    return SH_OK;
}

static sh_err postgres_rules_note(store *base, const uint8_t rules[static SH_DIGEST_BYTES],
                                  sh_error *error)
{
    char hex[SH_DIGEST_HEX_BYTES];
    sh_hex_encode(rules, SH_DIGEST_BYTES, hex);
    postgres_parameters p = {.count = 0};
    store_postgres_add_text(&p, sh_slice_of(hex));
    return store_postgres_query(
        (store_postgres *)base,
        "WITH changed AS (INSERT INTO \"SyncHub_Meta\" AS m(key, value) VALUES('rules', $1)"
        " ON CONFLICT(key) DO UPDATE SET value = excluded.value"
        " WHERE m.value IS DISTINCT FROM excluded.value RETURNING 1)"
        " UPDATE \"SyncHub_Nodes\" SET digest = NULL WHERE EXISTS (SELECT 1 FROM changed)",
        &p, "write to", NULL, error);
}

static sh_err postgres_meta_get(store *base, const char *name, char ret[static STORE_META_BYTES],
                                sh_error *error)
{
    SH_CLEANUP(store_postgres_clear) PGresult *result = NULL;
    postgres_parameters p = {.count = 0};
    store_postgres_add_text(&p, sh_slice_of(name));
    sh_err err = store_postgres_query((store_postgres *)base,
                                      "SELECT value FROM \"SyncHub_Meta\" WHERE key = $1", &p,
                                      "read", &result, error);
    ret[0] = '\0';
    if (err == SH_OK && PQntuples(result) == 1)
        text_at(result, 0, 0, ret, STORE_META_BYTES);
    return err;
}

static sh_err postgres_meta_set(store *base, const char *name, const char *value, bool replace,
                                sh_error *error)
{
    postgres_parameters p = {.count = 0};
    store_postgres_add_text(&p, sh_slice_of(name));
    store_postgres_add_text(&p, sh_slice_of(value));
    return store_postgres_query(
        (store_postgres *)base,
        replace ? "INSERT INTO \"SyncHub_Meta\"(key, value) VALUES($1, $2) ON CONFLICT(key)"
                  " DO UPDATE SET value = excluded.value"
                : "INSERT INTO \"SyncHub_Meta\"(key, value) VALUES($1, $2) ON CONFLICT(key)"
                  " DO NOTHING",
        &p, "write to", NULL, error);
}

static const struct store_ops postgres_ops = {
    .close = postgres_close,
    .check = postgres_check,
    .rules_note = postgres_rules_note,
    .meta_get = postgres_meta_get,
    .meta_set = postgres_meta_set,
    .columns = postgres_columns,
    .advice = postgres_advice,
    .pace = postgres_pace,
    .begin = postgres_begin,
    .commit = postgres_commit,
    .rollback = postgres_rollback,
    .mark = postgres_mark,
    .undo_to_mark = postgres_undo_to_mark,
    .item_note = postgres_item_note,
    .item_unnote = postgres_item_unnote,
    .tidy = store_postgres_tidy,
    .find_known = store_postgres_find_known,
    .insert_devices = store_postgres_insert_devices,
    .put_plugin_lines = store_postgres_put_plugin_lines,
    .node_record = postgres_node_record,
    .node_add = store_postgres_node_add,
    .part_record = store_postgres_part_record,
    .nodes = postgres_nodes,
    .devices = store_postgres_devices,
};

static sh_err open_database(store_postgres *s, const char *url, sh_error *error)
{
    sh_err err = store_postgres_connect(s, url, error);
    if (err == SH_OK && s->read_only)
        return store_postgres_schema_check(s, error);
    if (err == SH_OK)
        err = store_postgres_exec(s, session_settings, "open", NULL, error);
    if (err == SH_OK)
        err = store_postgres_schema_make(s, error);
    if (err == SH_OK)
        err = postgres_meta_set(&s->base, "generation", "1", false, error);
    s->counts_generations = err == SH_OK;
    return err == SH_OK ? prepare(s, error) : err;
}

sh_err store_postgres_open(const char *url, store_access access, store **ret, sh_error *error)
{
    store_postgres *s = calloc(1, sizeof *s);
    if (s == NULL)
        return sh_fail(error, SH_E_MEMORY, "out of memory while opening the database");
    s->base.ops = &postgres_ops;
    s->read_only = access == STORE_READ_ONLY;
    for (size_t i = 0; i < sh_device_columns_count; i++) {
        s->columns[i] = sh_device_columns[i];
        store_column_settle(&s->columns[i]);
    }
    s->column_count = sh_device_columns_count;
    sh_err err = open_database(s, url, error);
    if (err != SH_OK) {
        postgres_close(&s->base);
        return err;
    }
    *ret = &s->base;
    return SH_OK;
}

void store_postgres_library(char ret[static SH_LIBRARY_BYTES])
{
    int version = PQlibVersion(); /* 150014 is 15.14 */
    (void)snprintf(ret, SH_LIBRARY_BYTES, "libpq %d.%d", version / 10000, version % 10000);
}
