/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/merge/history.h"

#include "libcommon/base/clock.h"
#include "libcommon/base/limits.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HOUR_MS (3600 * INT64_C(1000))
#define WRITE_INTERVAL_MS 60000
#define SAMPLE_INTERVAL_MS 10000 /* of the queue's length */
#define FORGET_INTERVAL_MS HOUR_MS
#define LAG_MAX_MS (7 * 24 * HOUR_MS) /* more is a clock that was set */

static void add(store_figures *f, int64_t inserted, int64_t lag_ms)
{
    f->pushes++;
    f->inserted += inserted;
    f->lag_sum_ms += lag_ms;
    f->lag_max_ms = lag_ms > f->lag_max_ms ? lag_ms : f->lag_max_ms;
}

/* The figures of a node; NULL if there are those of too many nodes, or no memory for more. */
static store_figures *figures_of(history *h, const history_entry *entry)
{
    for (size_t i = 0; i < h->nodes_count; i++)
        if (h->nodes[i].hash == entry->node_hash && strcmp(h->nodes[i].node, entry->node) == 0)
            return &h->nodes[i].figures;
    if (h->nodes == NULL)
        h->nodes = calloc(SH_HISTORY_NODES_MAX, sizeof *h->nodes);
    if (h->nodes == NULL || h->nodes_count == SH_HISTORY_NODES_MAX)
        return NULL;
    node_figures *one = &h->nodes[h->nodes_count++];
    *one = (node_figures){.hash = entry->node_hash, .figures = {.queue_max = -1}};
    (void)snprintf(one->node, sizeof one->node, "%s", entry->node);
    return &one->figures;
}

void history_count(history *h, const history_entry *entry, int64_t now_ms)
{
    int64_t lag_ms = now_ms - entry->queued_ms;
    if (lag_ms < 0 || lag_ms > LAG_MAX_MS)
        lag_ms = 0;
    add(&h->all, entry->inserted, lag_ms);
    store_figures *f = figures_of(h, entry);
    if (f != NULL)
        add(f, entry->inserted, lag_ms);
}

static void sample_queue(history *h, sh_queue *queue, int64_t now_ms)
{
    sh_queue_depth depth;
    if (h->sampled_ms != 0 && now_ms - h->sampled_ms < SAMPLE_INTERVAL_MS)
        return;
    h->sampled_ms = now_ms;
    if (sh_queue_depth_get(queue, &depth, NULL) == SH_OK && depth.entries > h->all.queue_max)
        h->all.queue_max = depth.entries;
}

static sh_err write_all(history *h, store *s, int64_t hour, bool forgets, sh_error *error)
{
    int64_t count = 0;
    h->all.hour = hour;
    sh_err err = store_history_add(s, STORE_HISTORY_ALL, &h->all, true, error);
    if (err == SH_OK && h->nodes_count > 0)
        err = store_history_count(s, hour, &count, error);
    /* How many of them have a row of this hour already is only asked where it matters. */
    bool is_close = count + (int64_t)h->nodes_count > SH_HISTORY_NODES_MAX;
    for (size_t i = 0; i < h->nodes_count && err == SH_OK; i++) {
        bool may_add = count <= SH_HISTORY_NODES_MAX; /* one is the row of all */
        h->nodes[i].figures.hour = hour;
        err = store_history_add(s, h->nodes[i].node, &h->nodes[i].figures, may_add, error);
        if (err == SH_OK && is_close && may_add)
            err = store_history_count(s, hour, &count, error);
    }
    if (err == SH_OK && forgets)
        err = store_history_forget(s, hour - SH_HISTORY_HOURS, error);
    return err;
}

sh_err history_write(history *h, store *s, sh_queue *queue, bool at_once, sh_error *error)
{
    int64_t now_ms = sh_clock_monotonic_ms();
    sample_queue(h, queue, now_ms);
    if (h->written_ms == 0)
        h->written_ms = now_ms;
    if (!at_once && now_ms - h->written_ms < WRITE_INTERVAL_MS)
        return SH_OK;
    bool forgets = h->forgotten_ms == 0 || now_ms - h->forgotten_ms >= FORGET_INTERVAL_MS;
    h->written_ms = now_ms;
    sh_err err = store_begin(s, error);
    if (err != SH_OK)
        return err;
    err = write_all(h, s, sh_clock_unix_ms() / HOUR_MS, forgets, error);
    if (err == SH_OK)
        err = store_commit(s, error);
    if (err != SH_OK) {
        store_rollback(s);
        return err;
    }
    if (forgets)
        h->forgotten_ms = now_ms;
    h->nodes_count = 0;
    h->all = (store_figures){.queue_max = -1};
    return SH_OK;
}

void history_reset(history *h)
{
    free(h->nodes);
    h->nodes = NULL;
    h->nodes_count = 0;
}
