/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/serve.h"

#include "libcommon/base/clock.h"
#include "libcommon/base/limits.h"
#include "libcommon/queue/queue_watch.h"
#include "libcommon/queue/redis_metrics.h"
#include "libcommon/runtime/hub_settings_redis.h"
#include "libcommon/runtime/listener.h"
#include "libcommon/runtime/log.h"
#include "receiver/hub/hub_metrics.h"
#include "receiver/hub/readiness.h"
#include "receiver/ingest/ingest.h"
#include "receiver/merge/merge_key_check.h"
#include "receiver/queue/server_facts.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STOP_GRACE_MS 4000
#define UNPUBLISHED_CHECKS 5 /* in a row, before it is logged */
/* How long pushes wait for others' exchange with Redis, which may hang; a slow disk takes less. */
#define EXCHANGE_PATIENCE_MS 500
#define AGE_INTERVAL_MS 5000 /* of reading how long the oldest entry waits */

struct serve {
    ingest ingest;
    ingest_key_check key;
    int unpublished_checks;                 /* used by the watch, as the next one */
    int64_t age_read_ms;                    /* monotonic; 0: never */
    _Atomic int64_t age_ms;                 /* of the oldest entry; -1: not known */
    node_metrics *nodes;                    /* NULL: this receiver does not merge */
    int64_t replicas;                       /* that must confirm an entry */
    char redis_place[SH_REDIS_PLACE_BYTES]; /* logged last; used by the watch */
    bool ingests; /* a receiver that only merges is ready even if Redis is full, which it drains */
    sh_listener *listener;
};

static size_t admit_push(void *context, sh_http_exchange *exchange)
{
    const serve *s = context;
    return ingest_admit(&s->ingest, exchange);
}

static sh_http_class classify_push(void *context, const sh_http_exchange *exchange)
{
    (void)context;
    return ingest_classify(exchange);
}

static void handle_pushes(void *context, sh_http_exchange *const exchanges[], size_t count)
{
    const serve *s = context;
    ingest_handle_each(&s->ingest, exchanges, count);
}

/* Ready: all parts are healthy and, if this receiver ingests, Redis accepts puts now. */
static bool is_ready(void *context, sh_buf *reason)
{
    const serve *s = context;
    bool good = readiness_is_good(reason);
    if (s->ingests) {
        sh_queue_state state;
        sh_queue_watch_get_fresh(s->ingest.watch, &state);
        if (state.err != SH_OK)
            (void)sh_buf_append_format(reason, "%s%s", good ? "" : "; ", state.error.message);
        good = good && state.err == SH_OK;
    }
    return good;
}

static void set_gauges(const serve *s, const sh_queue_state *state)
{
    const struct {
        sh_metric *metric;
        bool known;
        int64_t value;
    } gauges[] = {
        {&hub_metrics.queue_entries, state->has_depth, state->depth.entries},
        {&hub_metrics.queue_entries_limit, true, SH_QUEUE_ENTRIES_MAX},
        {&hub_metrics.queue_bytes, state->has_depth, state->depth.bytes},
        {&hub_metrics.queue_bytes_limit, true, SH_QUEUE_BYTES_MAX},
        {&hub_metrics.queue_oldest_age, state->has_depth && s->age_ms >= 0, s->age_ms},
        {&hub_metrics.queue_dead, state->has_depth, state->depth.dead},
    };
    for (size_t i = 0; i < sizeof gauges / sizeof gauges[0]; i++) {
        if (gauges[i].known)
            sh_metric_set(gauges[i].metric, gauges[i].value);
        else
            sh_metric_clear(gauges[i].metric);
    }
}

static sh_err write_metrics(void *context, sh_buf *ret)
{
    const serve *s = context;
    sh_queue_state state;
    sh_queue_watch_get_fresh(s->ingest.watch, &state);
    set_gauges(s, &state);
    sh_err err = hub_metrics_write(ret);
    return err == SH_OK ? sh_redis_metrics_write(&state, ret) : err;
}

static sh_shared_text *get_node_metrics(void *context)
{
    const serve *s = context;
    return s->nodes == NULL ? NULL : node_metrics_get(s->nodes);
}

static const sh_http_route routes[] = {
    {.method = "POST",
     .path = "/sync",
     .admit = admit_push,
     .handle_each = handle_pushes,
     .classify = classify_push},
    {.method = NULL},
};

static void log_server(serve *s, const sh_queue_server *server)
{
    if (strcmp(server->place, s->redis_place) == 0)
        return;
    (void)snprintf(s->redis_place, sizeof s->redis_place, "%s", server->place);
    sh_log_info("Redis at %s is in use: role %s, %" PRId64 " replicas", server->place, server->role,
                server->replicas);
    if (s->replicas > 0 && server->in_memory)
        sh_log_warning("replicas confirm an entry (SYNC_redis_replicas) when it is in their "
                       "memory: from their disks only Redis 7.2 or later and Valkey confirm it, "
                       "with SYNC_redis_durable=True");
}

/* Called by the watch when Redis became fit or unfit for this receiver, or another server. */
static void on_redis_changed(void *context, const sh_queue_state *state)
{
    serve *s = context;
    if (state->err != SH_OK && s->ingests)
        sh_log_error("no push is accepted: %s", state->error.message);
    else if (state->err == SH_OK && s->ingests)
        sh_log_info("Redis accepts pushes");
    log_server(s, &state->server);
    if (state->keeps != SH_KEEPS_ALL && state->keeps_message[0] != '\0' && state->err == SH_OK)
        sh_log_warning("%s", state->keeps_message);
}

