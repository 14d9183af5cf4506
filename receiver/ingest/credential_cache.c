/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/ingest/credential_cache.h"

#include "libcommon/base/clock.h"
#include "receiver/ingest/token_bucket.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

struct credential_snapshot {
    atomic_int holders;
    const hub_secrets *keys;
    sh_credentials *all;
    char version[SH_NODES_VERSION_BYTES];
    _Atomic int64_t *used_ms; /* of each record, as recorded in this snapshot */
};

struct credential_cache {
    const hub_secrets *keys;
    pthread_mutex_t lock;
    credential_snapshot *current; /* NULL before the first load */
    sh_token_bucket lookups;
    atomic_bool unpublished; /* when Redis was last asked */
};

void credential_snapshot_release(credential_snapshot **snapshot)
{
    credential_snapshot *v = *snapshot;
    *snapshot = NULL;
    if (v == NULL || atomic_fetch_sub(&v->holders, 1) > 1)
        return;
    sh_credentials_free(v->all);
    free((void *)v->used_ms);
    free(v);
}

sh_err credential_cache_new(const hub_secrets *keys, credential_cache **ret, sh_error *error)
{
    credential_cache *c = calloc(1, sizeof *c);
    if (c == NULL || pthread_mutex_init(&c->lock, NULL) != 0) {
        free(c);
        return sh_fail(error, SH_E_MEMORY, "no memory for the nodes' credentials");
    }
    c->keys = keys;
    atomic_init(&c->unpublished, false);
    c->lookups =
        sh_token_bucket_of(SH_TOKEN_LOOKUPS_PER_S, SH_TOKEN_LOOKUPS_PER_S, sh_clock_monotonic_ms());
    *ret = c;
    return SH_OK;
}

void credential_cache_free(credential_cache *c)
{
    if (c == NULL)
        return;
    credential_snapshot_release(&c->current);
    (void)pthread_mutex_destroy(&c->lock);
    free(c);
}

credential_snapshot *credential_cache_snapshot(credential_cache *c)
{
    (void)pthread_mutex_lock(&c->lock);
    credential_snapshot *snapshot = c->current;
    if (snapshot != NULL)
        atomic_fetch_add(&snapshot->holders, 1);
    (void)pthread_mutex_unlock(&c->lock);
    return snapshot;
}

/* The new snapshot has two references: the caller's and that of c->current. */
static sh_err load(credential_cache *c, sh_queue *queue, credential_snapshot **ret, sh_error *error)
{
    credential_snapshot *snapshot = calloc(1, sizeof *snapshot);
    if (snapshot == NULL)
        return sh_fail(error, SH_E_MEMORY, "no memory for the nodes' credentials");
    atomic_init(&snapshot->holders, 2);
    snapshot->keys = c->keys;
    sh_err err = sh_queue_nodes_load(queue, &snapshot->all, snapshot->version, error);
    if (err == SH_OK) {
        snapshot->used_ms =
            calloc(sh_credentials_count(snapshot->all) + 1, sizeof *snapshot->used_ms);
        if (snapshot->used_ms == NULL)
            err = sh_fail(error, SH_E_MEMORY, "no memory for the nodes' credentials");
    }
    if (err != SH_OK) {
        atomic_store(&snapshot->holders, 1);
        credential_snapshot_release(&snapshot);
        return err;
    }
    (void)pthread_mutex_lock(&c->lock);
    credential_snapshot *old = c->current;
    c->current = snapshot;
    (void)pthread_mutex_unlock(&c->lock);
    credential_snapshot_release(&old);
    *ret = snapshot;
    return SH_OK;
}

