/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/store/postgres/postgres_store.h"

#include "libcommon/base/cleanup.h"
#include "libcommon/base/clock.h"
#include "receiver/store/device_candidates.h"
#include "receiver/store/device_query.h"

#include <stdio.h>
#include <stdlib.h>

/*
 * Devices are read in batches: larger ones while they come fast, smaller ones while they are few
 * among many, so that each is shown when it is found.
 */
#define BATCH_MAX 256
#define BATCH_MS 50

#define LIST_SQL_MAX (16 * SH_KIB)

/* A stored value, and its text. */
static sh_value value_at(const PGresult *result, int row, int column, const sh_column *what)
{
    if (PQgetisnull(result, row, column))
        return (sh_value){.kind = SH_VALUE_NULL};
    sh_value value = {.kind = SH_VALUE_TEXT,
                      .text = {.data = PQgetvalue(result, row, column),
                               .len = (size_t)PQgetlength(result, row, column)}};
    bool numbers = what->kind == SH_COLUMN_INTEGER || what->kind == SH_COLUMN_BOOLEAN;
    number_value n = numbers ? number_read(value.text) : (number_value){.kind = NUMBER_NONE};
    if (n.kind == NUMBER_INTEGER) {
        value.kind = SH_VALUE_INTEGER;
        value.integer = n.integer;
    }
    return value;
}

static int64_t integer_at(const PGresult *result, int row, int column)
{
    return strtoll(PQgetvalue(result, row, column), NULL, 10);
}

static sh_slice text_at(const PGresult *result, int row, int column)
{
    return (sh_slice){PQgetvalue(result, row, column), (size_t)PQgetlength(result, row, column)};
}

typedef struct {
    store_device_each each;
    void *context;
} device_receiver;

static sh_err give_rows(const store_postgres *s, const PGresult *result, const device_receiver *to,
                        sh_error *error)
{
    int presence = (int)s->column_count + 1; /* its first column */
    sh_err err = SH_OK;
    for (int row = 0; row < PQntuples(result) && err == SH_OK; row++) {
        sh_value values[SH_COLUMNS_MAX];
        for (size_t i = 0; i < s->column_count; i++)
            values[i] = value_at(result, row, (int)i + 1, &s->columns[i]);
        store_device device = {
            .rowid = integer_at(result, row, 0),
            .columns = s->columns,
            .values = values,
            .count = s->column_count,
            .present = text_at(result, row, presence),
            .since_ms = integer_at(result, row, presence + 1),
            .first_seen_ms = integer_at(result, row, presence + 2),
            .connected_ms = integer_at(result, row, presence + 3),
            .nodes = text_at(result, row, presence + 4),
        };
        if (store_has_presence(&s->base))
            device_presence_read(&device);
        err = to->each(to->context, &device, error);
    }
    return err;
}

static sh_err find_candidates(store_postgres *s, const store_device_query *query,
                              device_candidates *c, const char **ret, sh_error *error)
{
    SH_CLEANUP(store_postgres_clear) PGresult *result = NULL;
    SH_CLEANUP(sh_buf_reset) sh_buf sql = SH_BUF_INIT(LIST_SQL_MAX);
    if (device_candidates_build(SCHEMA_POSTGRES, query->present, &sql) != SH_OK)
        return sh_fail(error, SH_E_MEMORY, "out of memory: cannot read the database");
    sh_err err = store_postgres_exec(s, sql.data, "read", &result, error);
    for (int row = 0; err == SH_OK && row < PQntuples(result); row++)
        if (device_candidates_add(c, SCHEMA_POSTGRES, integer_at(result, row, 0)) != SH_OK)
            err = sh_fail(error, SH_E_MEMORY, "out of memory: cannot read the database");
    if (err == SH_OK && device_candidates_end(c, SCHEMA_POSTGRES, ret) != SH_OK)
        err = sh_fail(error, SH_E_MEMORY, "out of memory: cannot read the database");
    return err;
}