/* A failed read is repeated after a second; the watch logs the reason. */
static void check_key(serve *s, sh_queue *queue)
{
    key_state state = ingest_key_check_refresh(&s->key, queue);
    if (state != KEY_UNKNOWN &&
        readiness_set(READINESS_KEY, state == KEY_RIGHT ? NULL : KEY_IS_ANOTHER) &&
        state == KEY_WRONG)
        sh_log_error("no push is accepted: %s", KEY_IS_ANOTHER);
}

/* The first receiver of a new hub publishes them a moment after its start. */
static void check_credentials(serve *s)
{
    bool published = credential_cache_is_published(s->ingest.credentials);
    (void)readiness_set(READINESS_CREDENTIALS, published ? NULL : SH_NODES_NOT_PUBLISHED);
    s->unpublished_checks = published ? 0 : s->unpublished_checks + 1;
    if (s->unpublished_checks == UNPUBLISHED_CHECKS)
        sh_log_error("no push is accepted: %s", SH_NODES_NOT_PUBLISHED);
}

/* Redis copies the entry to report its age, so it is not asked each time. */
static void read_queue_age(serve *s, sh_queue *queue)
{
    int64_t age_ms = -1;
    int64_t now_ms = sh_clock_monotonic_ms();
    if (s->age_read_ms != 0 && now_ms - s->age_read_ms < AGE_INTERVAL_MS)
        return;
    s->age_read_ms = now_ms;
    if (queue_oldest_age(queue, &age_ms, NULL) != SH_OK)
        age_ms = -1; /* the watch reports why Redis does not answer */
    s->age_ms = age_ms;
}

static void on_redis_checked(void *context, sh_queue *queue)
{
    serve *s = context;
    read_queue_age(s, queue);
    sh_hub_settings_refresh(queue);
    if (!s->ingests)
        return;
    credential_cache_refresh(s->ingest.credentials, queue);
    check_credentials(s);
    check_key(s, queue);
}

static void on_end(void *context, sh_queue *queue)
{
    (void)context;
    sh_hub_settings_leave(queue);
}

static void free_parts(serve *s)
{
    sh_queue_watch_free(s->ingest.watch);
    last_contact_free(s->ingest.contacts);
    combiner_free(s->ingest.exchanges);
    queue_pool_free(s->ingest.queues);
    credential_cache_free(s->ingest.credentials);
    new_node_rate_free(s->ingest.new_node_rate);
    name_index_free(s->ingest.names);
    throttle_free(s->ingest.throttle);
    free(s);
}

static sh_err start_parts(serve *s, const sh_settings *settings, sh_error *error)
{
    sh_queue_options options = sh_queue_options_of(settings);
    sh_err err = SH_OK;
    if (s->ingests) {
        err = queue_pool_new(&options, &s->ingest.queues, error);
        if (err == SH_OK)
            err = combiner_new(SH_QUEUE_AT_ONCE, EXCHANGE_PATIENCE_MS, &s->ingest.exchanges, error);
        if (err == SH_OK)
            err = credential_cache_new(s->ingest.keys, &s->ingest.credentials, error);
        if (err == SH_OK)
            err = new_node_rate_new(settings->max_nodes, &s->ingest.new_node_rate, error);
        if (err == SH_OK)
            err = last_contact_new(&options, &s->ingest.contacts, error);
        if (err == SH_OK)
            err = name_index_new(&s->ingest.names, error);
        if (err == SH_OK)
            err = throttle_new(&s->ingest.throttle, error);
    }
    options.must_keep = options.must_keep && s->ingests;
    options.replicas = s->ingests ? options.replicas : 0;
    s->replicas = options.replicas;
    const sh_queue_watch_calls calls = {
        .context = s, .changed = on_redis_changed, .each = on_redis_checked, .ended = on_end};
    return err == SH_OK ? sh_queue_watch_new(&options, &calls, &s->ingest.watch, error) : err;
}

sh_err serve_start(const sh_settings *settings, const hub_secrets *keys, node_metrics *nodes,
                   serve **ret, sh_error *error)
{
    serve *s = calloc(1, sizeof *s);
    if (s == NULL)
        return sh_fail(error, SH_E_MEMORY, "no memory to listen");
    s->ingest = (ingest){.keys = keys, .native_only = settings->protocol == SH_PROTOCOL_NATIVE};
    s->ingests = settings->role == SH_ROLE_ALL || settings->role == SH_ROLE_INGEST;
    s->nodes = nodes;
    s->age_ms = -1;
    ingest_key_check_init(&s->key, keys->passphrase_key);
    s->ingest.key = &s->key;
    if (s->ingests)
        (void)readiness_set(READINESS_KEY, "the hub's key was not checked yet");
    if (s->ingests)
        (void)readiness_set(READINESS_CREDENTIALS, "the nodes' credentials were not read yet");
    const sh_listener_options options = {
        .routes = s->ingests ? routes : NULL,
        .context = s,
        .probes = {.context = s,
                   .is_ready = is_ready,
                   .write_metrics = write_metrics,
                   .get_shared_metrics = get_node_metrics},
    };
    sh_err err = start_parts(s, settings, error);
    if (err == SH_OK)
        err = sh_listener_start(settings, &options, &s->listener, error);
    if (err != SH_OK) {
        free_parts(s);
        return err;
    }
    sh_log_info("listening on %s", sh_listener_address(s->listener));
    if (s->ingests && sh_listener_is_in_clear(s->listener))
        sh_log_info("tokens are received over plain HTTP: put TLS in front, or set SYNC_tls_cert "
                    "and SYNC_tls_key");
    *ret = s;
    return SH_OK;
}

void serve_stop(serve *s)
{
    if (s == NULL)
        return;
    sh_queue_watch_stop(s->ingest.watch); /* to wait for a hanging Redis only once */
    sh_listener_stop(s->listener, STOP_GRACE_MS);
    free_parts(s);
}
