/* SPDX-License-Identifier: Apache-2.0 */
#include "pusher/pusher_metrics.h"

#include "libcommon/base/version.h"

#define BY_OUTCOME(metric, text)                                                                   \
    {                                                                                              \
        [PUSH_QUEUED] = {.name = (metric),                                                         \
                         .labels = "result=\"queued\"",                                            \
                         .help = (text),                                                           \
                         .type = "counter"},                                                       \
        [PUSH_DUPLICATE] = {.name = (metric),                                                      \
                            .labels = "result=\"duplicate\"",                                      \
                            .type = "counter"},                                                    \
        [PUSH_UNCHANGED] = {.name = (metric),                                                      \
                            .labels = "result=\"unchanged\"",                                      \
                            .type = "counter"},                                                    \
        [PUSH_LATER] = {.name = (metric), .labels = "result=\"later\"", .type = "counter"},        \
        [PUSH_FOREIGN] = {.name = (metric), .labels = "result=\"foreign\"", .type = "counter"},    \
        [PUSH_MISCONFIGURED] = {.name = (metric),                                                  \
                                .labels = "result=\"misconfigured\"",                              \
                                .type = "counter"},                                                \
        [PUSH_REFUSED] = {.name = (metric), .labels = "result=\"refused\"", .type = "counter"},    \
        [PUSH_STOPPED] = {.name = (metric), .labels = "result=\"stopped\"", .type = "counter"},    \
    }

sh_metric metric_tables[PUSH_VERDICTS] =
    BY_OUTCOME("synchub_pusher_tables_total", "Pushes of the device table, by outcome.");
sh_metric metric_plugins[PUSH_VERDICTS] =
    BY_OUTCOME("synchub_pusher_plugin_results_total", "Pushes of plugin results, by outcome.");

sh_metric metric_source_errors = {.name = "synchub_pusher_source_errors_total",
                                  .help =
                                      "Device tables and plugin results that could not be read.",
                                  .type = "counter"};
sh_metric metric_spool_items = {
    .name = "synchub_pusher_spool_items",
    .help = "Plugin results in the spool, which the hub has not accepted yet.",
    .type = "gauge"};
sh_metric metric_spool_bytes = {.name = "synchub_pusher_spool_bytes",
                                .help = "Bytes of the plugin results in the spool.",
                                .type = "gauge"};
sh_metric metric_last_success_s = {
    .name = "synchub_pusher_last_success_timestamp_seconds",
    .help = "When the hub last accepted a push or answered unchanged (Unix time).",
    .type = "gauge",
    .absent = true};

sh_metric metric_pulled_envelope = {.name = "synchub_pusher_pulled_total",
                                    .labels = "result=\"envelope\"",
                                    .help = "Answers to GET /sync, by kind.",
                                    .type = "counter"};
sh_metric metric_pulled_unchanged = {
    .name = "synchub_pusher_pulled_total", .labels = "result=\"unchanged\"", .type = "counter"};
sh_metric metric_pulled_netalertx = {
    .name = "synchub_pusher_pulled_total", .labels = "result=\"netalertx\"", .type = "counter"};
sh_metric metric_pulled_denied = {
    .name = "synchub_pusher_pulled_total", .labels = "result=\"denied\"", .type = "counter"};
sh_metric metric_pulled_failed = {
    .name = "synchub_pusher_pulled_total", .labels = "result=\"failed\"", .type = "counter"};

sh_err counters_write(sh_buf *ret)
{
    sh_metric *all[2 * PUSH_VERDICTS + 9];
    size_t count = 0;
    for (size_t i = 0; i < PUSH_VERDICTS; i++)
        all[count++] = &metric_tables[i];
    for (size_t i = 0; i < PUSH_VERDICTS; i++)
        all[count++] = &metric_plugins[i];
    sh_metric *const others[] = {
        &metric_source_errors,    &metric_spool_items,     &metric_spool_bytes,
        &metric_last_success_s,   &metric_pulled_envelope, &metric_pulled_unchanged,
        &metric_pulled_netalertx, &metric_pulled_denied,   &metric_pulled_failed,
    };
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        all[count++] = others[i];
    sh_err err = sh_version_write_metric(ret);
    return err == SH_OK ? sh_metrics_write(all, count, ret) : err;
}
