/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/http/http_server_internal.h"

#include <assert.h>
#include <stdlib.h>

/*
 * Callbacks that wait for others run in a few threads beside those that talk to peers. While they
 * wait, what comes is gathered, and goes to handle_each() together.
 */

#define WORKERS_MAX 4
#define STACK_BYTES (512 * 1024) /* the largest frame is a Redis script's 64 KiB */

typedef struct {
    sh_http_exchange *first, **end;
    size_t count;
} list;

struct sh_http_workers {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    list common;
    list light; /* without a body: all that wait are handled by one thread, so that they gather */
    list alone; /* of these one at a time is handled */
    bool light_busy, light_last, alone_busy, ending;
    pthread_t threads[WORKERS_MAX];
    size_t threads_count, idle;
};

static void list_add(list *l, sh_http_exchange *exchange)
{
    exchange->next = NULL;
    *l->end = exchange;
    l->end = &exchange->next;
    l->count++;
}

static sh_http_exchange *list_take(list *l)
{
    sh_http_exchange *first = l->first;
    l->first = first->next;
    if (l->first == NULL)
        l->end = &l->first;
    l->count--;
    return first;
}

sh_err sh_http_workers_new(sh_http_workers **ret, sh_error *error)
{
    sh_http_workers *w = calloc(1, sizeof *w);
    if (w == NULL)
        return sh_fail(error, SH_E_MEMORY, "no memory for the HTTP server");
    (void)pthread_mutex_init(&w->lock, NULL);
    (void)pthread_cond_init(&w->changed, NULL);
    w->common.end = &w->common.first;
    w->light.end = &w->light.first;
    w->alone.end = &w->alone.first;
    *ret = w;
    return SH_OK;
}

/* The library calls sh_http_on_request() again, which may free the exchange at once. */
static void resume(sh_http_exchange *exchange)
{
    sh_http_daemon *daemon = exchange->daemon;
    atomic_store(&exchange->channel->phase, SH_HTTP_ACTIVE);
    MHD_resume_connection(exchange->connection);
    atomic_fetch_sub(&daemon->suspended, 1);
}

static void handle(sh_http_exchange *exchange)
{
    const sh_http_route *route = exchange->route;
    void *context = exchange->server->context;
    if (exchange->stage == SH_HTTP_IN_ADMIT) {
        exchange->allowed = route->admit(context, exchange);
        assert(exchange->replied || exchange->allowed != SH_HTTP_WAIT);
    } else {
        if (route->handle_each != NULL)
            route->handle_each(context, &exchange, 1);
        else
            route->handle(context, exchange);
        sh_http_handled(exchange);
    }
    resume(exchange);
}

/* With the lock: gives an exchange to a thread that is free or new. False where there is none. */
static void *work(void *context);
static bool find_thread(sh_http_workers *w)
{
    (void)pthread_cond_signal(&w->changed);
    if (w->idle > 0 || w->ending || w->threads_count == WORKERS_MAX)
        return true;
    pthread_attr_t attributes;
    (void)pthread_attr_init(&attributes);
    (void)pthread_attr_setstacksize(&attributes, STACK_BYTES);
    if (pthread_create(&w->threads[w->threads_count], &attributes, work, w) == 0)
        w->threads_count++;
    (void)pthread_attr_destroy(&attributes);
    return w->threads_count > 0;
}

/* Only asks, most likely: the fewer exchanges with others they share, the less each of them costs.
 */
static bool is_light(const sh_http_exchange *exchange)
{
    return exchange->stage == SH_HTTP_IN_HANDLE && exchange->route->handle_each != NULL &&
           exchange->body.len == 0;
}

bool sh_http_workers_give(sh_http_workers *w, sh_http_exchange *exchange)
{
    sh_http_daemon *daemon = exchange->daemon;
    atomic_fetch_add(&daemon->suspended, 1); /* before closing is looked at, see stop_daemon() */
    (void)pthread_mutex_lock(&w->lock);
    bool light = is_light(exchange);
    bool taken = !atomic_load(&daemon->closing) && !w->ending;
    /* Who handles light ones looks for more of them. */
    taken = taken && ((light && w->light_busy) || find_thread(w));
    if (taken) {
        atomic_store(&exchange->channel->phase, SH_HTTP_WORKING);
        MHD_suspend_connection(exchange->connection); /* before a worker can resume it */
        list_add(light ? &w->light : &w->common, exchange);
    }
    (void)pthread_mutex_unlock(&w->lock);
    if (!taken)
        atomic_fetch_sub(&daemon->suspended, 1);
    return taken;
}

