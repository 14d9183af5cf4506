/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/base/metrics.h"

#include <inttypes.h>
#include <string.h>

void sh_metric_add(sh_metric *metric, int64_t n)
{
    atomic_fetch_add_explicit(&metric->value, n, memory_order_relaxed);
}

void sh_metric_set(sh_metric *metric, int64_t value)
{
    atomic_store_explicit(&metric->value, value, memory_order_relaxed);
    atomic_store_explicit(&metric->absent, false, memory_order_relaxed);
}

void sh_metric_clear(sh_metric *metric)
{
    atomic_store_explicit(&metric->absent, true, memory_order_relaxed);
}

static sh_err write_value(const sh_metric *m, sh_buf *ret)
{
    int64_t value = atomic_load_explicit(&m->value, memory_order_relaxed);
    if (m->divisor == 0)
        return sh_buf_append_format(ret, " %" PRId64 "\n", value);
    return sh_buf_append_format(ret, " %.3f\n", (double)value / (double)m->divisor);
}

sh_err sh_metrics_write(sh_metric *const metrics[], size_t count, sh_buf *ret)
{
    sh_err err = SH_OK;
    for (size_t i = 0; err == SH_OK && i < count; i++) {
        const sh_metric *m = metrics[i];
        if (atomic_load_explicit(&m->absent, memory_order_relaxed))
            continue;
        if (i == 0 || strcmp(m->name, metrics[i - 1]->name) != 0)
            err = sh_buf_append_format(ret, "# HELP %s %s\n# TYPE %s %s\n", m->name, m->help,
                                       m->name, m->type);
        const char *labels = m->labels == NULL ? "" : m->labels;
        const char *open = m->labels == NULL ? "" : "{";
        const char *close = m->labels == NULL ? "" : "}";
        if (err == SH_OK)
            err = sh_buf_append_format(ret, "%s%s%s%s", m->name, open, labels, close);
        if (err == SH_OK)
            err = write_value(m, ret);
    }
    return err;
}
