/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/merge/merge_workers.h"

#include "libcommon/base/clock.h"
#include "libcommon/runtime/log.h"

#include <stdlib.h>
#include <string.h>

#define CONNECT_INTERVAL_MS 30000 /* between two attempts to connect a worker */

/* Only when it is needed: a hub with SQLite has no further threads. */
static sh_err start_worker(merge_worker *w, const hub_secrets *keys, sh_error *error)
{
    sh_err err = SH_OK;
    if (w->all == NULL)
        w->all = calloc(BATCH_ENTRIES_MOST, sizeof *w->all);
    if (w->all == NULL)
        return sh_fail(error, SH_E_MEMORY, "no memory to merge on several connections");
    if (w->merger != &w->own)
        return SH_OK;
    if (w->thread == NULL)
        err = task_thread_new(&w->thread, error);
    if (err == SH_OK && w->own.reader == NULL)
        err = task_thread_new(&w->own.reader, error);
    return err == SH_OK && w->own.opener == NULL
               ? entry_decoder_new(keys, false, &w->own.opener, error)
               : err;
}

sh_err merge_workers_new(merge *m, const hub_secrets *keys, sh_error *error)
{
    merge_workers *s = calloc(1, sizeof *s);
    if (s == NULL)
        return sh_fail(error, SH_E_MEMORY, "no memory to merge on several connections");
    s->keys = keys;
    s->connected = 1;
    for (size_t i = 0; i < MERGE_WORKERS; i++) {
        merge_worker *w = &s->all[i];
        w->m = m;
        w->own.seen = (sightings)SIGHTINGS_INIT;
        w->merger = i == 0 ? &m->merger : &w->own;
    }
    m->workers = s;
    return SH_OK;
}

void merge_workers_close(merge_workers *s)
{
    if (s == NULL)
        return;
    for (size_t i = 1; i < MERGE_WORKERS; i++) {
        store_close(s->all[i].own.store);
        s->all[i].own.store = NULL;
    }
    s->connected = 1;
    s->tried_ms = 0;
}

void merge_workers_free(merge_workers *s)
{
    if (s == NULL)
        return;
    merge_workers_close(s);
    for (size_t i = 0; i < MERGE_WORKERS; i++) {
        merge_worker *w = &s->all[i];
        task_thread_free(w->thread);
        task_thread_free(w->own.reader);
        entry_decoder_free(w->own.opener);
        sightings_reset(&w->own.seen);
        result_deduplication_free(&w->own.fold);
        table_keys_reset(&w->devices);
        free(w->all);
    }
    table_keys_reset(&s->devices);
    free(s);
}

/* Connects a worker; SH_E_CONFIG if that leads to another database. */
static sh_err connect_worker(merge_worker *w, const hub_secrets *keys, sh_error *error)
{
    char id[SH_ID_HEX_BYTES];
    store *opened = NULL;
    sh_err err = start_worker(w, keys, error);
    if (err == SH_OK)
        err = store_open(w->m->settings->db, STORE_READ_WRITE, &opened, error);
    if (err == SH_OK)
        err = database_id_read(opened, id, error);
    if (err == SH_OK && strcmp(id, w->m->database.own) != 0)
        err = sh_fail(error, SH_E_CONFIG, "SYNC_db leads to two different databases");
    if (err != SH_OK) {
        store_close(opened);
        return err;
    }
    w->own.store = opened;
    return SH_OK;
}

sh_err merge_workers_check(merge_workers *s, sh_error *error)
{
    for (size_t i = 1; s != NULL && i < s->connected; i++) {
        sh_error gone = {0};
        sh_err err = store_check(s->all[i].own.store, &gone);
        if (err == SH_E_IO)
            return sh_fail(error, err, "%s", gone.message);
        if (err == SH_OK)
            continue;
        sh_log_info("merging connects to the database again with its further connections: %s",
                    gone.message);
        merge_workers_close(s);
    }
    return SH_OK;
}

void merge_workers_connect(merge_workers *s)
{
    int64_t now_ms = sh_clock_monotonic_ms();
    sh_error error = {0};
    if (s->connected == MERGE_WORKERS ||
        (s->tried_ms != 0 && now_ms - s->tried_ms < CONNECT_INTERVAL_MS))
        return;
    s->tried_ms = now_ms;
    if (start_worker(&s->all[0], s->keys, &error) != SH_OK)
        return;
    while (s->connected < MERGE_WORKERS) {
        sh_error_clear(&error);
        if (connect_worker(&s->all[s->connected], s->keys, &error) != SH_OK) {
            sh_log_info("merging works with %zu of %d connections to the database: %s",
                        s->connected, MERGE_WORKERS, error.message);
            return;
        }
        s->connected++;
    }
}

void merge_workers_run(merge_workers *s, void (*run)(void *worker))
{
    for (size_t i = s->connected; i-- > 0;) {
        merge_worker *w = &s->all[i];
        w->task = (side_task){.run = run, .context = w};
        if (w->portion.count == 0)
            continue;
        if (w->thread != NULL)
            task_thread_start(w->thread, &w->task);
        else
            side_task_run(&w->task);
    }
    for (size_t i = 1; i < s->connected; i++)
        task_thread_wait_all(s->all[i].thread);
}
