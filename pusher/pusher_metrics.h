/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PUSHER_METRICS_H
#define PUSHER_METRICS_H

#include "libcommon/base/metrics.h"
#include "pusher/push.h"

/* The pusher's metrics. */
extern sh_metric metric_tables[PUSH_VERDICTS];  /* pushes of the device table, by outcome */
extern sh_metric metric_plugins[PUSH_VERDICTS]; /* the same for plugin results */
extern sh_metric metric_source_errors;
extern sh_metric metric_spool_items, metric_spool_bytes;
extern sh_metric metric_last_success_s;
extern sh_metric metric_pulled_envelope, metric_pulled_unchanged, metric_pulled_netalertx;
extern sh_metric metric_pulled_denied, metric_pulled_failed;

/* Appends the metrics in Prometheus text format. SH_E_MEMORY, SH_E_LIMIT. */
sh_err counters_write(sh_buf *ret);

#endif
