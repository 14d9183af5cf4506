/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/runtime/probes.h"

#include "libcommon/base/metrics.h"
#include "libcommon/runtime/log.h"

void sh_service_on_http_event(const sh_http_event *event)
{
    /* A separate call for each kind: a flood of one does not hide another's first line. */
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

void sh_service_on_certificate(sh_err err, const char *words)
{
    sh_log(err == SH_OK ? SH_LOG_INFO : SH_LOG_ERROR, "%s", words);
}

sh_err sh_service_metrics(sh_buf *ret)
{
    static sh_metric lost = {.name = "synchub_log_lines_lost_total",
                             .help = "Log lines lost because standard error was not read.",
                             .type = "counter"};
    static sh_metric held = {.name = "synchub_log_lines_repeated_total",
                             .help = "Log lines that repeated others and were summed up.",
                             .type = "counter"};
    static sh_metric *const log_metrics[] = {&lost, &held};
    sh_metric_set(&lost, (int64_t)sh_log_lines_lost());
    sh_metric_set(&held, (int64_t)sh_log_lines_held());
    sh_err err = sh_http_server_metrics(ret);
    return err == SH_OK ? sh_metrics_write(log_metrics, 2, ret) : err;
}
