/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_LISTENER_H
#define SH_LISTENER_H

#include "libcommon/base/error.h"
#include "libcommon/config/settings.h"
#include "libcommon/http/http_server.h"
#include "libcommon/runtime/probe_routes.h"

#include <stdbool.h>

/*
 * The HTTP server configured by SYNC_listen, SYNC_tls_cert and SYNC_tls_key, with a thread that
 * ends connections over their time limit, and reloads certificate and key after SIGHUP and when the
 * files change.
 */
typedef struct sh_listener sh_listener;

#define SH_LISTENER_ROUTES_MAX 4

typedef struct {
    /*
     * Routes in addition to the probes, at most SH_LISTENER_ROUTES_MAX; terminated as for
     * sh_http_server_start(); NULL: none.
     */
    const sh_http_route *routes;
    void *context; /* of the routes */
    sh_probes probes;
    size_t connections_max;
    /*
     * NULL, or the address of a second listener and the setting it comes from. It has no probes and
     * leaves SIGHUP and the watchdog to the first one.
     */
    const char *listen, *listen_setting;
    /* As of sh_http_server_options; NULL: as for nodes. */
    void (*refuse)(sh_http_exchange *exchange, unsigned status, const char *message);
} sh_listener_options;

/* SH_E_CONFIG, SH_E_IO, SH_E_MEMORY. The settings must outlive the listener. */
sh_err sh_listener_start(const sh_settings *settings, const sh_listener_options *options,
                         sh_listener **ret, sh_error *error);

/* Its address, for the log: `127.0.0.1:20212`, `[::1]:20212 with TLS`. */
const char *sh_listener_address(const sh_listener *listener);

uint16_t sh_listener_port(const sh_listener *listener);
bool sh_listener_has_tls(const sh_listener *listener);

/* Whether it accepts tokens over plain HTTP from other machines. */
bool sh_listener_is_in_clear(const sh_listener *listener);

/* As sh_http_server_stop(). NULL is accepted. */
void sh_listener_stop(sh_listener *listener, int64_t grace_ms);

#endif
