/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/base/cleanup.h"
#include "receiver/store/device_query.h"
#include "receiver/store/sqlite/sqlite_store.h"

/* Reading devices, for the subcommands. */

#define LIST_SQL_MAX (16 * SH_KIB)

/* A stored value, and its text. */
static sh_value value_at(sqlite3_stmt *statement, int column)
{
    int type = sqlite3_column_type(statement, column);
    if (type == SQLITE_NULL)
        return (sh_value){.kind = SH_VALUE_NULL};
    sh_value value = {.kind = type == SQLITE_INTEGER ? SH_VALUE_INTEGER : SH_VALUE_TEXT};
    if (type == SQLITE_INTEGER)
        value.integer = sqlite3_column_int64(statement, column);
    value.text.data = (const char *)sqlite3_column_text(statement, column);
    value.text.len = (size_t)sqlite3_column_bytes(statement, column);
    return value;
}

static sh_err give_devices(store_sqlite *s, sqlite3_stmt *statement, store_device_each each,
                           void *context, sh_error *error)
{
    int presence = (int)s->column_count + 1; /* its first column */
    int rc;
    while ((rc = sqlite3_step(statement)) == SQLITE_ROW) {
        sh_value values[SH_COLUMNS_MAX];
        for (size_t i = 0; i < s->column_count; i++)
            values[i] = value_at(statement, (int)i + 1);
        const store_device device = {
            .rowid = sqlite3_column_int64(statement, 0),
            .columns = s->columns,
            .values = values,
            .count = s->column_count,
            .present = value_at(statement, presence).text,
            .since_ms = sqlite3_column_int64(statement, presence + 1),
            .first_seen_ms = sqlite3_column_int64(statement, presence + 2),
            .connected_ms = sqlite3_column_int64(statement, presence + 3),
            .nodes = value_at(statement, presence + 4).text,
        };
        sh_err err = each(context, &device, error);
        if (err != SH_OK)
            return err;
    }
    return rc == SQLITE_DONE ? SH_OK : store_sqlite_fail(s, rc, "read", error);
}

static void ip_key(sqlite3_context *context, int count, sqlite3_value **values)
{
    char key[DEVICE_IP_KEY_BYTES];
    (void)count;
    const char *text = (const char *)sqlite3_value_text(values[0]);
    device_ip_key((sh_slice){text, (size_t)sqlite3_value_bytes(values[0])}, key);
    sqlite3_result_text(context, key, -1, SQLITE_TRANSIENT);
}

sh_err store_sqlite_devices(store *base, const store_device_query *query, store_device_each each,
                            void *context, sh_error *error)
{
    store_sqlite *s = (store_sqlite *)base;
    SH_CLEANUP(sh_buf_reset) sh_buf sql = SH_BUF_INIT(LIST_SQL_MAX);
    SH_CLEANUP(store_sqlite_finalize) sqlite3_stmt *statement = NULL;
    device_query_parameters parameters;
    if (device_query_build(base, SCHEMA_SQLITE, query, &sql, &parameters) != SH_OK)
        return sh_fail(error, SH_E_MEMORY, "out of memory: cannot read the database");
    int rc = sqlite3_create_function_v2(s->db, "ip_sort_key", 1, SQLITE_UTF8 | SQLITE_DETERMINISTIC,
                                        NULL, ip_key, NULL, NULL, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_prepare_v2(s->db, sql.data, -1, &statement, NULL);
    for (size_t i = 0; i < parameters.count && rc == SQLITE_OK; i++)
        rc = store_sqlite_bind_text(statement, (int)i + 1, parameters.texts[i]);
    if (rc != SQLITE_OK)
        return store_sqlite_fail(s, rc, "read", error);
    return give_devices(s, statement, each, context, error);
}
