/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/store/postgres/postgres_store.h"

#include <stdio.h>
#include <stdlib.h>

/*
 * Server settings, each unless SYNC_db or the administrator has set it: a statement or lock that
 * takes too long fails with SH_E_BUSY, and the transaction of a receiver that hangs or is
 * disconnected is rolled back, which releases its locks. A commit must be durable before its entry
 * is acknowledged. All look-ups use an index, but a plan made while a table was small might scan
 * it.
 */
static const char session_settings[] =
    "SELECT set_config(name, value, false)"
    " FROM (VALUES ('statement_timeout', '" POSTGRES_STATEMENT_TIMEOUT
    "', '0'), ('lock_timeout', '10s', '0'),"
    " ('idle_in_transaction_session_timeout', '" POSTGRES_IDLE_TIMEOUT
    "', '0'), ('synchronous_commit', 'on', 'off'),"
    " ('enable_seqscan', 'off', 'on')) AS s(name, value, instead_of)"
    " WHERE current_setting(name) = instead_of";

static void postgres_close(store *base)
{
    store_postgres *s = (store_postgres *)base;
    PQfinish(s->conn); /* the server rolls back an open transaction */
    known_macs_reset(&s->known);
    sh_buf_reset(&s->rows.copy);
    sh_buf_reset(&s->rows.data);
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

static bool postgres_has_presence(const store *base)
{
    (void)base;
    return true;
}

static const struct store_ops postgres_ops = {
    .is_concurrent = true,
    .close = postgres_close,
    .check = store_postgres_check,
    .rules_note = store_postgres_rules_note,
    .meta_get = store_postgres_meta_get,
    .meta_set = store_postgres_meta_set,
    .meta_write = store_postgres_meta_write,
    .state_read_begin = store_postgres_state_read_begin,
    .state_lock = store_postgres_state_lock,
    .state_hold = store_postgres_state_hold,
    .state_each = store_postgres_state_each,
    .state_find = store_postgres_state_find,
    .state_put = store_postgres_state_put,
    .columns = postgres_columns,
    .advice = postgres_advice,
    .pace = postgres_pace,
    .begin = store_postgres_begin,
    .commit = store_postgres_commit,
    .rollback = store_postgres_rollback,
    .savepoint = store_postgres_savepoint,
    .undo_to_mark = store_postgres_undo_to_mark,
    .item_note = store_postgres_item_note,
    .item_unnote = store_postgres_item_unnote,
    .tidy = store_postgres_prune,
    .find_known = store_postgres_find_known,
    .insert_devices = store_postgres_insert_devices,
    .put_plugin_lines = store_postgres_put_plugin_lines,
    .node_record = store_postgres_node_record,
    .node_add = store_postgres_node_add,
    .node_lock = store_postgres_node_lock,
    .node_info_get = store_postgres_node_info_get,
    .node_info_put = store_postgres_node_info_put,
    .node_infos_get = store_postgres_node_infos_get,
    .node_infos_put = store_postgres_node_infos_put,
    .node_forget = store_postgres_node_forget,
    .node_strangers_trim = store_postgres_node_strangers_trim,
    .node_infos = store_postgres_node_infos,
    .node_summaries = store_postgres_node_summaries,
    .present_counts = store_postgres_present_counts,
    .auth_failure_add = store_postgres_auth_failure_add,
    .auth_failures_trim = store_postgres_auth_failures_trim,
    .auth_failure_end = store_postgres_auth_failure_end,
    .auth_failures = store_postgres_auth_failures,
    .part_record = store_postgres_part_record,
    .part_keys = store_postgres_part_keys,
    .parts_end = store_postgres_parts_end,
    .has_presence = postgres_has_presence,
    .presence_read = store_postgres_presence_read,
    .presence_put = store_postgres_presence_put,
    .presence_trim = store_postgres_presence_trim,
    .nodes = store_postgres_nodes,
    .devices = store_postgres_devices,
    .clock = store_postgres_clock,
    .table_columns = store_postgres_table_columns,
    .rows_read = store_postgres_rows_read,
    .rows_clear = store_postgres_rows_clear,
    .rows_begin = store_postgres_rows_begin,
    .rows_add = store_postgres_rows_add,
    .rows_end = store_postgres_rows_end,
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
        err = store_postgres_meta_set(&s->base, "generation", "1", false, error);
    if (err == SH_OK)
        err = store_postgres_known_prepare(s, error);
    s->counts_generations = err == SH_OK;
    if (err == SH_OK)
        err = store_postgres_nodes_prepare(s, error);
    if (err == SH_OK)
        err = store_postgres_node_infos_prepare(s, error);
    if (err == SH_OK)
        err = store_postgres_presence_prepare(s, error);
    if (err == SH_OK)
        err = store_postgres_devices_prepare(s, error);
    return err == SH_OK ? store_postgres_results_prepare(s, error) : err;
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
