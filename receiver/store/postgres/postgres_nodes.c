/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/store/postgres/postgres_store.h"

#include "libcommon/base/cleanup.h"
#include "libcommon/base/hex.h"
#include "receiver/store/node_info_columns.h"
#include "receiver/store/store_common.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Records of merged items and nodes. */

#define NODES_AT_ONCE "2048"

#define NODE_COLUMNS                                                                               \
    "node, mode, merged_ms, sent, inserted, known, skipped, set_aside, reason, digest,"            \
    " last_contact_ms, interval_ms, table_order, table_sealed_ms, table_digest, changed_ms,"       \
    " first_contact_ms, presence_fingerprint"

/* The same, in the order of read_node(). */
#define SELECT_NODES                                                                               \
    "SELECT node, mode, merged_ms, sent, inserted, known, skipped, set_aside, reason,"             \
    " encode(digest, 'hex'), last_contact_ms, interval_ms, table_order,"                           \
    " table_sealed_ms, encode(table_digest, 'hex'), changed_ms, reported_interval_ms, "            \
    "silent_set_ms, presence_fingerprint, " NODE_CONTENT_PROBLEM " FROM \"SyncHub_Nodes\""

#define INSERT_NODE                                                                                \
    "INSERT INTO \"SyncHub_Nodes\" AS n(" NODE_COLUMNS                                             \
    ") VALUES($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16,"              \
    " $17, $18)"                                                                                   \
    " ON CONFLICT(node) DO UPDATE SET inserted = n.inserted + excluded.inserted,"                  \
    " last_contact_ms = excluded.last_contact_ms, interval_ms = excluded.interval_ms,"             \
    " table_order = excluded.table_order,"                                                         \
    " table_sealed_ms = excluded.table_sealed_ms, table_digest = excluded.table_digest,"           \
    " changed_ms = excluded.changed_ms,"                                                           \
    " presence_fingerprint = excluded.presence_fingerprint,"                                       \
    " first_contact_ms = CASE n.first_contact_ms WHEN 0"                                           \
    " THEN excluded.first_contact_ms ELSE n.first_contact_ms END"

static sh_err prepare_nodes(store_postgres *s, sh_error *error)
{
    static const Oid types[] = {POSTGRES_TYPE_TEXT,   POSTGRES_TYPE_TEXT,   POSTGRES_TYPE_BIGINT,
                                POSTGRES_TYPE_BIGINT, POSTGRES_TYPE_BIGINT, POSTGRES_TYPE_BIGINT,
                                POSTGRES_TYPE_BIGINT, POSTGRES_TYPE_BIGINT, POSTGRES_TYPE_TEXT,
                                POSTGRES_TYPE_BYTEA,  POSTGRES_TYPE_BIGINT, POSTGRES_TYPE_BIGINT,
                                POSTGRES_TYPE_BIGINT, POSTGRES_TYPE_BIGINT, POSTGRES_TYPE_BYTEA,
                                POSTGRES_TYPE_BIGINT, POSTGRES_TYPE_BIGINT, POSTGRES_TYPE_BIGINT};
    sh_err err = store_postgres_prepare(
        s, POSTGRES_NODE_RECORD,
        INSERT_NODE ", mode = excluded.mode, merged_ms = excluded.merged_ms, sent = excluded.sent,"
                    " known = excluded.known, skipped = excluded.skipped,"
                    " set_aside = excluded.set_aside, reason = excluded.reason,"
                    " digest = excluded.digest",
        types, 18, error);
    if (err == SH_OK)
        err = store_postgres_prepare(s, POSTGRES_NODE_ADD, INSERT_NODE, types, 18, error);
    if (err == SH_OK)
        err = store_postgres_prepare(s, POSTGRES_NODE_LOCK,
                                     SELECT_NODES " WHERE node = $1 FOR UPDATE", types, 1, error);
    return err;
}

