/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_HEALTHCHECK_COMMAND_H
#define SH_HEALTHCHECK_COMMAND_H

#include "libcommon/base/error.h"
#include "libcommon/runtime/probe_routes.h"

/* What listens on this machine or in this container. */
typedef struct {
    const char *listen;   /* the value … */
    const char *setting;  /* … of this setting, for messages */
    const char *tls_cert; /* SYNC_tls_cert, or "" */
    const char *path;     /* that is requested … */
    sh_slice begins;      /* … and how our own answer begins */
} sh_health_question;

/* GET /readyz of the program that listens at SYNC_listen. */
#define SH_HEALTH_OF_PROGRAM(listen_, tls_cert_)                                                   \
    ((sh_health_question){(listen_), "SYNC_listen", (tls_cert_), "/readyz", SH_PROBE_READY})

/*
 * Asks it, through the loopback if it listens on all addresses, and never through a proxy: sets
 * no_proxy, so that no other thread may run. With TLS exactly tls_cert is accepted, for any name,
 * as a certificate usually does not contain the loopback's name. SH_E_BUSY: it is not ready, with
 * its reason; SH_E_NETWORK: no answer within SH_HEALTHCHECK_MS, or that of another program;
 * SH_E_CONFIG: port 0, so the port is unknown.
 */
sh_err sh_healthcheck(const sh_health_question *question, sh_error *error);

#endif
