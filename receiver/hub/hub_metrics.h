/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_HUB_METRICS_H
#define RECEIVER_HUB_METRICS_H

#include "libcommon/base/metrics.h"

/* The receiver's metrics: a counter for each outcome and each reason of refusal. */
typedef struct {
    sh_metric pushes_queued, pushes_duplicate, pushes_unchanged;
    sh_metric refused_token, refused_node, refused_shared, refused_type, refused_size, refused_json,
        refused_field, refused_name, refused_envelope, refused_clock, refused_key, refused_altered,
        refused_content, refused_payload, refused_throttled;
    sh_metric unavailable_redis, unavailable_full, unavailable_busy, unavailable_share,
        unavailable_names, unavailable_key, unavailable_memory, unavailable_credentials,
        failed_internal;
    sh_metric merged_tables, merged_plugins, merged_duplicates, dead_letters, dead_dropped,
        batches_failed;
    sh_metric rows_inserted, rows_known, rows_skipped, rows_set_aside, values_replaced;
    sh_metric queue_entries, queue_entries_limit, queue_bytes, queue_bytes_limit, queue_oldest_age,
        queue_dead;
} receiver_metrics;

extern receiver_metrics hub_metrics;

/* Appends the metrics in Prometheus text format. SH_E_LIMIT, SH_E_MEMORY. */
sh_err hub_metrics_write(sh_buf *ret);

#endif
