/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_METRICS_H
#define SH_METRICS_H

#include "libcommon/base/buffer.h"
#include "libcommon/base/error.h"

#include <stdatomic.h>
#include <stdint.h>

/*
 * Counters and gauges for GET /metrics (Prometheus text format 0.0.4). A program declares its
 * metrics as static objects and lists them in one array; adding is one atomic operation.
 * Labels are fixed text of the program's own, such as `reason="token"`, never a peer's.
 */
typedef struct {
    const char *name;   /* `synchub_pushes_total` */
    const char *labels; /* `result="queued"`, or NULL */
    const char *help;   /* of the first metric of a name; others may be NULL */
    const char *type;   /* "counter" or "gauge" */
    int64_t divisor;    /* of value, which has thousandths where it is 1000; 0: none */
    _Atomic int64_t value;
    atomic_bool absent; /* its value is not known now, so it is left out; one of its name alone */
} sh_metric;

void sh_metric_add(sh_metric *metric, int64_t n);
void sh_metric_set(sh_metric *metric, int64_t value);
/* Leaves a gauge out until it is set again: an old value would look like one of now. */
void sh_metric_clear(sh_metric *metric);

/* Adds the exposition of count metrics; those of one name must be neighbours. */
sh_err sh_metrics_write(sh_metric *const metrics[], size_t count, sh_buf *ret);

#endif
