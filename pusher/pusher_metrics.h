/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PUSHER_COUNTERS_H
#define PUSHER_COUNTERS_H

#include "libcommon/base/metrics.h"
#include "pusher/push.h"

/* The pusher's metrics. */
extern sh_metric counter_tables[PUSH_VERDICTS];  /* pushes of the device table, by outcome */
extern sh_metric counter_plugins[PUSH_VERDICTS]; /* the same for plugin results */
extern sh_metric counter_source_errors;
extern sh_metric counter_spool_items, counter_spool_bytes;
extern sh_metric counter_last_success_s;
extern sh_metric counter_pulled_envelope, counter_pulled_unchanged, counter_pulled_netalertx;
extern sh_metric counter_pulled_denied, counter_pulled_failed;

/* Appends the metrics in Prometheus text format. SH_E_MEMORY, SH_E_LIMIT. */
sh_err counters_write(sh_buf *ret);

#endif
