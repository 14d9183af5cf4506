/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_METRICS_H
#define SH_METRICS_H

#include "libcommon/base/buffer.h"
#include "libcommon/base/error.h"
#include "libcommon/base/text.h"

#include <stdatomic.h>
#include <stdint.h>

/*
 * Counters and gauges for GET /metrics (Prometheus text format 0.0.4). A program defines its
 * metrics as static objects and lists them in one array. Thread-safe: an update is one atomic
 * operation. Labels are constants such as `reason="token"`, never input from a peer, for which
 * there is sh_metric_append_label_value().
 */
typedef struct {
    const char *name;   /* `synchub_pushes_total` */
    const char *labels; /* `result="queued"`, or NULL */
    const char *help;   /* may be NULL, except on the first metric of a name */
    const char *type;   /* "counter" or "gauge" */
    int64_t divisor;    /* exposed as value / divisor with three decimals; 0: exposed as is */
    _Atomic int64_t value;
    /* Not exposed until it is set: the value is unknown. For names with one metric only. */
    atomic_bool absent;
} sh_metric;

void sh_metric_add(sh_metric *metric, int64_t n);
void sh_metric_set(sh_metric *metric, int64_t value);
/* Omits a gauge until it is set again: a stale value would look current. */
void sh_metric_clear(sh_metric *metric);

/* Appends the exposition of count metrics; metrics of one name must be adjacent. */
sh_err sh_metrics_write(sh_metric *const metrics[], size_t count, sh_buf *ret);

/* Appends the `# HELP` and `# TYPE` lines of a metric. */
sh_err sh_metric_append_head(const char *name, const char *type, const char *help, sh_buf *ret);

/*
 * Appends a label's value with its quotes. Backslashes, quotes and line feeds are escaped as the
 * text format demands; NUL and what is not valid UTF-8 become U+FFFD, as scrapers reject the whole
 * text otherwise.
 */
sh_err sh_metric_append_label_value(sh_slice value, sh_buf *ret);

#endif
