/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_PROBES_H
#define SH_PROBES_H

#include "libcommon/base/buffer.h"
#include "libcommon/http/http_server.h"

#include <stdbool.h>

/*
 * What every program answers on SYNC_listen besides its own routes: GET /livez, GET /readyz and
 * GET /metrics; and what it logs of its HTTP server.
 */
typedef struct {
    void *context;
    /* Whether the program can do its work now; else why not is added to *reason. May wait. */
    bool (*is_ready)(void *context, sh_buf *reason);
    /* Adds the program's own metrics. May wait. SH_E_LIMIT, SH_E_MEMORY. */
    sh_err (*write_metrics)(void *context, sh_buf *ret);
} sh_probes;

#define SH_PROBE_ROUTES 3

/* Fills in the routes; probes must outlive the server. */
void sh_probes_routes(sh_probes *probes, sh_http_route ret[static SH_PROBE_ROUTES]);

/* Logs what the server saw of a peer. Thread-safe. */
void sh_probes_log_event(const sh_http_event *event);

/* Logs that the certificate was read again, or why not. */
void sh_probes_log_certificate(sh_err err, const char *words);

#endif
