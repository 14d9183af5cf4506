/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/serve.h"

#include "libcommon/cleanup.h"
#include "libcommon/listener.h"
#include "libcommon/log.h"
#include "libcommon/service_http.h"
#include "receiver/figures.h"
#include "receiver/health.h"
#include "receiver/ingest.h"

#include <stdlib.h>

#define STOP_GRACE_MS 4000
#define METRICS_MAX (64 * SH_KIB)
#define TEXT_TYPE "text/plain; charset=utf-8"
#define METRICS_TYPE "text/plain; version=0.0.4; charset=utf-8"

struct serve {
    ingest ingest;
    bool ingests; /* a receiver that only merges drains a full Redis and is ready then */
    sh_listener *listener;
};

static size_t admit_push(void *context, sh_http_exchange *exchange)
{
    const serve *s = context;
    return ingest_admit(&s->ingest, exchange);
}

static void handle_pushes(void *context, sh_http_exchange *const exchanges[], size_t count)
{
    const serve *s = context;
    ingest_handle_each(&s->ingest, exchanges, count);
}

static void handle_livez(void *context, sh_http_exchange *exchange)
{
    (void)context;
    sh_http_reply(exchange, 200, TEXT_TYPE, SH_SLICE("alive\n"));
}

/* Ready: nothing of us is unwell, and, where this receiver ingests, Redis takes writes now. */
static void handle_readyz(void *context, sh_http_exchange *exchange)
{
    const serve *s = context;
    SH_CLEANUP(sh_buf_done) sh_buf reason = SH_BUF_INIT(4 * SH_KIB);
    bool good = health_is_good(&reason);
    if (good && s->ingests) {
        sh_error error = {0};
        SH_CLEANUP(queue_loan_end) queue_loan loan = {0};
        sh_err err = queue_loan_begin(s->ingest.queues, &loan, &error);
        if (err == SH_OK)
            err = sh_queue_check(loan.queue, &error);
        good = err == SH_OK;
        if (!good)
            (void)sh_buf_append_text(&reason, error.message);
    }
    if (good)
        sh_http_reply(exchange, 200, TEXT_TYPE, SH_SLICE("ready\n"));
    else
        sh_http_reply_error(exchange, 503, "Not ready", reason.data == NULL ? "" : reason.data);
}

static void handle_metrics(void *context, sh_http_exchange *exchange)
{
    const serve *s = context;
    sh_error error = {0};
    SH_CLEANUP(queue_loan_end) queue_loan loan = {0};
    sh_queue_depth depth;
    /* While Redis is away the gauges keep their last values; readyz tells why. */
    if (queue_loan_begin(s->ingest.queues, &loan, &error) == SH_OK &&
        sh_queue_depth_get(loan.queue, &depth, &error) == SH_OK) {
        sh_metric_set(&figures.queue_entries, depth.entries);
        sh_metric_set(&figures.queue_bytes, depth.bytes);
        sh_metric_set(&figures.queue_dead, depth.dead);
    }
    SH_CLEANUP(sh_buf_done) sh_buf text = SH_BUF_INIT(METRICS_MAX);
    if (figures_write(&text) == SH_OK && sh_service_metrics(&text) == SH_OK)
        sh_http_reply(exchange, 200, METRICS_TYPE, (sh_slice){text.data, text.len});
    else
        sh_http_reply_error(exchange, 500, "Internal Server Error", "no memory");
}

static const sh_http_route routes_with_push[] = {
    {.method = "POST",
     .path = "/sync",
     .admit = admit_push,
     .handle_each = handle_pushes,
     .waits = true},
    {.method = "GET", .path = "/livez", .handle = handle_livez, .probe = true},
    {.method = "GET", .path = "/readyz", .handle = handle_readyz, .waits = true, .probe = true},
    {.method = "GET", .path = "/metrics", .handle = handle_metrics, .waits = true, .probe = true},
    {.method = NULL},
};

sh_err serve_start(const sh_settings *settings, const hub_keys *keys, serve **ret, sh_error *error)
{
    serve *s = calloc(1, sizeof *s);
    if (s == NULL)
        return sh_fail(error, SH_E_MEMORY, "no memory to listen");
    s->ingest = (ingest){.keys = keys, .native_only = settings->protocol == SH_PROTOCOL_NATIVE};
    s->ingests = settings->role != SH_ROLE_MERGE;
    const sh_listener_options options = {
        .routes = s->ingests ? routes_with_push : routes_with_push + 1,
        .context = s,
        .told = sh_service_on_certificate,
        .on_event = sh_service_on_http_event,
    };
    sh_err err =
        queue_pool_new(settings->redis_url, settings->redis_prefix, &s->ingest.queues, error);
    if (err == SH_OK && s->ingests)
        err = callers_new(keys, &s->ingest.callers, error);
    if (err == SH_OK && s->ingests)
        err = contacts_new(settings->redis_url, settings->redis_prefix, &s->ingest.contacts, error);
    if (err == SH_OK && s->ingests)
        err = name_index_new(&s->ingest.names, error);
    if (err == SH_OK && s->ingests)
        err = throttle_new(&s->ingest.throttle, error);
    if (err == SH_OK)
        err = sh_listener_start(settings, &options, &s->listener, error);
    if (err != SH_OK) {
        contacts_free(s->ingest.contacts);
        queue_pool_free(s->ingest.queues);
        callers_free(s->ingest.callers);
        name_index_free(s->ingest.names);
        throttle_free(s->ingest.throttle);
        free(s);
        return err;
    }
    sh_log_info("listening on %s", sh_listener_address(s->listener));
    if (s->ingests && sh_listener_is_in_clear(s->listener))
        sh_log_info(
            "tokens come over plain HTTP here: put TLS in front of it, or set SYNC_tls_cert "
            "and SYNC_tls_key");
    *ret = s;
    return SH_OK;
}

void serve_stop(serve *s)
{
    if (s == NULL)
        return;
    sh_listener_stop(s->listener, STOP_GRACE_MS);
    contacts_free(s->ingest.contacts);
    queue_pool_free(s->ingest.queues);
    callers_free(s->ingest.callers);
    name_index_free(s->ingest.names);
    throttle_free(s->ingest.throttle);
    free(s);
}
