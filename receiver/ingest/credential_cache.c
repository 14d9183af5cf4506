/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/ingest/credential_cache.h"

#include "libcommon/base/clock.h"
#include "receiver/ingest/token_bucket.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

struct callers_view {
    atomic_int holders;
    const hub_keys *keys;
    sh_credentials *all;
    char version[SH_NODES_VERSION_BYTES];
    _Atomic int64_t *used_ms; /* of each record, as this view noted it */
};

struct callers {
    const hub_keys *keys;
    pthread_mutex_t lock;
    callers_view *current; /* NULL before the first look */
    sh_token_bucket looks;
};

void callers_view_end(callers_view **view)
{
    callers_view *v = *view;
    *view = NULL;
    if (v == NULL || atomic_fetch_sub(&v->holders, 1) > 1)
        return;
    sh_credentials_free(v->all);
    free((void *)v->used_ms);
    free(v);
}

sh_err callers_new(const hub_keys *keys, callers **ret, sh_error *error)
{
    callers *c = calloc(1, sizeof *c);
    if (c == NULL || pthread_mutex_init(&c->lock, NULL) != 0) {
        free(c);
        return sh_fail(error, SH_E_MEMORY, "no memory for the nodes' credentials");
    }
    c->keys = keys;
    c->looks =
        sh_token_bucket_of(SH_TOKEN_LOOKUPS_PER_S, SH_TOKEN_LOOKUPS_PER_S, sh_clock_monotonic_ms());
    *ret = c;
    return SH_OK;
}

void callers_free(callers *c)
{
    if (c == NULL)
        return;
    callers_view_end(&c->current);
    (void)pthread_mutex_destroy(&c->lock);
    free(c);
}

callers_view *callers_last(callers *c)
{
    (void)pthread_mutex_lock(&c->lock);
    callers_view *view = c->current;
    if (view != NULL)
        atomic_fetch_add(&view->holders, 1);
    (void)pthread_mutex_unlock(&c->lock);
    return view;
}

/* The new view has two holders: the caller and, as the current one, the process. */
static sh_err load(callers *c, sh_queue *queue, callers_view **ret, sh_error *error)
{
    callers_view *view = calloc(1, sizeof *view);
    if (view == NULL)
        return sh_fail(error, SH_E_MEMORY, "no memory for the nodes' credentials");
    atomic_init(&view->holders, 2);
    view->keys = c->keys;
    sh_err err = sh_queue_nodes_load(queue, &view->all, view->version, error);
    if (err == SH_OK) {
        view->used_ms = calloc(sh_credentials_count(view->all) + 1, sizeof *view->used_ms);
        if (view->used_ms == NULL)
            err = sh_fail(error, SH_E_MEMORY, "no memory for the nodes' credentials");
    }
    if (err != SH_OK) {
        atomic_store(&view->holders, 1);
        callers_view_end(&view);
        return err;
    }
    (void)pthread_mutex_lock(&c->lock);
    callers_view *old = c->current;
    c->current = view;
    (void)pthread_mutex_unlock(&c->lock);
    callers_view_end(&old);
    *ret = view;
    return SH_OK;
}

sh_err callers_look(callers *c, sh_queue *queue, callers_view **ret, sh_error *error)
{
    *ret = callers_last(c);
    char version[SH_NODES_VERSION_BYTES];
    sh_err err = sh_queue_nodes_version(queue, version, error);
    if (err != SH_OK || (*ret != NULL && strcmp(version, (*ret)->version) == 0))
        return err;
    callers_view *loaded = NULL;
    err = load(c, queue, &loaded, error);
    if (err == SH_OK) {
        callers_view_end(ret);
        *ret = loaded;
    }
    return err;
}

void callers_refresh(callers *c, sh_queue *queue)
{
    callers_view *view = NULL;
    (void)callers_look(c, queue, &view, NULL); /* the next one may do it */
    callers_view_end(&view);
}

bool callers_may_look(callers *c)
{
    (void)pthread_mutex_lock(&c->lock);
    bool may = c->current == NULL || sh_token_bucket_has(&c->looks, sh_clock_monotonic_ms());
    (void)pthread_mutex_unlock(&c->lock);
    return may;
}

bool callers_look_begin(callers *c)
{
    bool may = callers_may_look(c);
    (void)pthread_mutex_lock(&c->lock);
    if (may)
        sh_token_bucket_take(&c->looks, sh_clock_monotonic_ms());
    (void)pthread_mutex_unlock(&c->lock);
    return may;
}

const char *callers_version(const callers_view *view)
{
    return view->version;
}

bool callers_know(const callers_view *view, sh_slice token, const sh_node_record **own)
{
    *own = sh_credentials_find_token(view->all, token, sh_clock_unix_ms());
    return *own != NULL || sh_secret_equals(token, view->keys->token);
}

caller_verdict callers_judge(const callers_view *view, const sh_node_record *own, const char *node)
{
    if (own != NULL)
        return strcmp(own->node, node) == 0 ? CALLER_MAY_SEND : CALLER_IS_ANOTHER;
    return sh_credentials_find_node(view->all, node, NULL) == NULL ? CALLER_MAY_SEND
                                                                   : CALLER_IS_SHARED;
}

const char *callers_like(const callers_view *view, const char *node)
{
    const sh_node_record *like = sh_credentials_find_lookalike(view->all, node);
    return like == NULL ? NULL : like->node;
}

bool callers_note_use(callers_view *view, const sh_node_record *own, int64_t now_ms)
{
    size_t index = 0;
    if (sh_credentials_find_node(view->all, own->node, &index) == NULL)
        return false;
    int64_t before = atomic_load(&view->used_ms[index]);
    /* A use in times to come was noted before the clock was set back. */
    return (now_ms < before || now_ms - before >= SH_NODE_USED_INTERVAL_S * 1000LL) &&
           atomic_compare_exchange_strong(&view->used_ms[index], &before, now_ms);
}
