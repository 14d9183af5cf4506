/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/base/cleanup.h"
#include "receiver/store/node_info_columns.h"
#include "receiver/store/postgres/postgres_store.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What is known of nodes apart from their merges, and refused requests. */

#define SUMMARIES_AT_ONCE 16384
#define SUMMARIES_LIMIT "LIMIT 16384"

static void read_info(const PGresult *result, int row, store_node_info *ret)
{
    *ret = (store_node_info){.ephemeral = 0};
    for (int i = 0; i < NODE_INFO_COLUMNS; i++) {
        const node_info_column *column = &node_info_columns[i];
        const char *value = PQgetvalue(result, row, i);
        if (column->bytes == 0)
            node_info_set_integer(ret, column, strtoll(value, NULL, 10));
        else
            node_info_set_text(ret, column, value);
    }
}

sh_err store_postgres_node_info_get(store *base, const char *node, store_node_info *ret,
                                    bool *found, sh_error *error)
{
    store_postgres *s = (store_postgres *)base;
    SH_CLEANUP(store_postgres_clear) PGresult *result = NULL;
    postgres_parameters p = {.count = 0};
    char sql[NODE_INFO_SQL_BYTES];
    *ret = (store_node_info){.ephemeral = 0};
    node_info_select(s->read_only ? "WHERE node = $1" : "WHERE node = $1 FOR UPDATE", sql);
    store_postgres_add_text(&p, sh_slice_of(node));
    sh_err err = store_postgres_query(s, sql, &p, "read", &result, error);
    *found = err == SH_OK && PQntuples(result) == 1;
    if (*found)
        read_info(result, 0, ret);
    return err;
}

static void add_parameters(const store_node_info *info, postgres_parameters *ret)
{
    *ret = (postgres_parameters){.count = 0};
    for (int i = 0; i < NODE_INFO_COLUMNS; i++) {
        const node_info_column *column = &node_info_columns[i];
        if (column->bytes == 0)
            store_postgres_add_integer(ret, node_info_integer(info, column));
        else
            store_postgres_add_text(ret, node_info_text(info, column));
    }
}

sh_err store_postgres_node_info_put(store *base, const store_node_info *info, sh_error *error)
{
    postgres_parameters p;
    char sql[NODE_INFO_SQL_BYTES];
    node_info_upsert(true, sql);
    add_parameters(info, &p);
    return store_postgres_query((store_postgres *)base, sql, &p, "write to", NULL, error);
}

/* --- Many nodes ------------------------------------------------------------------------------ */

sh_err store_postgres_node_infos_prepare(store_postgres *s, sh_error *error)
{
    char sql[NODE_INFO_SQL_BYTES];
    Oid types[NODE_INFO_COLUMNS];
    for (int i = 0; i < NODE_INFO_COLUMNS; i++)
        types[i] = node_info_columns[i].bytes == 0 ? POSTGRES_TYPE_BIGINT : POSTGRES_TYPE_TEXT;
    node_info_select("WHERE node = $1 FOR UPDATE", sql);
    sh_err err = store_postgres_prepare(s, POSTGRES_NODE_INFO_GET, sql, types, 1, error);
    if (err != SH_OK)
        return err;
    node_info_upsert(true, sql);
    return store_postgres_prepare(s, POSTGRES_NODE_INFO_PUT, sql, types, NODE_INFO_COLUMNS, error);
}

/* Ends the sending of a pipeline that began with this result. */
static sh_err end_sending(store_postgres *s, sh_err err, sh_error *error)
{
    return err == SH_OK ? store_postgres_pipeline_end_sending(s, error) : err;
}

/* Takes the results of a pipeline; of the rows that it read, if there are any, into ret. */
static sh_err take_infos(store_postgres *s, size_t count, store_node_info ret[], bool found[],
                         sh_error *error)
{
    sh_err failed = SH_OK;
    for (size_t i = 0; i < count; i++) {
        SH_CLEANUP(store_postgres_clear) PGresult *result = NULL;
        sh_err err = store_postgres_pipeline_next(s, &result, error);
        if (err != SH_OK)
            return err;
        if (store_postgres_is_good(result) && ret != NULL) {
            found[i] = PQntuples(result) == 1;
            if (found[i])
                read_info(result, 0, &ret[i]);
        } else if (!store_postgres_is_good(result) &&
                   PQresultStatus(result) != PGRES_PIPELINE_ABORTED) {
            failed = store_postgres_fail(s, result, ret != NULL ? "read" : "write to", error);
        }
    }
    sh_err err = store_postgres_pipeline_end(s, error);
    return failed != SH_OK ? failed : err;
}

sh_err store_postgres_node_infos_get(store *base, const char *const nodes[], size_t count,
                                     store_node_info ret[], bool found[], sh_error *error)
{
    store_postgres *s = (store_postgres *)base;
    sh_err err = store_postgres_pipeline_begin(s, error);
    for (size_t i = 0; i < count && err == SH_OK; i++) {
        postgres_parameters p = {.count = 0};
        ret[i] = (store_node_info){.ephemeral = 0};
        found[i] = false;
        store_postgres_add_text(&p, sh_slice_of(nodes[i]));
        err = store_postgres_pipeline_send(s, POSTGRES_NODE_INFO_GET, &p, error);
    }
    err = end_sending(s, err, error);
    return err == SH_OK ? take_infos(s, count, ret, found, error) : err;
}

