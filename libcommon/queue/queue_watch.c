/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/queue/queue_watch.h"

#include "libcommon/base/clock.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define INTERVAL_S 1
#define FRESH_WAIT_MS 300 /* callers do not wait for a Redis that hangs */
#define STALE_MS 10000    /* longer than connecting and the replies of one check may take */

struct sh_queue_watch {
    sh_queue *queue;
    sh_queue_watch_calls calls;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t ending;  /* stop, or a check is requested; monotonic clock, as checked */
    pthread_cond_t checked; /* a check is done */
    bool ended;
    bool asked;   /* check before the interval is over */
    bool doubted; /* a caller reported a failure since the last check */
    uint64_t checks;
    int64_t checked_ms; /* monotonic */
    sh_queue_state state;
};

static bool differs(const sh_queue_state *a, const sh_queue_state *b)
{
    return a->err != b->err || a->keeps != b->keeps ||
           strcmp(a->server.place, b->server.place) != 0;
}

/* All values or none: has_depth stays false if one of them is missing. */
static void check_redis(sh_queue_watch *w, sh_queue_state *ret)
{
    const char *message = "";
    *ret = (sh_queue_state){.err = SH_OK};
    ret->err = sh_queue_check(w->queue, &ret->error);
    ret->answers = ret->err != SH_E_NETWORK && ret->err != SH_E_MEMORY;
    ret->server = *sh_queue_server_of(w->queue);
    ret->keeps = sh_queue_keeps_of(w->queue, &message);
    for (size_t i = 0; message[i] != '\0' && i + 1 < sizeof ret->keeps_message; i++)
        ret->keeps_message[i] = message[i];
    ret->has_depth = ret->answers && sh_queue_depth_get(w->queue, &ret->depth, NULL) == SH_OK;
}

static void wait_a_while(sh_queue_watch *w)
{
    struct timespec until;
    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += INTERVAL_S;
    int waited = 0;
    while (!w->ended && !w->asked && waited == 0)
        waited = pthread_cond_timedwait(&w->ending, &w->lock, &until);
    w->asked = false;
}

static void *watch_queue(void *context)
{
    sh_queue_watch *w = context;
    (void)pthread_mutex_lock(&w->lock);
    for (bool first = true; !w->ended; first = false) {
        sh_queue_state state;
        w->doubted = false;
        (void)pthread_mutex_unlock(&w->lock);
        check_redis(w, &state);
        (void)pthread_mutex_lock(&w->lock);
        bool changed = first || differs(&state, &w->state);
        w->state = state;
        w->checked_ms = sh_clock_monotonic_ms();
        w->checks++;
        (void)pthread_cond_broadcast(&w->checked);
        (void)pthread_mutex_unlock(&w->lock);
        if (changed && w->calls.changed != NULL)
            w->calls.changed(w->calls.context, &state);
        if (state.answers && w->calls.each != NULL)
            w->calls.each(w->calls.context, w->queue);
        (void)pthread_mutex_lock(&w->lock);
        wait_a_while(w);
    }
    bool answers = w->state.answers;
    (void)pthread_mutex_unlock(&w->lock);
    if (answers && w->calls.ended != NULL)
        w->calls.ended(w->calls.context, w->queue);
    return NULL;
}

static sh_err start(sh_queue_watch *w, sh_error *error)
{
    pthread_condattr_t attributes;
    (void)pthread_condattr_init(&attributes);
    (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    (void)pthread_mutex_init(&w->lock, NULL);
    (void)pthread_cond_init(&w->ending, &attributes);
    (void)pthread_cond_init(&w->checked, &attributes);
    (void)pthread_condattr_destroy(&attributes);
    if (pthread_create(&w->thread, NULL, watch_queue, w) == 0)
        return SH_OK;
    (void)pthread_cond_destroy(&w->checked);
    (void)pthread_cond_destroy(&w->ending);
    (void)pthread_mutex_destroy(&w->lock);
    return sh_fail(error, SH_E_MEMORY, "cannot start a thread to watch Redis");
}

sh_err sh_queue_watch_new(const sh_queue_options *options, const sh_queue_watch_calls *calls,
                          sh_queue_watch **ret, sh_error *error)
{
    sh_queue_watch *w = calloc(1, sizeof *w);
    if (w == NULL)
        return sh_fail(error, SH_E_MEMORY, "no memory to watch Redis");
    w->calls = *calls;
    w->checked_ms = sh_clock_monotonic_ms();
    w->state.err = sh_fail(&w->state.error, SH_E_BUSY, "Redis has not been checked yet");
    sh_err err = sh_queue_open(options, &w->queue, error);
    if (err == SH_OK)
        err = start(w, error);
    if (err != SH_OK) {
        sh_queue_free(w->queue);
        free(w);
        return err;
    }
    *ret = w;
    return SH_OK;
}

void sh_queue_watch_stop(sh_queue_watch *w)
{
    (void)pthread_mutex_lock(&w->lock);
    w->ended = true;
    (void)pthread_cond_broadcast(&w->ending);
    (void)pthread_cond_broadcast(&w->checked);
    (void)pthread_mutex_unlock(&w->lock);
}

void sh_queue_watch_free(sh_queue_watch *w)
{
    if (w == NULL)
        return;
    sh_queue_watch_stop(w);
    (void)pthread_join(w->thread, NULL);
    (void)pthread_cond_destroy(&w->checked);
    (void)pthread_cond_destroy(&w->ending);
    (void)pthread_mutex_destroy(&w->lock);
    sh_queue_free(w->queue);
    free(w);
}

/* With the lock held. */
static void read_state(const sh_queue_watch *w, sh_queue_state *ret)
{
    int64_t age_ms = sh_clock_monotonic_ms() - w->checked_ms;
    *ret = w->state;
    if (age_ms < STALE_MS)
        return;
    sh_error_clear(&ret->error);
    ret->err = sh_fail(&ret->error, SH_E_NETWORK,
                       "Redis (SYNC_redis_url) has not answered for %d s", (int)(age_ms / 1000));
    ret->answers = false;
    ret->has_depth = false;
}

void sh_queue_watch_get(sh_queue_watch *w, sh_queue_state *ret)
{
    (void)pthread_mutex_lock(&w->lock);
    read_state(w, ret);
    (void)pthread_mutex_unlock(&w->lock);
}

void sh_queue_watch_doubt(sh_queue_watch *w)
{
    (void)pthread_mutex_lock(&w->lock);
    w->doubted = true;
    (void)pthread_mutex_unlock(&w->lock);
}

/* With the lock held. */
static bool is_fresh(const sh_queue_watch *w)
{
    return w->checks > 0 && !w->doubted &&
           sh_clock_monotonic_ms() - w->checked_ms < SH_QUEUE_FRESH_MS;
}

void sh_queue_watch_get_fresh(sh_queue_watch *w, sh_queue_state *ret)
{
    struct timespec until;
    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += FRESH_WAIT_MS * 1000000L;
    until.tv_sec += until.tv_nsec / 1000000000L;
    until.tv_nsec %= 1000000000L;
    int waited = 0;
    (void)pthread_mutex_lock(&w->lock);
    uint64_t before = w->checks;
    if (!w->ended && !is_fresh(w)) {
        w->asked = true;
        (void)pthread_cond_signal(&w->ending);
        while (!w->ended && w->checks == before && waited == 0)
            waited = pthread_cond_timedwait(&w->checked, &w->lock, &until);
    }
    read_state(w, ret);
    (void)pthread_mutex_unlock(&w->lock);
}
