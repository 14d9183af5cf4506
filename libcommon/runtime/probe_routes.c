/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/runtime/probe_routes.h"

#include "libcommon/base/cleanup.h"
#include "libcommon/base/limits.h"
#include "libcommon/base/metrics.h"
#include "libcommon/native/error_code.h"
#include "libcommon/runtime/log.h"

#define METRICS_BYTES_MAX (64 * SH_KIB)
#define REASON_BYTES_MAX (4 * SH_KIB)
#define TEXT_TYPE "text/plain; charset=utf-8"
#define METRICS_TYPE "text/plain; version=0.0.4; charset=utf-8"

void sh_probes_log_event(const sh_http_event *event)
{
    /* A separate log call for each kind, so that a flood of one kind does not suppress others. */
    const sh_log_field *fields = SH_LOG_FIELDS(SH_LOG_PEER(event->peer));
    switch (event->kind) {
    case SH_HTTP_EVENT_NONE:
        break;
    case SH_HTTP_EVENT_ADDRESS_LIMIT:
        sh_log_event(SH_LOG_WARNING, fields, "%s", event->message);
        break;
    case SH_HTTP_EVENT_TOTAL_LIMIT:
        sh_log_event(SH_LOG_WARNING, fields, "%s", event->message);
        break;
    case SH_HTTP_EVENT_NO_FILES:
        sh_log_event(SH_LOG_ERROR, fields, "%s", event->message);
        break;
    case SH_HTTP_EVENT_TLS_TO_PLAIN:
        sh_log_event(SH_LOG_WARNING, fields, "%s", event->message);
        break;
    case SH_HTTP_EVENT_PLAIN_TO_TLS:
        sh_log_event(SH_LOG_WARNING, fields, "%s", event->message);
        break;
    case SH_HTTP_EVENT_AMBIGUOUS:
        sh_log_event(SH_LOG_WARNING, fields, "refused a request with 400: %s", event->message);
        break;
    }
}

void sh_probes_log_certificate(sh_err err, const char *message)
{
    sh_log(err == SH_OK ? SH_LOG_INFO : SH_LOG_ERROR, "%s", message);
}

static sh_metric certificate_end = {.name = "synchub_tls_certificate_not_after_timestamp_seconds",
                                    .help = "When the listener's certificate ends (Unix time).",
                                    .type = "gauge",
                                    .absent = true};

void sh_probes_set_certificate_end(int64_t end_ms)
{
    sh_metric_set(&certificate_end, end_ms / 1000);
}

/* The metrics of HTTP server, certificate and log, which are common to all programs. */
static sh_err write_common_metrics(sh_buf *ret)
{
    static sh_metric lost = {.name = "synchub_log_lines_lost_total",
                             .help = "Log lines lost because standard error was not read.",
                             .type = "counter"};
    static sh_metric held = {.name = "synchub_log_lines_repeated_total",
                             .help = "Log lines that repeated others and were summarized.",
                             .type = "counter"};
    static sh_metric *const metrics[] = {&certificate_end, &lost, &held};
    sh_metric_set(&lost, (int64_t)sh_log_lines_lost());
    sh_metric_set(&held, (int64_t)sh_log_lines_held());
    sh_err err = sh_http_server_metrics(ret);
    return err == SH_OK ? sh_metrics_write(metrics, 3, ret) : err;
}

static void handle_livez(void *context, sh_http_exchange *exchange)
{
    (void)context;
    sh_http_reply(exchange, 200, TEXT_TYPE, SH_SLICE("alive\n"));
}

static void handle_readyz(void *context, sh_http_exchange *exchange)
{
    const sh_probes *probes = context;
    SH_CLEANUP(sh_buf_reset) sh_buf reason = SH_BUF_INIT(REASON_BYTES_MAX);
    if (probes->is_ready(probes->context, &reason))
        sh_http_reply(exchange, 200, TEXT_TYPE, SH_PROBE_READY);
    else
        sh_http_reply_error(exchange, 503, sh_error_code_text(SH_CODE_NOT_READY), "Not ready",
                            reason.data == NULL ? "" : reason.data);
}

static void handle_metrics(void *context, sh_http_exchange *exchange)
{
    const sh_probes *probes = context;
    SH_CLEANUP(sh_buf_reset) sh_buf text = SH_BUF_INIT(METRICS_BYTES_MAX);
    SH_CLEANUP(sh_shared_text_cleanup) sh_shared_text *shared = NULL;
    sh_err err = probes->write_metrics(probes->context, &text);
    if (err == SH_OK)
        err = write_common_metrics(&text);
    if (err == SH_OK && probes->get_shared_metrics != NULL)
        shared = probes->get_shared_metrics(probes->context);
    if (err == SH_OK && shared != NULL)
        sh_http_reply_shared(exchange, 200, METRICS_TYPE, (sh_slice){text.data, text.len}, shared);
    else if (err == SH_OK)
        sh_http_reply(exchange, 200, METRICS_TYPE, (sh_slice){text.data, text.len});
    else
        sh_http_reply_error(exchange, 503, sh_error_code_text(SH_CODE_MEMORY), "Out of memory",
                            "no memory for the metrics");
}

void sh_probes_routes(sh_probes *probes, sh_http_route ret[static SH_PROBE_ROUTES])
{
    static const sh_http_route routes[SH_PROBE_ROUTES] = {
        {.method = "GET", .path = "/livez", .handle = handle_livez},
        {.method = "GET", .path = "/readyz", .handle = handle_readyz, .class = SH_HTTP_NORMAL},
        {.method = "GET", .path = "/metrics", .handle = handle_metrics, .class = SH_HTTP_NORMAL},
    };
    for (size_t i = 0; i < SH_PROBE_ROUTES; i++) {
        ret[i] = routes[i];
        ret[i].probe = true;
        ret[i].context = probes;
    }
}