/* Takes up to `most` exchanges that one call can handle together. */
static size_t take_together(list *l, size_t most, sh_http_exchange *batch[SH_HTTP_TOGETHER_MAX])
{
    if (most > SH_HTTP_TOGETHER_MAX)
        most = SH_HTTP_TOGETHER_MAX;
    size_t count = 0;
    do
        batch[count++] = list_take(l);
    while (count < most && l->count > 0 && batch[0]->stage == SH_HTTP_IN_HANDLE &&
           batch[0]->route->handle_each != NULL && l->first->stage == batch[0]->stage &&
           l->first->route == batch[0]->route);
    return count;
}

/* With the lock: the next exchanges for one call; none where there is nothing to do. */
static size_t take(sh_http_workers *w, sh_http_exchange *batch[SH_HTTP_TOGETHER_MAX])
{
    size_t count = 0;
    bool light = w->light.count > 0 && !w->light_busy;
    if (w->alone.count > 0 && !w->alone_busy) {
        w->alone_busy = true;
        batch[count++] = list_take(&w->alone);
        batch[0]->stage = SH_HTTP_IN_HANDLE_1;
    } else if (light && (!w->light_last || w->common.count == 0)) {
        w->light_busy = true;
        w->light_last = true;
        count = take_together(&w->light, w->light.count, batch);
    } else if (w->common.count > 0) {
        /* Those that are idle shall have their share. */
        w->light_last = false;
        count = take_together(&w->common, (w->common.count + w->idle) / (w->idle + 1), batch);
    }
    if (count > 0 && (w->common.count > 0 || (w->light.count > 0 && !w->light_busy)))
        (void)find_thread(w); /* without one, this thread comes back to them */
    return count;
}

/* Those that are left unanswered wait for their turn alone. */
static void handle_each(sh_http_workers *w, sh_http_exchange *const batch[], size_t count)
{
    batch[0]->route->handle_each(batch[0]->server->context, batch, count);
    for (size_t i = 0; i < count; i++) {
        if (batch[i]->replied) {
            sh_http_handled(batch[i]);
            resume(batch[i]);
            continue;
        }
        (void)pthread_mutex_lock(&w->lock);
        list_add(&w->alone, batch[i]);
        (void)pthread_cond_signal(&w->changed);
        (void)pthread_mutex_unlock(&w->lock);
    }
}

static void *work(void *context)
{
    sh_http_workers *w = context;
    sh_http_exchange *batch[SH_HTTP_TOGETHER_MAX];
    (void)pthread_mutex_lock(&w->lock);
    for (;;) {
        size_t count = take(w, batch);
        if (count == 0 && w->ending && !w->alone_busy)
            break;
        if (count == 0) {
            w->idle++;
            (void)pthread_cond_wait(&w->changed, &w->lock);
            w->idle--;
            continue;
        }
        bool alone = batch[0]->stage == SH_HTTP_IN_HANDLE_1;
        bool light = is_light(batch[0]);
        bool together =
            batch[0]->stage == SH_HTTP_IN_HANDLE && batch[0]->route->handle_each != NULL;
        (void)pthread_mutex_unlock(&w->lock);
        if (together)
            handle_each(w, batch, count);
        else
            handle(batch[0]);
        (void)pthread_mutex_lock(&w->lock);
        if (light)
            w->light_busy = false; /* and this thread looks for more */
        if (alone) {
            w->alone_busy = false;
            (void)pthread_cond_broadcast(&w->changed);
        }
    }
    (void)pthread_mutex_unlock(&w->lock);
    return NULL;
}

static void refuse_all(sh_http_workers *w, list *l)
{
    (void)pthread_mutex_lock(&w->lock);
    while (l->count > 0) {
        sh_http_exchange *exchange = list_take(l);
        sh_http_reply_stopping(exchange);
        if (exchange->stage != SH_HTTP_IN_ADMIT)
            sh_http_handled(exchange);
        resume(exchange);
    }
    (void)pthread_mutex_unlock(&w->lock);
}

void sh_http_workers_stop(sh_http_workers *w)
{
    (void)pthread_mutex_lock(&w->lock);
    w->ending = true;
    (void)pthread_cond_broadcast(&w->changed);
    (void)pthread_mutex_unlock(&w->lock);
    refuse_all(w, &w->common);
    refuse_all(w, &w->light);
    refuse_all(w, &w->alone);
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
