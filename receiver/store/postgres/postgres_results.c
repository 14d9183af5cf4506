/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/store/postgres/postgres_store.h"

#include "libcommon/base/cleanup.h"

#include <stdlib.h>
#include <string.h>

#define SQL_MAX (16 * SH_KIB)
#define KEY_BYTES POSTGRES_RESULT_KEY_BYTES
#define KEY_PARAMETER (RESULT_COLUMNS + 1)

/* `(o.a, o.b) IS DISTINCT FROM (excluded.a, excluded.b)` for the columns that a result replaces. */
static sh_err append_differs(sh_buf *sql, bool watched_alone)
{
    sh_err err = SH_OK;
    for (int side = 0; side < 2 && err == SH_OK; side++) {
        const char *joint = side == 0 ? "(" : ") IS DISTINCT FROM (";
        for (size_t i = 0; i < RESULT_COLUMNS && err == SH_OK; i++) {
            bool watched = i >= RESULT_WATCHED_1 && i <= RESULT_WATCHED_4;
            bool wanted =
                watched_alone ? watched : store_result_is_replaced(i) || i == RESULT_CHANGED;
            if (!wanted)
                continue;
            err = sh_buf_append_format(sql, "%s%s.\"%s\"", joint, side == 0 ? "o" : "excluded",
                                       store_result_columns[i]);
            joint = ", ";
        }
    }
    return err == SH_OK ? sh_buf_append_text(sql, ")") : err;
}

static sh_err append_insert(sh_buf *sql)
{
    sh_err err = sh_buf_append_text(sql, "INSERT INTO \"Plugins_Objects\" AS o(");
    for (size_t i = 0; i < RESULT_COLUMNS && err == SH_OK; i++)
        err = sh_buf_append_format(sql, "\"%s\", ", store_result_columns[i]);
    for (int i = 1; i <= KEY_PARAMETER && err == SH_OK; i++)
        err = sh_buf_append_format(sql, "%s$%d", i == 1 ? "\"syncHubKey\") VALUES(" : ", ", i);
    return err;
}

/* A stored result with a later time is from a clock that was ahead, and counts as old. */
#define A_DAY_TO_COME                                                                              \
    "to_char(now() AT TIME ZONE 'UTC' + interval '1 day', 'YYYY-MM-DD HH24:MI:SS')"

static sh_err append_update(sh_buf *sql)
{
    sh_err err = sh_buf_append_text(sql, ") ON CONFLICT(\"syncHubKey\") DO UPDATE SET"
                                         " \"dateTimeChanged\" = excluded.\"dateTimeChanged\"");
    for (size_t i = 0; i < RESULT_COLUMNS && err == SH_OK; i++) {
        if (store_result_is_replaced(i))
            err = sh_buf_append_format(sql, ", \"%s\" = excluded.\"%s\"", store_result_columns[i],
                                       store_result_columns[i]);
    }
    if (err == SH_OK)
        err = sh_buf_append_text(sql, ", status = CASE WHEN ");
    if (err == SH_OK)
        err = append_differs(sql, true);
    if (err == SH_OK)
        err =
            sh_buf_append_text(sql, " THEN 'watched-changed' ELSE 'watched-not-changed' END"
                                    " WHERE (o.\"dateTimeChanged\" <= excluded.\"dateTimeChanged\""
                                    " OR o.\"dateTimeChanged\" > " A_DAY_TO_COME ") AND ");
    return err == SH_OK ? append_differs(sql, false) : err;
}

sh_err store_postgres_results_prepare(store_postgres *s, sh_error *error)
{
    Oid types[KEY_PARAMETER];
    for (size_t i = 0; i < RESULT_COLUMNS; i++)
        types[i] = POSTGRES_TYPE_TEXT;
    types[RESULT_COLUMNS] = POSTGRES_TYPE_BYTEA;
    sh_buf sql = SH_BUF_INIT(SQL_MAX);
    sh_err err = append_insert(&sql);
    if (err == SH_OK)
        err = append_update(&sql);
    if (err != SH_OK)
        (void)sh_fail(error, err, "out of memory while opening the database");
    else
        err = store_postgres_prepare(s, POSTGRES_PUT_RESULT, sql.data, types, KEY_PARAMETER, error);
    sh_buf_reset(&sql);
    return err;
}

/* A line to store, sorted by key, so that concurrent receivers do not deadlock. */
typedef struct {
    uint8_t key[KEY_BYTES];
    size_t index;
} keyed_line;

