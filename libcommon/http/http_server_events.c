/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/http/http_server_events.h"

#include "libcommon/base/metrics.h"

static sh_metric counters[] = {
    [SH_HTTP_EVENT_NONE] = {.name = "synchub_http_connections_total",
                            .help = "Connections accepted.",
                            .type = "counter"},
    [SH_HTTP_EVENT_ADDRESS_LIMIT] = {.name = "synchub_http_connections_over_limit_total",
                                     .labels = "limit=\"address\"",
                                     .help = "Connections over a limit: another one was closed in "
                                             "their favour, or they were refused.",
                                     .type = "counter"},
    [SH_HTTP_EVENT_TOTAL_LIMIT] = {.name = "synchub_http_connections_over_limit_total",
                                   .labels = "limit=\"total\"",
                                   .type = "counter"},
    [SH_HTTP_EVENT_NO_FILES] = {.name = "synchub_http_connections_over_limit_total",
                                .labels = "limit=\"files\"",
                                .type = "counter"},
    [SH_HTTP_EVENT_TLS_TO_PLAIN] = {.name = "synchub_http_wrong_protocol_total",
                                    .labels = "sent=\"tls\"",
                                    .help = "Connections with TLS to a plain port, or the reverse.",
                                    .type = "counter"},
    [SH_HTTP_EVENT_PLAIN_TO_TLS] = {.name = "synchub_http_wrong_protocol_total",
                                    .labels = "sent=\"http\"",
                                    .type = "counter"},
    [SH_HTTP_EVENT_AMBIGUOUS] = {.name = "synchub_http_ambiguous_requests_total",
                                 .help =
                                     "Requests refused because parsers interpret them differently.",
                                 .type = "counter"},
};

sh_err sh_http_server_metrics(sh_buf *ret)
{
    static sh_metric *const all[] = {
        &counters[SH_HTTP_EVENT_NONE],         &counters[SH_HTTP_EVENT_ADDRESS_LIMIT],
        &counters[SH_HTTP_EVENT_TOTAL_LIMIT],  &counters[SH_HTTP_EVENT_NO_FILES],
        &counters[SH_HTTP_EVENT_TLS_TO_PLAIN], &counters[SH_HTTP_EVENT_PLAIN_TO_TLS],
        &counters[SH_HTTP_EVENT_AMBIGUOUS],
    };
    return sh_metrics_write(all, sizeof all / sizeof all[0], ret);
}

void sh_http_report(sh_http_server *server, const sh_http_event *event)
{
    sh_metric_add(&counters[event->kind], 1);
    if (event->kind != SH_HTTP_EVENT_NONE && server->on_event != NULL)
        server->on_event(event);
}
