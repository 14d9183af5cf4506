/* SPDX-License-Identifier: Apache-2.0 */
#include "puller/puller_status.h"

#include "libcommon/base/cleanup.h"
#include "libcommon/base/clock.h"
#include "libcommon/base/metrics.h"
#include "libcommon/base/version.h"
#include "libcommon/queue/queue_watch.h"
#include "libcommon/queue/redis_metrics.h"
#include "libcommon/runtime/hub_settings_redis.h"
#include "libcommon/runtime/listener.h"
#include "libcommon/runtime/log.h"
#include "libcommon/runtime/notify.h"
#include "libcommon/runtime/stop.h"

#include <stdlib.h>
#include <string.h>

#define STOP_GRACE_MS 1000
#define CONNECTIONS_MAX 128 /* only for probes */

struct puller_status {
    sh_listener *listener;
    sh_queue_watch *watch;
};

static sh_metric pulls[PULL_OUTCOMES] = {
    [PULL_PULLED] = {.name = "synchub_pulls_total",
                     .labels = "result=\"pulled\"",
                     .help = "Nodes handled, by result.",
                     .type = "counter"},
    [PULL_UNCHANGED] = {.name = "synchub_pulls_total",
                        .labels = "result=\"unchanged\"",
                        .type = "counter"},
    [PULL_FAILED] = {.name = "synchub_pulls_total",
                     .labels = "result=\"failed\"",
                     .type = "counter"},
    [PULL_SKIPPED] = {.name = "synchub_pulls_total",
                      .labels = "result=\"skipped\"",
                      .type = "counter"},
};
static sh_metric runs_done = {.name = "synchub_pull_runs_total",
                              .labels = "result=\"done\"",
                              .help = "Runs over all nodes, failed if any node failed.",
                              .type = "counter"};
static sh_metric runs_failed = {
    .name = "synchub_pull_runs_total", .labels = "result=\"failed\"", .type = "counter"};
static sh_metric last_nodes = {.name = "synchub_pull_nodes",
                               .help = "Nodes of the last run.",
                               .type = "gauge",
                               .absent = true};
static sh_metric last_failed = {.name = "synchub_pull_failed_nodes",
                                .help = "Nodes that failed in the last run.",
                                .type = "gauge",
                                .absent = true};
static sh_metric last_duration = {.name = "synchub_pull_duration_seconds",
                                  .help = "How long the last run took.",
                                  .type = "gauge",
                                  .divisor = 1000,
                                  .absent = true};
static sh_metric last_end = {.name = "synchub_pull_last_run_timestamp_seconds",
                             .help = "When the last run ended, Unix time.",
                             .type = "gauge",
                             .absent = true};

static sh_metric *const metrics[] = {
    &pulls[PULL_PULLED], &pulls[PULL_UNCHANGED],
    &pulls[PULL_FAILED], &pulls[PULL_SKIPPED],
    &runs_done,          &runs_failed,
    &last_nodes,         &last_failed,
    &last_duration,      &last_end,
};

void puller_count_node(puller_outcome outcome)
{
    sh_metric_add(&pulls[outcome], 1);
}

void puller_count_run(size_t failed, size_t nodes, int64_t duration_ms, int64_t end_unix_ms)
{
    sh_metric_add(failed > 0 ? &runs_failed : &runs_done, 1);
    sh_metric_set(&last_nodes, (int64_t)nodes);
    sh_metric_set(&last_failed, (int64_t)failed);
    sh_metric_set(&last_duration, duration_ms);
    sh_metric_set(&last_end, end_unix_ms / 1000);
    char when[SH_RFC3339_BYTES];
    sh_clock_rfc3339(end_unix_ms, when);
    sh_notify_status("last run at %s: %zu nodes, %s", when, nodes,
                     failed > 0 ? "some of which failed" : "none of which failed");
}

static bool is_ready(void *context, sh_buf *reason)
{
    puller_status *status = context;
    sh_queue_state state;
    sh_queue_watch_get_fresh(status->watch, &state);
    if (sh_stop_requested())
        (void)sh_buf_append_text(reason, "the program is stopping");
    else if (state.err != SH_OK)
        (void)sh_buf_append_text(reason, state.error.message);
    return !sh_stop_requested() && state.err == SH_OK;
}

static sh_err write_metrics(void *context, sh_buf *ret)
{
    puller_status *status = context;
    sh_queue_state state;
    sh_queue_watch_get_fresh(status->watch, &state);
    sh_err err = sh_version_write_metric(ret);
    if (err == SH_OK)
        err = sh_metrics_write(metrics, sizeof metrics / sizeof metrics[0], ret);
    return err == SH_OK ? sh_redis_metrics_write(&state, ret) : err;
}

static void on_redis_checked(void *context, sh_queue *queue)
{
    (void)context;
    sh_hub_settings_refresh(queue);
}

static void on_end(void *context, sh_queue *queue)
{
    (void)context;
    sh_hub_settings_leave(queue);
}

static sh_err start_status(const sh_settings *settings, puller_status *status, sh_error *error)
{
    const sh_listener_options options = {
        .probes = {.context = status, .is_ready = is_ready, .write_metrics = write_metrics},
        .connections_max = CONNECTIONS_MAX};
    const sh_queue_options queue = sh_queue_options_of(settings);
    const sh_queue_watch_calls calls = {.each = on_redis_checked, .ended = on_end};
    sh_err err = sh_queue_watch_new(&queue, &calls, &status->watch, error);
    if (err != SH_OK || settings->listen[0] == '\0')
        return err;
    err = sh_listener_start(settings, &options, &status->listener, error);
    if (err == SH_OK)
        sh_log_info("listening on %s", sh_listener_address(status->listener));
    return err;
}

sh_err puller_status_start(const sh_settings *settings, puller_status **ret, sh_error *error)
{
    *ret = NULL;
    puller_status *status = calloc(1, sizeof *status);
    if (status == NULL)
        return sh_fail(error, SH_E_MEMORY, "no memory to watch Redis");
    sh_err err = start_status(settings, status, error);
    if (err != SH_OK) {
        puller_status_stop(status);
        return err;
    }
    *ret = status;
    return SH_OK;
}

void puller_status_stop(puller_status *status)
{
    if (status == NULL)
        return;
    if (status->watch != NULL)
        sh_queue_watch_stop(status->watch);
    if (status->listener != NULL)
        sh_listener_stop(status->listener, STOP_GRACE_MS);
    sh_queue_watch_free(status->watch);
    free(status);
}