static sh_err open_cursor(store_postgres *s, const store_device_query *query, sh_error *error)
{
    SH_CLEANUP(device_candidates_reset) device_candidates c = {.count = 0};
    SH_CLEANUP(sh_buf_reset) sh_buf sql = SH_BUF_INIT(LIST_SQL_MAX);
    device_query_parameters parameters = {.count = 0};
    postgres_parameters p = {.count = 0};
    sh_err err = SH_OK;
    if (device_candidates_help(&s->base, query))
        err = find_candidates(s, query, &c, &parameters.candidates, error);
    if (err != SH_OK)
        return err;
    err = sh_buf_append_text(&sql, "DECLARE synchub_devices NO SCROLL CURSOR FOR ");
    if (err == SH_OK)
        err = device_query_build(&s->base, SCHEMA_POSTGRES, query, &sql, &parameters);
    if (err != SH_OK)
        return sh_fail(error, err, "out of memory: cannot read the database");
    for (size_t i = 0; i < parameters.count; i++)
        store_postgres_add_text(&p, parameters.texts[i]);
    return store_postgres_query(s, sql.data, &p, "read", NULL, error);
}

/* Reads the rows of the listed rowids. */
static sh_err give_listed(store_postgres *s, const store_device_query *query,
                          const PGresult *rowids, const device_receiver *to, sh_error *error)
{
    SH_CLEANUP(sh_buf_reset) sh_buf sql = SH_BUF_INIT(LIST_SQL_MAX);
    SH_CLEANUP(sh_buf_reset) sh_buf list = SH_BUF_INIT(LIST_SQL_MAX);
    SH_CLEANUP(store_postgres_clear) PGresult *result = NULL;
    postgres_parameters p = {.count = 0};
    sh_err err = device_query_build_rows(&s->base, SCHEMA_POSTGRES, query, &sql);
    for (int row = 0; err == SH_OK && row < PQntuples(rowids); row++)
        err = sh_buf_append_format(&list, "%s%s", row == 0 ? "{" : ",", PQgetvalue(rowids, row, 0));
    if (err == SH_OK)
        err = sh_buf_append_text(&list, "}");
    if (err != SH_OK)
        return sh_fail(error, err, "out of memory: cannot read the database");
    if (query->node != NULL)
        store_postgres_add_text(&p, sh_slice_of(query->node));
    store_postgres_add_text(&p, (sh_slice){list.data, list.len});
    err = store_postgres_query(s, sql.data, &p, "read", &result, error);
    return err == SH_OK ? give_rows(s, result, to, error) : err;
}

static sh_err give_all(store_postgres *s, const store_device_query *query,
                       const device_receiver *to, sh_error *error)
{
    bool in_two = device_query_is_in_two(SCHEMA_POSTGRES, query);
    sh_err err = open_cursor(s, query, error);
    int batch = 1;
    for (bool more = true; err == SH_OK && more;) {
        SH_CLEANUP(store_postgres_clear) PGresult *result = NULL;
        char fetch[64];
        int64_t start_ms = sh_clock_monotonic_ms();
        (void)snprintf(fetch, sizeof fetch, "FETCH %d FROM synchub_devices", batch);
        err = store_postgres_exec(s, fetch, "read", &result, error);
        if (sh_clock_monotonic_ms() - start_ms > BATCH_MS)
            batch = batch > 1 ? batch / 2 : 1;
        else
            batch = batch < BATCH_MAX ? batch * 2 : BATCH_MAX;
        more = err == SH_OK && PQntuples(result) > 0;
        if (more)
            err =
                in_two ? give_listed(s, query, result, to, error) : give_rows(s, result, to, error);
    }
    return err;
}

/*
 * A list that must read all devices before it has the first one may take minutes (--sort since),
 * and a person may leave the pager at its first page. What an administrator has set stays.
 */
#define PATIENT_REPLY_MS (24 * 3600 * INT64_C(1000))
static const char be_patient[] =
    "SELECT set_config(name, value, true)"
    " FROM (VALUES ('statement_timeout', '0', '" POSTGRES_STATEMENT_TIMEOUT "'),"
    " ('idle_in_transaction_session_timeout', '24h', '" POSTGRES_IDLE_TIMEOUT "'))"
    " AS s(name, value, instead_of) WHERE current_setting(name) = instead_of";

/* One transaction, so that the list is consistent. */
sh_err store_postgres_devices(store *base, const store_device_query *query, store_device_each each,
                              void *context, sh_error *error)
{
    store_postgres *s = (store_postgres *)base;
    const device_receiver to = {each, context};
    sh_err err = store_postgres_exec(s, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", "read",
                                     NULL, error);
    s->in_transaction = err == SH_OK;
    if (err == SH_OK && query->patient)
        err = store_postgres_exec(s, be_patient, "read", NULL, error);
    s->reply_ms = query->patient ? PATIENT_REPLY_MS : 0;
    if (err == SH_OK)
        err = give_all(s, query, &to, error);
    s->reply_ms = 0;
    s->base.ops->rollback(base);
    return err;
}