sh_err store_postgres_node_infos_put(store *base, const store_node_info *const infos[],
                                     size_t count, sh_error *error)
{
    store_postgres *s = (store_postgres *)base;
    sh_err err = store_postgres_pipeline_begin(s, error);
    for (size_t i = 0; i < count && err == SH_OK; i++) {
        postgres_parameters p;
        add_parameters(infos[i], &p);
        err = store_postgres_pipeline_send(s, POSTGRES_NODE_INFO_PUT, &p, error);
    }
    err = end_sending(s, err, error);
    return err == SH_OK ? take_infos(s, count, NULL, NULL, error) : err;
}

/* --- Deleting -------------------------------------------------------------------------------- */

sh_err store_postgres_node_forget(store *base, const char *node, bool *found, sh_error *error)
{
    static const char *const deletes[] = {"DELETE FROM \"SyncHub_Presence\" WHERE node = $1",
                                          "DELETE FROM \"SyncHub_Parts\" WHERE node = $1",
                                          "DELETE FROM \"SyncHub_History\" WHERE node = $1",
                                          "DELETE FROM \"SyncHub_Nodes\" WHERE node = $1"};
    postgres_parameters p = {.count = 0};
    sh_err err = SH_OK;
    store_postgres_add_text(&p, sh_slice_of(node));
    for (size_t i = 0; i < sizeof deletes / sizeof deletes[0] && err == SH_OK; i++) {
        SH_CLEANUP(store_postgres_clear) PGresult *result = NULL;
        err = store_postgres_query((store_postgres *)base, deletes[i], &p, "write to", &result,
                                   error);
        *found = err == SH_OK && strcmp(PQcmdTuples(result), "0") != 0;
    }
    return err;
}

static sh_err trim(store *base, const char *sql, int64_t max, sh_error *error)
{
    postgres_parameters p = {.count = 0};
    store_postgres_add_integer(&p, max);
    return store_postgres_query((store_postgres *)base, sql, &p, "write to", NULL, error);
}

sh_err store_postgres_node_strangers_trim(store *base, int64_t max, sh_error *error)
{
    return trim(base, NODE_STRANGERS_TRIM("ALL"), max, error);
}

/* Calls each() for a page of nodes after `last`, which becomes the name of the last one, if any. */
static sh_err read_page(store_postgres *s, store_node_info_each each, void *context,
                        char last[static SH_NODE_NAME_MAX + 1], bool *more, sh_error *error)
{
    SH_CLEANUP(store_postgres_clear) PGresult *result = NULL;
    postgres_parameters p = {.count = 0};
    char sql[NODE_INFO_SQL_BYTES];
    node_info_select("WHERE node > $1 ORDER BY node LIMIT 2048", sql);
    store_postgres_add_text(&p, sh_slice_of(last));
    sh_err err = store_postgres_query(s, sql, &p, "read", &result, error);
    *more = err == SH_OK && PQntuples(result) > 0;
    for (int i = 0; err == SH_OK && i < PQntuples(result); i++) {
        store_node_info info;
        read_info(result, i, &info);
        memcpy(last, info.node, sizeof info.node);
        err = each(context, &info, error);
    }
    return err;
}

sh_err store_postgres_node_infos(store *base, store_node_info_each each, void *context,
                                 sh_error *error)
{
    char last[SH_NODE_NAME_MAX + 1] = "";
    sh_err err = SH_OK;
    for (bool more = true; more && err == SH_OK;)
        err = read_page((store_postgres *)base, each, context, last, &more, error);
    return err;
}

static void read_summary(const PGresult *result, int row, store_node_summary *ret)
{
    int64_t numbers[14];
    for (int i = 0; i < 14; i++)
        numbers[i] = strtoll(PQgetvalue(result, row, i), NULL, 10);
    *ret = (store_node_summary){
        .is_recorded = numbers[1] != 0,
        .contact = {.last_ms = numbers[2], .interval_ms = numbers[3], .set_ms = numbers[4]},
        .problem_ms = numbers[5],
        .problem_seen_ms = numbers[6],
        .problem_status = numbers[7],
        .ephemeral = numbers[9],
        .merged_ms = numbers[10],
        .rows = numbers[11],
        .present = numbers[13],
    };
    (void)snprintf(ret->node, sizeof ret->node, "%s", PQgetvalue(result, row, 0));
    (void)snprintf(ret->problem_kind, sizeof ret->problem_kind, "%s", PQgetvalue(result, row, 8));
    node_summary_set_credentials(ret, sh_slice_of(PQgetvalue(result, row, 12)));
}

