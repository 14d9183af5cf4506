/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/base/cleanup.h"
#include "receiver/store/device_candidates.h"
#include "receiver/store/device_query.h"
#include "receiver/store/sqlite/sqlite_store.h"
#include "receiver/store/text_search.h"

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

typedef struct {
    store_device_each each;
    void *context;
} device_receiver;

static sh_err give_device(store_sqlite *s, sqlite3_stmt *row, const device_receiver *to,
                          sh_error *error)
{
    int presence = (int)s->column_count + 1; /* its first column */
    sh_value values[SH_COLUMNS_MAX];
    for (size_t i = 0; i < s->column_count; i++)
        values[i] = value_at(row, (int)i + 1);
    store_device device = {
        .rowid = sqlite3_column_int64(row, 0),
        .columns = s->columns,
        .values = values,
        .count = s->column_count,
        .present = value_at(row, presence).text,
        .since_ms = sqlite3_column_int64(row, presence + 1),
        .first_seen_ms = sqlite3_column_int64(row, presence + 2),
        .connected_ms = sqlite3_column_int64(row, presence + 3),
        .nodes = value_at(row, presence + 4).text,
    };
    if (store_has_presence(&s->base))
        device_presence_read(&device);
    return to->each(to->context, &device, error);
}

typedef struct {
    sqlite3_stmt *rowids, *row;
    device_query_parameters parameters; /* the statements borrow its texts */
    device_candidates candidates;
} device_statements;

static void device_statements_reset(device_statements *d)
{
    store_sqlite_finalize(&d->rowids);
    store_sqlite_finalize(&d->row);
    device_candidates_reset(&d->candidates);
}

/* rowids gives which, row reads each. */
static sh_err give_devices(store_sqlite *s, const device_statements *d, const device_receiver *to,
                           sh_error *error)
{
    sqlite3_stmt *rowids = d->rowids, *row = d->row;
    int place = sqlite3_bind_parameter_index(row, "$2");
    int rc;
    while ((rc = sqlite3_step(rowids)) == SQLITE_ROW) {
        (void)sqlite3_reset(row);
        rc = sqlite3_bind_int64(row, place, sqlite3_column_int64(rowids, 0));
        if (rc == SQLITE_OK)
            rc = sqlite3_step(row);
        if (rc != SQLITE_ROW)
            return store_sqlite_fail(s, rc, "read", error);
        sh_err err = give_device(s, row, to, error);
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

static void free_search(void *search)
{
    text_search_free(search);
}

/* any_contains(): what is sought is prepared once for a statement. */
static void any_contains(sqlite3_context *context, int count, sqlite3_value **values)
{
    text_search *search = sqlite3_get_auxdata(context, 0);
    text_search *made = NULL;
    if (search == NULL) {
        const char *sought = (const char *)sqlite3_value_text(values[0]);
        made = search = text_search_new((sh_slice){sought, (size_t)sqlite3_value_bytes(values[0])});
    }
    if (search == NULL) {
        sqlite3_result_error_nomem(context);
        return;
    }
    bool found = false;
    for (int i = 1; i < count && !found; i++) {
        const char *text = (const char *)sqlite3_value_text(values[i]);
        found = text != NULL &&
                text_search_finds(search, (sh_slice){text, (size_t)sqlite3_value_bytes(values[i])});
    }
    sqlite3_result_int(context, found);
    if (made != NULL) /* SQLite may free it at once */
        sqlite3_set_auxdata(context, 0, made, free_search);
}

static int add_functions(sqlite3 *db)
{
    const int flags = SQLITE_UTF8 | SQLITE_DETERMINISTIC;
    int rc =
        sqlite3_create_function_v2(db, "ip_sort_key", 1, flags, NULL, ip_key, NULL, NULL, NULL);
    return rc != SQLITE_OK ? rc
                           : sqlite3_create_function_v2(db, "any_contains", -1, flags, NULL,
                                                        any_contains, NULL, NULL, NULL);
}

static sh_err find_candidates(store_sqlite *s, const store_device_query *query,
                              device_candidates *c, const char **ret, sh_error *error)
{
    SH_CLEANUP(sh_buf_reset) sh_buf sql = SH_BUF_INIT(LIST_SQL_MAX);
    SH_CLEANUP(store_sqlite_finalize) sqlite3_stmt *statement = NULL;
    if (device_candidates_build(SCHEMA_SQLITE, query->present, &sql) != SH_OK)
        return sh_fail(error, SH_E_MEMORY, "out of memory: cannot read the database");
    int rc = sqlite3_prepare_v2(s->db, sql.data, -1, &statement, NULL);
    if (rc != SQLITE_OK)
        return store_sqlite_fail(s, rc, "read", error);
    while ((rc = sqlite3_step(statement)) == SQLITE_ROW)
        if (device_candidates_add(c, SCHEMA_SQLITE, sqlite3_column_int64(statement, 0)) != SH_OK)
            return sh_fail(error, SH_E_MEMORY, "out of memory: cannot read the database");
    if (rc != SQLITE_DONE)
        return store_sqlite_fail(s, rc, "read", error);
    return device_candidates_end(c, SCHEMA_SQLITE, ret) == SH_OK
               ? SH_OK
               : sh_fail(error, SH_E_MEMORY, "out of memory: cannot read the database");
}

static sh_err prepare(store_sqlite *s, const store_device_query *query, device_statements *d,
                      sh_error *error)
{
    if (device_candidates_help(&s->base, query)) {
        sh_err err = find_candidates(s, query, &d->candidates, &d->parameters.candidates, error);
        if (err != SH_OK)
            return err;
    }
    SH_CLEANUP(sh_buf_reset) sh_buf list = SH_BUF_INIT(LIST_SQL_MAX);
    SH_CLEANUP(sh_buf_reset) sh_buf one = SH_BUF_INIT(LIST_SQL_MAX);
    if (device_query_build(&s->base, SCHEMA_SQLITE, query, &list, &d->parameters) != SH_OK ||
        device_query_build_rows(&s->base, SCHEMA_SQLITE, query, &one) != SH_OK)
        return sh_fail(error, SH_E_MEMORY, "out of memory: cannot read the database");
    int rc = add_functions(s->db);
    if (rc == SQLITE_OK)
        rc = sqlite3_prepare_v2(s->db, list.data, -1, &d->rowids, NULL);
    for (size_t i = 0; i < d->parameters.count && rc == SQLITE_OK; i++)
        rc = store_sqlite_bind_text(d->rowids, (int)i + 1, d->parameters.texts[i]);
    if (rc == SQLITE_OK)
        rc = sqlite3_prepare_v2(s->db, one.data, -1, &d->row, NULL);
    int node = rc == SQLITE_OK ? sqlite3_bind_parameter_index(d->row, "$1") : 0;
    if (node > 0)
        rc = store_sqlite_bind_text(d->row, node, sh_slice_of(query->node));
    return rc == SQLITE_OK ? SH_OK : store_sqlite_fail(s, rc, "read", error);
}

sh_err store_sqlite_devices(store *base, const store_device_query *query, store_device_each each,
                            void *context, sh_error *error)
{
    store_sqlite *s = (store_sqlite *)base;
    device_statements d = {.rowids = NULL};
    const device_receiver to = {each, context};
    sh_err err = store_sqlite_state_read_begin(base, error);
    if (err == SH_OK)
        err = prepare(s, query, &d, error);
    if (err == SH_OK)
        err = give_devices(s, &d, &to, error);
    device_statements_reset(&d);
    store_sqlite_rollback(base);
    return err;
}