static int by_key_and_index(const void *a, const void *b)
{
    const keyed_line *left = a;
    const keyed_line *right = b;
    int order = memcmp(left->key, right->key, KEY_BYTES);
    return order != 0 ? order : (left->index > right->index) - (left->index < right->index);
}

/* Separated by NUL, which none of them contains. */
sh_err store_postgres_result_key(const sh_slice parts[static 4], sh_buf *scratch,
                                 uint8_t ret[static POSTGRES_RESULT_KEY_BYTES])
{
    sh_err err = SH_OK;
    sh_buf_clear(scratch);
    for (size_t i = 0; i < 4 && err == SH_OK; i++) {
        err = sh_buf_append(scratch, parts[i].data, parts[i].len);
        if (err == SH_OK)
            err = sh_buf_append(scratch, "", 1);
    }
    sh_keyed_hash(NULL, (sh_slice){.data = scratch->data, .len = scratch->len}, ret, KEY_BYTES);
    return err;
}

static sh_err make_key(const char *plugin, const char *node, const sh_plugin_line *line,
                       sh_buf *scratch, uint8_t ret[static KEY_BYTES])
{
    const sh_slice parts[] = {sh_slice_of(plugin), sh_slice_of(node),
                              line->field[SH_PLUGIN_PRIMARY_ID],
                              line->field[SH_PLUGIN_SECONDARY_ID]};
    return store_postgres_result_key(parts, scratch, ret);
}

typedef struct {
    const store_plugin_lines *of;
    const keyed_line *order;
} line_run;

static sh_err send_lines(store_postgres *s, const line_run *run, sh_error *error)
{
    sh_err err = store_postgres_pipeline_begin(s, error);
    for (size_t i = 0; i < run->of->count && err == SH_OK; i++) {
        store_result result;
        store_result_of(run->of->plugin, run->of->node, &run->of->lines[run->order[i].index],
                        run->of->now, &result);
        postgres_parameters p = {.count = 0};
        for (size_t column = 0; column < RESULT_COLUMNS; column++)
            store_postgres_add_text(&p, result.values[column]);
        store_postgres_add_bytes(&p, run->order[i].key, KEY_BYTES);
        err = store_postgres_pipeline_send(s, POSTGRES_PUT_RESULT, &p, error);
    }
    return err == SH_OK ? store_postgres_pipeline_end_sending(s, error) : err;
}

static sh_err take_lines(store_postgres *s, size_t count, int64_t *changed, sh_error *error)
{
    sh_err failed = SH_OK;
    for (size_t i = 0; i < count; i++) {
        SH_CLEANUP(store_postgres_clear) PGresult *result = NULL;
        sh_err err = store_postgres_pipeline_next(s, &result, error);
        if (err != SH_OK)
            return err;
        if (store_postgres_is_good(result))
            *changed += strcmp(PQcmdTuples(result), "1") == 0;
        else if (PQresultStatus(result) != PGRES_PIPELINE_ABORTED)
            failed = store_postgres_fail(s, result, "write a result to", error);
    }
    sh_err err = store_postgres_pipeline_end(s, error);
    return failed != SH_OK ? failed : err;
}

sh_err store_postgres_put_plugin_lines(store *base, const store_plugin_lines *lines,
                                       int64_t *changed, sh_error *error)
{
    store_postgres *s = (store_postgres *)base;
    *changed = 0;
    if (s->read_only)
        return sh_fail(error, SH_E_IO, "the database %s was opened for reading", s->place);
    if (lines->count == 0)
        return SH_OK;
    SH_CLEANUP(sh_free_cleanup) keyed_line *order = calloc(lines->count, sizeof *order);
    sh_buf scratch = SH_BUF_INIT(2 * SH_PLUGIN_LINE_MAX);
    sh_err err = order == NULL ? SH_E_MEMORY : SH_OK;
    for (size_t i = 0; i < lines->count && err == SH_OK; i++) {
        order[i].index = i;
        err = make_key(lines->plugin, lines->node, &lines->lines[i], &scratch, order[i].key);
    }
    sh_buf_reset(&scratch);
    if (err != SH_OK)
        return sh_fail(error, err, "out of memory: cannot write to the database");
    qsort(order, lines->count, sizeof *order, by_key_and_index);
    const line_run run = {.of = lines, .order = order};
    err = send_lines(s, &run, error);
    return err == SH_OK ? take_lines(s, lines->count, changed, error) : err;
}