sh_err store_postgres_node_summaries(store *base, int64_t count_max, store_node_summary_each each,
                                     void *context, sh_error *error)
{
    store_node_summary node = {.rows = 0};
    sh_err err = SH_OK;
    for (bool more = true; more && err == SH_OK;) {
        SH_CLEANUP(store_postgres_clear) PGresult *result = NULL;
        postgres_parameters p = {.count = 0};
        store_postgres_add_integer(&p, count_max);
        store_postgres_add_text(&p, sh_slice_of(node.node));
        err = store_postgres_query(
            (store_postgres *)base,
            NODE_SUMMARIES(NODE_SUMMARY_PRESENT, "ORDER BY a.node " SUMMARIES_LIMIT), &p, "read",
            &result, error);
        more = err == SH_OK && PQntuples(result) == SUMMARIES_AT_ONCE;
        for (int i = 0; err == SH_OK && i < PQntuples(result); i++) {
            read_summary(result, i, &node);
            err = each(context, &node, error);
        }
    }
    return err;
}

static void count_of(const char *const nodes[], size_t count, const char *node, int64_t devices,
                     int64_t ret[])
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(nodes[i], node) == 0)
            ret[i] = devices;
}

sh_err store_postgres_present_counts(store *base, const char *const nodes[], size_t count,
                                     int64_t ret[], sh_error *error)
{
    static_assert(STORE_PRESENT_AT_ONCE <= POSTGRES_PARAMETERS_MAX, "a parameter for each node");
    SH_CLEANUP(store_postgres_clear) PGresult *result = NULL;
    SH_CLEANUP(sh_buf_reset) sh_buf sql = SH_BUF_INIT(4 * SH_KIB);
    postgres_parameters p = {.count = 0};
    sh_err err = sh_buf_append_text(
        &sql, "SELECT node, count(*) FROM \"SyncHub_Presence\" WHERE present = 1 AND node IN (");
    for (size_t i = 0; i < count && err == SH_OK; i++) {
        store_postgres_add_text(&p, sh_slice_of(nodes[i]));
        err = sh_buf_append_format(&sql, "%s$%zu", i == 0 ? "" : ", ", i + 1);
    }
    if (err == SH_OK)
        err = sh_buf_append_text(&sql, ") GROUP BY node");
    if (err != SH_OK)
        return sh_fail(error, err, "out of memory: cannot read the database");
    err = store_postgres_query((store_postgres *)base, sql.data, &p, "read", &result, error);
    for (int i = 0; err == SH_OK && i < PQntuples(result); i++)
        count_of(nodes, count, PQgetvalue(result, i, 0),
                 strtoll(PQgetvalue(result, i, 1), NULL, 10), ret);
    return err;
}

sh_err store_postgres_auth_failure_add(store *base, const store_auth_failure *failure,
                                       sh_error *error)
{
    postgres_parameters p = {.count = 0};
    store_postgres_add_text(&p, sh_slice_of(failure->address));
    store_postgres_add_text(&p, sh_slice_of(failure->node));
    store_postgres_add_integer(&p, failure->first_ms);
    store_postgres_add_integer(&p, failure->last_ms);
    store_postgres_add_integer(&p, failure->failures);
    store_postgres_add_text(&p, sh_slice_of(failure->reason));
    return store_postgres_query((store_postgres *)base, AUTH_FAILURE_ADD, &p, "write to", NULL,
                                error);
}

sh_err store_postgres_auth_failures_trim(store *base, int64_t max, sh_error *error)
{
    return trim(base, AUTH_FAILURES_TRIM, max, error);
}

sh_err store_postgres_auth_failure_end(store *base, const store_auth_failure *accepted,
                                       sh_error *error)
{
    postgres_parameters p = {.count = 0};
    store_postgres_add_text(&p, sh_slice_of(accepted->address));
    store_postgres_add_text(&p, sh_slice_of(accepted->node));
    store_postgres_add_integer(&p, accepted->last_ms);
    return store_postgres_query((store_postgres *)base, AUTH_FAILURE_END, &p, "write to", NULL,
                                error);
}

sh_err store_postgres_auth_failures(store *base, store_auth_failure_each each, void *context,
                                    sh_error *error)
{
    SH_CLEANUP(store_postgres_clear) PGresult *result = NULL;
    sh_err err =
        store_postgres_exec((store_postgres *)base, AUTH_FAILURES_SELECT, "read", &result, error);
    for (int i = 0; err == SH_OK && i < PQntuples(result); i++) {
        store_auth_failure failure = {.first_ms = strtoll(PQgetvalue(result, i, 2), NULL, 10),
                                      .last_ms = strtoll(PQgetvalue(result, i, 3), NULL, 10),
                                      .failures = strtoll(PQgetvalue(result, i, 4), NULL, 10)};
        (void)snprintf(failure.address, sizeof failure.address, "%s", PQgetvalue(result, i, 0));
        (void)snprintf(failure.node, sizeof failure.node, "%s", PQgetvalue(result, i, 1));
        (void)snprintf(failure.reason, sizeof failure.reason, "%s", PQgetvalue(result, i, 5));
        err = each(context, &failure, error);
    }
    return err;
}
