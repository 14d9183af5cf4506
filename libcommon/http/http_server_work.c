/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/http/http_server_work.h"

#include "libcommon/http/http_batches.h"
#include "libcommon/http/http_server_body.h"
#include "libcommon/http/http_server_exchange.h"

#include <assert.h>
#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

/*
 * Runs blocking callbacks in a few threads beside the I/O threads. http_batches decides what a
 * thread takes next.
 */

#define WORKERS_MIN 4            /* also with one core, as they wait for Redis most of the time */
#define STACK_BYTES (512 * 1024) /* the largest frame is a Redis script's 64 KiB */

struct sh_http_workers {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    sh_http_batches batches;
    bool ending;
    pthread_t threads[SH_HTTP_WORKERS_MAX];
    size_t threads_count, threads_max, idle;
};

size_t sh_http_workers_for(long cores)
{
    if (cores < WORKERS_MIN / 2)
        return WORKERS_MIN;
    return cores < SH_HTTP_WORKERS_MAX / 2 ? 2 * (size_t)cores : SH_HTTP_WORKERS_MAX;
}

sh_err sh_http_workers_new(sh_http_workers **ret, sh_error *error)
{
    sh_http_workers *w = calloc(1, sizeof *w);
    if (w == NULL)
        return sh_fail(error, SH_E_MEMORY, "no memory for the HTTP server");
    (void)pthread_mutex_init(&w->lock, NULL);
    (void)pthread_cond_init(&w->changed, NULL);
    sh_http_batches_init(&w->batches);
    w->threads_max = sh_http_workers_for(sysconf(_SC_NPROCESSORS_ONLN));
    *ret = w;
    return SH_OK;
}

static sh_http_exchange *exchange_of(sh_http_waiting *waiting)
{
    return (sh_http_exchange *)((char *)waiting - offsetof(sh_http_exchange, waiting));
}

/* --- Threads --------------------------------------------------------------------------------- */

/* The library calls sh_http_on_request() again, which may free the exchange at once. */
static void resume(sh_http_exchange *exchange)
{
    sh_http_daemon *daemon = exchange->daemon;
    atomic_store(&exchange->channel->phase, SH_HTTP_ACTIVE);
    MHD_resume_connection(exchange->connection);
    atomic_fetch_sub(&daemon->suspended, 1);
}

static void admit(sh_http_exchange *exchange)
{
    exchange->allowed = exchange->route->admit(sh_http_context(exchange), exchange);
    assert(exchange->replied || exchange->allowed != SH_HTTP_WAIT);
    resume(exchange);
}

static void handle_batch(sh_http_waiting *const waiting[], size_t count)
{
    sh_http_exchange *exchanges[SH_HTTP_TOGETHER_MAX] = {exchange_of(waiting[0])};
    for (size_t i = 1; i < count; i++)
        exchanges[i] = exchange_of(waiting[i]);
    const sh_http_route *route = exchanges[0]->route;
    void *context = sh_http_context(exchanges[0]);
    if (exchanges[0]->stage == SH_HTTP_IN_ADMIT) {
        admit(exchanges[0]);
        return;
    }
    if (route->handle_each != NULL)
        route->handle_each(context, exchanges, count);
    else
        route->handle(context, exchanges[0]);
    for (size_t i = 0; i < count; i++) {
        sh_http_body_handled(exchanges[i]);
        resume(exchanges[i]);
    }
}

static void *run_worker(void *context);

/* Call with the lock held: wakes a thread, or starts one. False if there is no thread at all. */
static bool wake_worker(sh_http_workers *w)
{
    (void)pthread_cond_signal(&w->changed);
    if (w->idle > 0 || w->ending || w->threads_count == w->threads_max)
        return true;
    pthread_attr_t attributes;
    (void)pthread_attr_init(&attributes);
    (void)pthread_attr_setstacksize(&attributes, STACK_BYTES);
    if (pthread_create(&w->threads[w->threads_count], &attributes, run_worker, w) == 0)
        w->threads_count++;
    (void)pthread_attr_destroy(&attributes);
    return w->threads_count > 0;
}

static void *run_worker(void *context)
{
    sh_http_workers *w = context;
    sh_http_waiting *batch[SH_HTTP_TOGETHER_MAX];
    (void)pthread_mutex_lock(&w->lock);
    for (;;) {
        size_t count = sh_http_batches_next(&w->batches, w->idle, batch);
        if (count == 0) {
            if (w->ending)
                break;
            w->idle++;
            (void)pthread_cond_wait(&w->changed, &w->lock);
            w->idle--;
            continue;
        }
        sh_http_class class = batch[0]->class; /* the exchange may be freed with the batch */
        if (sh_http_batches_are_ready(&w->batches))
            (void)wake_worker(w); /* if none, this thread takes the next batch itself */
        (void)pthread_mutex_unlock(&w->lock);
        handle_batch(batch, count);
        (void)pthread_mutex_lock(&w->lock);
        sh_http_batches_end(&w->batches, class);
    }
    (void)pthread_mutex_unlock(&w->lock);
    return NULL;
}

/* --- Called in I/O threads -------------------------------------------------------------------- */

bool sh_http_workers_give(sh_http_workers *w, sh_http_exchange *exchange)
{
    sh_http_daemon *daemon = exchange->daemon;
    sh_http_class class = exchange->waiting.class;
    bool together = exchange->stage == SH_HTTP_IN_HANDLE && exchange->route->handle_each != NULL;
    exchange->waiting.group = together ? exchange->route : NULL;
    atomic_fetch_add(&daemon->suspended, 1); /* before reading closing, see stop_daemon() */
    (void)pthread_mutex_lock(&w->lock);
    bool taken = !atomic_load(&daemon->closing) && !w->ending;
    taken = taken && (!sh_http_batches_need_worker(&w->batches, class) || wake_worker(w));
    if (taken) {
        atomic_store(&exchange->channel->phase, SH_HTTP_WORKING);
        MHD_suspend_connection(exchange->connection); /* before a worker can resume it */
        sh_http_batches_add(&w->batches, &exchange->waiting);
    }
    (void)pthread_mutex_unlock(&w->lock);
    if (!taken)
        atomic_fetch_sub(&daemon->suspended, 1);
    return taken;
}

static void refuse_waiting(sh_http_exchange *exchange)
{
    sh_http_reply_stopping(exchange);
    if (exchange->stage != SH_HTTP_IN_ADMIT)
        sh_http_body_handled(exchange);
    resume(exchange);
}

void sh_http_workers_stop(sh_http_workers *w)
{
    (void)pthread_mutex_lock(&w->lock);
    w->ending = true;
    (void)pthread_cond_broadcast(&w->changed);
    for (sh_http_waiting *waiting; (waiting = sh_http_batches_drop(&w->batches)) != NULL;)
        refuse_waiting(exchange_of(waiting));
    (void)pthread_mutex_unlock(&w->lock);
    for (size_t i = 0; i < w->threads_count; i++)
        (void)pthread_join(w->threads[i], NULL);
    w->threads_count = 0;
}

void sh_http_workers_free(sh_http_workers *w)
{
    if (w == NULL)
        return;
    (void)pthread_cond_destroy(&w->changed);
    (void)pthread_mutex_destroy(&w->lock);
    free(w);
}
