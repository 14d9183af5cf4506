/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/store/store_history.h"

#include "receiver/store/store_backend.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SQL_BYTES 1024
#define TABLE "\"SyncHub_History\""
#define LARGER(column)                                                                             \
    column " = CASE WHEN " TABLE "." column " > %" PRId64 " THEN " TABLE "." column                \
           " ELSE %" PRId64 " END"
#define MORE(column) column " = " TABLE "." column " + %" PRId64

static sh_err ignore_row(void *context, const store_state_entry *entry, sh_error *error)
{
    (void)context, (void)entry, (void)error;
    return SH_OK;
}

/* The only parameter of state_find() is the node; the others are numbers. */
static sh_err run(store *s, const char *sql, const char *node, sh_error *error)
{
    const store_state_reader reader = {.each = ignore_row};
    return node == NULL ? s->ops->state_each(s, sql, &reader, error)
                        : s->ops->state_find(s, sql, node, &reader, error);
}

static sh_err update(store *s, const char *node, const store_figures *f, sh_error *error)
{
    char sql[SQL_BYTES];
    (void)snprintf(
        sql, sizeof sql,
        "UPDATE " TABLE
        " SET " MORE("pushes") ", " MORE("inserted") ", " MORE("lag_sum_ms") ", " LARGER(
            "lag_max_ms") ", " LARGER("queue_max") " WHERE node = $1 AND hour = %" PRId64,
        f->pushes, f->inserted, f->lag_sum_ms, f->lag_max_ms, f->lag_max_ms, f->queue_max,
        f->queue_max, f->hour);
    return run(s, sql, node, error);
}

sh_err store_history_add(store *s, const char *node, const store_figures *f, bool may_add,
                         sh_error *error)
{
    char sql[SQL_BYTES];
    if (!may_add)
        return update(s, node, f, error);
    (void)snprintf(sql, sizeof sql,
                   "INSERT INTO " TABLE "(node, hour, pushes, inserted, lag_sum_ms, lag_max_ms,"
                   " queue_max) VALUES($1, %" PRId64 ", 0, 0, 0, 0, -1) ON CONFLICT DO NOTHING",
                   f->hour);
    sh_err err = run(s, sql, node, error);
    return err == SH_OK ? update(s, node, f, error) : err;
}

static sh_err take_count(void *context, const store_state_entry *entry, sh_error *error)
{
    uint64_t number = 0;
    if (!sh_text_to_u64(entry->key, INT64_MAX, &number))
        return sh_fail(error, SH_E_FORMAT, "the database returned no number");
    *(int64_t *)context = (int64_t)number;
    return SH_OK;
}

sh_err store_history_count(store *s, int64_t hour, int64_t *ret, sh_error *error)
{
    char sql[SQL_BYTES];
    const store_state_reader reader = {.each = take_count, .context = ret};
    *ret = 0;
    (void)snprintf(sql, sizeof sql, "SELECT count(*) FROM " TABLE " WHERE hour = %" PRId64, hour);
    return s->ops->state_each(s, sql, &reader, error);
}

sh_err store_history_forget(store *s, int64_t hour, sh_error *error)
{
    char sql[SQL_BYTES];
    (void)snprintf(sql, sizeof sql, "DELETE FROM " TABLE " WHERE hour < %" PRId64, hour);
    return run(s, sql, NULL, error);
}

typedef struct {
    store_figures_each each;
    void *context;
} figures_reader;

/* `<pushes> <inserted> <sum> <max> <queue>` */
static sh_err take_figures(void *context, const store_state_entry *entry, sh_error *error)
{
    const figures_reader *reader = context;
    char text[128];
    char *at = text;
    store_figures f = {.hour = entry->changed_ms};
    int64_t *const numbers[] = {&f.pushes, &f.inserted, &f.lag_sum_ms, &f.lag_max_ms, &f.queue_max};
    (void)snprintf(text, sizeof text, "%.*s", (int)entry->value.len, entry->value.data);
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        char *end = at;
        *numbers[i] = strtoll(at, &end, 10);
        if (end == at)
            return sh_fail(error, SH_E_FORMAT, "the database returned no figures");
        at = end;
    }
    return reader->each(reader->context, &f, error);
}

sh_err store_history_read(store *s, const char *node, int64_t from_hour, store_figures_each each,
                          void *context, sh_error *error)
{
    char sql[SQL_BYTES];
    figures_reader figures = {.each = each, .context = context};
    const store_state_reader reader = {.each = take_figures, .context = &figures};
    (void)snprintf(sql, sizeof sql,
                   "SELECT node, pushes || ' ' || inserted || ' ' || lag_sum_ms || ' ' ||"
                   " lag_max_ms || ' ' || queue_max, hour FROM " TABLE
                   " WHERE node = $1 AND hour >= %" PRId64 " ORDER BY hour LIMIT %d",
                   from_hour, SH_HISTORY_HOURS + 1);
    return s->ops->state_find(s, sql, node, &reader, error);
}
