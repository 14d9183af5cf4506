/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_HEALTHCHECK_COMMAND_H
#define SH_HEALTHCHECK_COMMAND_H

#include "libcommon/base/error.h"

/*
 * Requests GET /readyz from the program that listens at `listen` (SYNC_listen) on this machine or
 * in this container; through the loopback if it listens on all addresses. tls_cert is SYNC_tls_cert
 * or "": with TLS exactly that certificate is accepted, for any name, as a certificate usually does
 * not contain the loopback's name. SH_E_BUSY: it is not ready, with its reason; SH_E_NETWORK: no
 * answer within SH_HEALTHCHECK_MS; SH_E_CONFIG: port 0, so the port is unknown.
 */
sh_err sh_healthcheck(const char *listen, const char *tls_cert, sh_error *error);

#endif
