/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_PROBE_ROUTES_H
#define SH_PROBE_ROUTES_H

#include "libcommon/base/buffer.h"
#include "libcommon/http/http_server.h"

#include <stdbool.h>

/*
 * The routes of every program on SYNC_listen: GET /livez, GET /readyz and GET /metrics; and the log
 * lines about its HTTP server.
 */
typedef struct {
    void *context;
    /* Whether the program can do its work now; otherwise appends why not to *reason. May block. */
    bool (*is_ready)(void *context, sh_buf *reason);
    /* Appends the program's own metrics. May block. SH_E_LIMIT, SH_E_MEMORY. */
    sh_err (*write_metrics)(void *context, sh_buf *ret);
    /*
     * Returns further metrics, which scrapes share, for the caller to unreference; NULL: none. May
     * block. May be NULL.
     */
    sh_shared_text *(*get_shared_metrics)(void *context);
} sh_probes;

#define SH_PROBE_ROUTES 3
#define SH_PROBE_READY SH_SLICE("ready\n") /* the answer of /readyz */

/* Fills in the routes; probes must outlive the server. */
void sh_probes_routes(sh_probes *probes, sh_http_route ret[static SH_PROBE_ROUTES]);

/* Logs an event about a peer. Thread-safe. */
void sh_probes_log_event(const sh_http_event *event);

/* Sets the metric of the listener's certificate: when it ends, Unix time in ms. Thread-safe. */
void sh_probes_set_certificate_end(int64_t end_ms);

/* Logs that the certificate was reloaded, or why not. */
void sh_probes_log_certificate(sh_err err, const char *message);

#endif