sh_err store_postgres_nodes_prepare(store_postgres *s, sh_error *error)
{
    static const Oid item_types[] = {POSTGRES_TYPE_BYTEA, POSTGRES_TYPE_BIGINT, POSTGRES_TYPE_TEXT};
    sh_err err = store_postgres_prepare(
        s, POSTGRES_ITEM_NOTE,
        "INSERT INTO \"SyncHub_Items\"(id, merged_ms, node) VALUES($1, $2, $3)"
        " ON CONFLICT(id) DO NOTHING",
        item_types, 3, error);
    if (err == SH_OK)
        err = store_postgres_prepare(s, POSTGRES_ITEM_UNNOTE,
                                     "DELETE FROM \"SyncHub_Items\" WHERE id = $1", item_types, 1,
                                     error);
    return err == SH_OK ? prepare_nodes(s, error) : err;
}

/* Whether the statement wrote a row. */
static bool wrote_any(PGresult *result)
{
    const char *tuples = PQcmdTuples(result);
    return tuples[0] != '\0' && strcmp(tuples, "0") != 0;
}

sh_err store_postgres_item_note(store *base, const store_item *item, bool *seen, sh_error *error)
{
    store_postgres *s = (store_postgres *)base;
    SH_CLEANUP(store_postgres_clear) PGresult *result = NULL;
    postgres_parameters p = {.count = 0};
    store_postgres_add_bytes(&p, item->id, SH_ID_BYTES);
    store_postgres_add_integer(&p, item->now_ms);
    store_postgres_add_text(&p, sh_slice_of(item->node));
    sh_err err = store_postgres_run(s, POSTGRES_ITEM_NOTE, &p, "write to", &result, error);
    if (err == SH_OK)
        *seen = !wrote_any(result);
    return err;
}

sh_err store_postgres_item_unnote(store *base, const uint8_t id[static SH_ID_BYTES],
                                  sh_error *error)
{
    postgres_parameters p = {.count = 0};
    store_postgres_add_bytes(&p, id, SH_ID_BYTES);
    return store_postgres_run((store_postgres *)base, POSTGRES_ITEM_UNNOTE, &p, "write to", NULL,
                              error);
}

static void add_numbers(postgres_parameters *p, const int64_t numbers[], size_t count)
{
    for (size_t i = 0; i < count; i++)
        store_postgres_add_integer(p, numbers[i]);
}

static sh_err write_node(store *base, postgres_statement which, const store_node *node,
                         sh_error *error)
{
    const int64_t rows[] = {node->merged_ms, node->sent,    node->inserted,
                            node->known,     node->skipped, node->set_aside};
    const int64_t times[] = {node->contact.last_ms, node->contact.interval_ms, node->newest.order,
                             node->newest.sealed_ms};
    postgres_parameters p = {.count = 0};
    store_postgres_add_text(&p, sh_slice_of(node->node));
    store_postgres_add_text(&p, sh_slice_of(node->mode));
    add_numbers(&p, rows, sizeof rows / sizeof rows[0]);
    store_postgres_add_text(&p, sh_slice_of(node->reason));
    if (node->has_digest)
        store_postgres_add_bytes(&p, node->digest, SH_DIGEST_BYTES);
    else
        store_postgres_add_null(&p);
    add_numbers(&p, times, sizeof times / sizeof times[0]);
    store_postgres_add_bytes(&p, node->newest.digest, SH_DIGEST_BYTES);
    store_postgres_add_integer(&p, node->changed_ms);
    store_postgres_add_integer(&p, node->contact.last_ms);
    store_postgres_add_integer(&p, node->presence_fingerprint);
    return store_postgres_run((store_postgres *)base, which, &p, "write to", NULL, error);
}

sh_err store_postgres_node_record(store *base, const store_node *node, sh_error *error)
{
    return write_node(base, POSTGRES_NODE_RECORD, node, error);
}

sh_err store_postgres_node_add(store *base, const store_node *node, sh_error *error)
{
    store_node counted = *node;
    counted.sent = counted.known = counted.skipped = counted.set_aside = 0;
    counted.reason[0] = '\0';
    counted.has_digest = false;
    return write_node(base, POSTGRES_NODE_ADD, &counted, error);
}

static int64_t integer_at(const PGresult *result, int row, int column)
{
    return strtoll(PQgetvalue(result, row, column), NULL, 10);
}

