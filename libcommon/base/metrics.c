/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/base/metrics.h"

#include "libcommon/base/utf8.h"

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

sh_err sh_metric_append_head(const char *name, const char *type, const char *help, sh_buf *ret)
{
    return sh_buf_append_format(ret, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

/* The escaped form of the first bytes of a value; *bytes is their number. */
static sh_slice escape_next(sh_slice rest, size_t *bytes)
{
    uint32_t code;
    *bytes = 1;
    switch (rest.data[0]) {
    case '\\':
        return SH_SLICE("\\\\");
    case '"':
        return SH_SLICE("\\\"");
    case '\n':
        return SH_SLICE("\\n");
    default:
        break;
    }
    size_t len = sh_utf8_next(rest, &code);
    if (len == 0 || code == 0)
        return SH_SLICE("\xef\xbf\xbd");
    *bytes = len;
    return (sh_slice){rest.data, len};
}

sh_err sh_metric_append_label_value(sh_slice value, sh_buf *ret)
{
    sh_err err = sh_buf_append_text(ret, "\"");
    for (size_t at = 0, bytes; err == SH_OK && at < value.len; at += bytes) {
        sh_slice text = escape_next((sh_slice){value.data + at, value.len - at}, &bytes);
        err = sh_buf_append(ret, text.data, text.len);
    }
    return err == SH_OK ? sh_buf_append_text(ret, "\"") : err;
}

sh_err sh_metrics_write(sh_metric *const metrics[], size_t count, sh_buf *ret)
{
    sh_err err = SH_OK;
    for (size_t i = 0; err == SH_OK && i < count; i++) {
        const sh_metric *m = metrics[i];
        if (atomic_load_explicit(&m->absent, memory_order_relaxed))
            continue;
        if (i == 0 || strcmp(m->name, metrics[i - 1]->name) != 0)
            err = sh_metric_append_head(m->name, m->type, m->help, ret);
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
