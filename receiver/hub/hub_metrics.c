/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/hub/hub_metrics.h"

#include "libcommon/base/version.h"

#include <assert.h>

/* Versions of clang-format differ in the layout of braces in macros. */
/* clang-format off */
#define COUNTER(metric, label, words) \
    { \
        .name = metric, .labels = label, .help = words, .type = "counter" \
    }
#define GAUGE(metric, words) \
    { \
        .name = metric, .labels = NULL, .help = words, .type = "gauge" \
    }
/* clang-format on */

#define PUSHES "synchub_pushes_total"
#define REFUSED "synchub_refused_total"
#define UNAVAILABLE "synchub_unavailable_total"
#define MERGED "synchub_merged_total"
#define ROWS "synchub_rows_total"

receiver_metrics hub_metrics = {
    .pushes_queued = COUNTER(PUSHES, "result=\"queued\"", "Pushes answered with success."),
    .pushes_duplicate = COUNTER(PUSHES, "result=\"duplicate\"", NULL),
    .pushes_unchanged = COUNTER(PUSHES, "result=\"unchanged\"", NULL),
    .refused_token = COUNTER(REFUSED, "reason=\"token\"", "Pushes refused permanently."),
    .refused_node = COUNTER(REFUSED, "reason=\"another_node\"", NULL),
    .refused_shared = COUNTER(REFUSED, "reason=\"shared_token\"", NULL),
    .refused_type = COUNTER(REFUSED, "reason=\"content_type\"", NULL),
    .refused_size = COUNTER(REFUSED, "reason=\"size\"", NULL),
    .refused_json = COUNTER(REFUSED, "reason=\"json\"", NULL),
    .refused_field = COUNTER(REFUSED, "reason=\"field\"", NULL),
    .refused_name = COUNTER(REFUSED, "reason=\"name\"", NULL),
    .refused_envelope = COUNTER(REFUSED, "reason=\"envelope\"", NULL),
    .refused_clock = COUNTER(REFUSED, "reason=\"clock\"", NULL),
    .refused_key = COUNTER(REFUSED, "reason=\"key\"", NULL),
    .refused_altered = COUNTER(REFUSED, "reason=\"altered\"", NULL),
    .refused_content = COUNTER(REFUSED, "reason=\"content\"", NULL),
    .refused_payload = COUNTER(REFUSED, "reason=\"payload\"", NULL),
    .refused_throttled = COUNTER(REFUSED, "reason=\"throttled\"", NULL),
    .unavailable_redis =
        COUNTER(UNAVAILABLE, "reason=\"redis\"", "Pushes that the node must send again later."),
    .unavailable_full = COUNTER(UNAVAILABLE, "reason=\"full\"", NULL),
    .unavailable_busy = COUNTER(UNAVAILABLE, "reason=\"busy\"", NULL),
    .unavailable_share = COUNTER(UNAVAILABLE, "reason=\"share\"", NULL),
    .unavailable_names = COUNTER(UNAVAILABLE, "reason=\"names\"", NULL),
    .unavailable_key = COUNTER(UNAVAILABLE, "reason=\"key\"", NULL),
    .unavailable_memory = COUNTER(UNAVAILABLE, "reason=\"memory\"", NULL),
    .unavailable_credentials = COUNTER(UNAVAILABLE, "reason=\"credentials\"", NULL),
    .failed_internal = COUNTER(UNAVAILABLE, "reason=\"internal\"", NULL),
    .merged_tables = COUNTER(MERGED, "kind=\"devices\"", "Items merged into the database."),
    .merged_plugins = COUNTER(MERGED, "kind=\"plugin\"", NULL),
    .merged_duplicates = COUNTER(MERGED, "kind=\"duplicate\"", NULL),
    .dead_letters =
        COUNTER("synchub_dead_letters_total", NULL, "Entries moved to the dead letters."),
    .dead_dropped = COUNTER("synchub_dead_letters_dropped_total", NULL,
                            "Dead letters that were dropped because there were too many."),
    .batches_failed =
        COUNTER("synchub_merge_failures_total", NULL, "Transactions that failed and are retried."),
    .rows_inserted = COUNTER(ROWS, "result=\"inserted\"", "Device rows of merged tables."),
    .rows_known = COUNTER(ROWS, "result=\"known\"", NULL),
    .rows_skipped = COUNTER(ROWS, "result=\"skipped\"", NULL),
    .rows_set_aside = COUNTER(ROWS, "result=\"set_aside\"", NULL),
    .values_replaced = COUNTER("synchub_values_replaced_total", NULL,
                               "Values of inserted rows that cannot be stored and became NULL or "
                               "their column's default."),
    .queue_entries = GAUGE("synchub_queue_entries", "Entries waiting to be merged."),
    .queue_entries_limit =
        GAUGE("synchub_queue_entries_limit", "Maximum of synchub_queue_entries."),
    .queue_bytes = GAUGE("synchub_queue_bytes", "Bytes of waiting entries."),
    .queue_bytes_limit = GAUGE("synchub_queue_bytes_limit", "Maximum of synchub_queue_bytes."),
    .queue_oldest_age = {.name = "synchub_queue_oldest_age_seconds",
                         .help = "How long the oldest entry has waited; 0 if none waits.",
                         .type = "gauge",
                         .divisor = 1000,
                         .absent = true},
    .queue_dead = GAUGE("synchub_dead_letters", "Dead letters."),
};

sh_err hub_metrics_write(sh_buf *ret)
{
    static sh_metric *const all[] = {
        &hub_metrics.pushes_queued,      &hub_metrics.pushes_duplicate,
        &hub_metrics.pushes_unchanged,   &hub_metrics.refused_token,
        &hub_metrics.refused_node,       &hub_metrics.refused_shared,
        &hub_metrics.refused_type,       &hub_metrics.refused_size,
        &hub_metrics.refused_json,       &hub_metrics.refused_field,
        &hub_metrics.refused_name,       &hub_metrics.refused_envelope,
        &hub_metrics.refused_clock,      &hub_metrics.refused_key,
        &hub_metrics.refused_altered,    &hub_metrics.refused_content,
        &hub_metrics.refused_payload,    &hub_metrics.refused_throttled,
        &hub_metrics.unavailable_redis,  &hub_metrics.unavailable_full,
        &hub_metrics.unavailable_busy,   &hub_metrics.unavailable_share,
        &hub_metrics.unavailable_names,  &hub_metrics.unavailable_key,
        &hub_metrics.unavailable_memory, &hub_metrics.unavailable_credentials,
        &hub_metrics.failed_internal,    &hub_metrics.merged_tables,
        &hub_metrics.merged_plugins,     &hub_metrics.merged_duplicates,
        &hub_metrics.dead_letters,       &hub_metrics.dead_dropped,
        &hub_metrics.batches_failed,     &hub_metrics.rows_inserted,
        &hub_metrics.rows_known,         &hub_metrics.rows_skipped,
        &hub_metrics.rows_set_aside,     &hub_metrics.values_replaced,
        &hub_metrics.queue_entries,      &hub_metrics.queue_entries_limit,
        &hub_metrics.queue_bytes,        &hub_metrics.queue_bytes_limit,
        &hub_metrics.queue_oldest_age,   &hub_metrics.queue_dead,
    };
    static_assert(sizeof all / sizeof all[0] == sizeof hub_metrics / sizeof(sh_metric),
                  "every metric is written");
    sh_err err = sh_version_write_metric(ret);
    return err == SH_OK ? sh_metrics_write(all, sizeof all / sizeof all[0], ret) : err;
}