static void text_at(const PGresult *result, int row, int column, char *ret, size_t ret_bytes)
{
    store_text_copy(ret, ret_bytes, PQgetvalue(result, row, column));
}

static void read_node(const PGresult *result, int row, store_node *ret)
{
    *ret = (store_node){
        .merged_ms = integer_at(result, row, 2),
        .sent = integer_at(result, row, 3),
        .inserted = integer_at(result, row, 4),
        .known = integer_at(result, row, 5),
        .skipped = integer_at(result, row, 6),
        .set_aside = integer_at(result, row, 7),
        .contact = {.last_ms = integer_at(result, row, 10),
                    .interval_ms = integer_at(result, row, 11),
                    .reported_ms = integer_at(result, row, 16),
                    .set_ms = integer_at(result, row, 17)},
        .has_content_problem = integer_at(result, row, 19) != 0,
        .changed_ms = integer_at(result, row, 15),
        .presence_fingerprint = integer_at(result, row, 18),
        .newest = {.order = integer_at(result, row, 12), .sealed_ms = integer_at(result, row, 13)}};
    text_at(result, row, 0, ret->node, sizeof ret->node);
    text_at(result, row, 1, ret->mode, sizeof ret->mode);
    text_at(result, row, 8, ret->reason, sizeof ret->reason);
    ret->has_digest =
        sh_hex_decode(sh_slice_of(PQgetvalue(result, row, 9)), ret->digest, SH_DIGEST_BYTES);
    (void)sh_hex_decode(sh_slice_of(PQgetvalue(result, row, 14)), ret->newest.digest,
                        SH_DIGEST_BYTES);
}

static sh_err select_for_update(store_postgres *s, const char *node, store_node *ret, bool *found,
                                sh_error *error)
{
    SH_CLEANUP(store_postgres_clear) PGresult *result = NULL;
    postgres_parameters p = {.count = 0};
    store_postgres_add_text(&p, sh_slice_of(node));
    sh_err err = store_postgres_run(s, POSTGRES_NODE_LOCK, &p, "write to", &result, error);
    *found = err == SH_OK && PQntuples(result) == 1;
    if (*found)
        read_node(result, 0, ret);
    return err;
}

/*
 * A missing row cannot be locked, so insert it first: two receivers may merge a node's first tables
 * concurrently.
 */
sh_err store_postgres_node_lock(store *base, const char *node, bool create, store_node *ret,
                                sh_error *error)
{
    store_postgres *s = (store_postgres *)base;
    bool found = false;
    *ret = (store_node){.merged_ms = 0};
    sh_err err = select_for_update(s, node, ret, &found, error);
    if (err != SH_OK || found || !create)
        return err;
    postgres_parameters p = {.count = 0};
    store_postgres_add_text(&p, sh_slice_of(node));
    err = store_postgres_query(
        s,
        "INSERT INTO \"SyncHub_Nodes\"(node, mode, merged_ms, sent, inserted, known, skipped,"
        " set_aside, reason) VALUES($1, '', 0, 0, 0, 0, 0, 0, '') ON CONFLICT(node) DO NOTHING",
        &p, "write to", NULL, error);
    return err == SH_OK ? select_for_update(s, node, ret, &found, error) : err;
}

/* Calls each() for a page of nodes after `last`, which becomes the name of the last one, if any. */
static sh_err read_page(store_postgres *s, store_node_each each, void *context,
                        char last[static SH_NODE_NAME_MAX + 1], bool *more, sh_error *error)
{
    SH_CLEANUP(store_postgres_clear) PGresult *result = NULL;
    postgres_parameters p = {.count = 0};
    store_postgres_add_text(&p, sh_slice_of(last));
    sh_err err =
        store_postgres_query(s, SELECT_NODES " WHERE node > $1 ORDER BY node LIMIT " NODES_AT_ONCE,
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

/* In pages, as there may be a million of them. */
sh_err store_postgres_nodes(store *base, store_node_each each, void *context, sh_error *error)
{
    char last[SH_NODE_NAME_MAX + 1] = "";
    sh_err err = SH_OK;
    for (bool more = true; more && err == SH_OK;) {
        err = read_page((store_postgres *)base, each, context, last, &more, error);
    }
    return err;
}