sh_err credential_cache_lookup(credential_cache *c, sh_queue *queue, credential_snapshot **ret,
                               sh_error *error)
{
    *ret = credential_cache_snapshot(c);
    char version[SH_NODES_VERSION_BYTES];
    sh_err err = sh_queue_nodes_version(queue, version, error);
    if (err != SH_OK)
        return err;
    if (version[0] == '\0') {
        atomic_store(&c->unpublished, true);
        return sh_fail(error, SH_E_NOT_FOUND, SH_NODES_NOT_PUBLISHED);
    }
    if (*ret == NULL || strcmp(version, (*ret)->version) != 0) {
        credential_snapshot *loaded = NULL;
        err = load(c, queue, &loaded, error);
        if (err != SH_OK)
            return err;
        credential_snapshot_release(ret);
        *ret = loaded;
    }
    /* Not before the snapshot is there: the one before may lack nodes, which are not refused. */
    atomic_store(&c->unpublished, false);
    return SH_OK;
}

void credential_cache_refresh(credential_cache *c, sh_queue *queue)
{
    credential_snapshot *snapshot = NULL;
    (void)credential_cache_lookup(c, queue, &snapshot, NULL); /* the next call retries it */
    credential_snapshot_release(&snapshot);
}

bool credential_cache_is_published(const credential_cache *c)
{
    return !atomic_load(&c->unpublished);
}

bool credential_cache_may_lookup(credential_cache *c)
{
    (void)pthread_mutex_lock(&c->lock);
    bool unknown = c->current == NULL && credential_cache_is_published(c);
    bool may = unknown || sh_token_bucket_has(&c->lookups, sh_clock_monotonic_ms());
    (void)pthread_mutex_unlock(&c->lock);
    return may;
}

bool credential_cache_begin_lookup(credential_cache *c)
{
    bool may = credential_cache_may_lookup(c);
    (void)pthread_mutex_lock(&c->lock);
    if (may)
        sh_token_bucket_take(&c->lookups, sh_clock_monotonic_ms());
    (void)pthread_mutex_unlock(&c->lock);
    return may;
}

const char *credential_snapshot_version(const credential_snapshot *snapshot)
{
    return snapshot->version;
}

bool credential_snapshot_find(const credential_snapshot *snapshot, sh_slice token,
                              const sh_node_record **own)
{
    *own = sh_credentials_find_token(snapshot->all, token, sh_clock_unix_ms());
    return *own != NULL || sh_secret_equals(token, snapshot->keys->token);
}

caller_class credential_snapshot_classify(const credential_snapshot *snapshot,
                                          const sh_node_record *own, const char *node)
{
    if (own != NULL)
        return strcmp(own->node, node) == 0 ? CALLER_MAY_SEND : CALLER_IS_ANOTHER;
    const sh_node_record *record = sh_credentials_find_node(snapshot->all, node, NULL);
    return record == NULL || sh_node_record_takes_shared(record, sh_clock_unix_ms())
               ? CALLER_MAY_SEND
               : CALLER_IS_SHARED;
}

int64_t credential_snapshot_shared_until_ms(const credential_snapshot *snapshot, const char *node)
{
    const sh_node_record *record = sh_credentials_find_node(snapshot->all, node, NULL);
    return record == NULL || record->revoked_ms > 0 ? 0 : record->shared.until_ms;
}

const char *credential_snapshot_find_lookalike(const credential_snapshot *snapshot,
                                               const char *node)
{
    const sh_node_record *like = sh_credentials_find_lookalike(snapshot->all, node);
    return like == NULL ? NULL : like->node;
}

bool credential_snapshot_note_use(credential_snapshot *snapshot, const sh_node_record *own,
                                  int64_t now_ms)
{
    size_t index = 0;
    if (sh_credentials_find_node(snapshot->all, own->node, &index) == NULL)
        return false;
    int64_t before = atomic_load(&snapshot->used_ms[index]);
    /* A use in the future was recorded before the clock was set back. */
    return (now_ms < before || now_ms - before >= SH_NODE_USED_INTERVAL_S * 1000LL) &&
           atomic_compare_exchange_strong(&snapshot->used_ms[index], &before, now_ms);
}
