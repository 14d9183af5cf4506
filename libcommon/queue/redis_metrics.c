/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/queue/redis_metrics.h"

#include "libcommon/base/metrics.h"

#include <string.h>

static sh_metric up = {.name = "synchub_redis_up",
                       .help = "Whether Redis answers; without it gauges of the queue have no "
                               "value.",
                       .type = "gauge"};
static sh_metric durable = {
    .name = "synchub_redis_durable",
    .help = "Whether Redis keeps what it confirms; no value if it may not be asked.",
    .type = "gauge"};
static sh_metric replicas = {.name = "synchub_redis_replicas",
                             .help = "Replicas that are connected to the server.",
                             .type = "gauge"};
static sh_metric in_step = {
    .name = "synchub_redis_replicas_in_step",
    .help = "Replicas that have what the server had when it was checked before.",
    .type = "gauge"};

/* A host's name or address, or a path, which might contain what a label must escape. */
static sh_err write_server(const sh_queue_server *server, sh_buf *ret)
{
    if (server->place[0] == '\0' || strpbrk(server->place, "\"\\\n") != NULL)
        return SH_OK;
    return sh_buf_append_format(ret,
                                "# HELP synchub_redis_info The server in use and its role.\n"
                                "# TYPE synchub_redis_info gauge\n"
                                "synchub_redis_info{server=\"%s\",role=\"%s\"} 1\n",
                                server->place, server->role);
}

static void set(sh_metric *metric, bool known, int64_t value)
{
    if (known)
        sh_metric_set(metric, value);
    else
        sh_metric_clear(metric);
}

sh_err sh_redis_metrics_write(const sh_queue_state *state, sh_buf *ret)
{
    static sh_metric *const all[] = {&up, &durable, &replicas, &in_step};
    bool has_replicas = state->answers && state->server.has_replicas;
    set(&up, true, state->answers);
    set(&durable, state->answers && state->keeps != SH_KEEPS_UNKNOWN, state->keeps == SH_KEEPS_ALL);
    set(&replicas, has_replicas, state->server.replicas);
    set(&in_step, has_replicas, state->server.in_step);
    sh_err err = sh_metrics_write(all, sizeof all / sizeof all[0], ret);
    return err == SH_OK && state->answers ? write_server(&state->server, ret) : err;
}
