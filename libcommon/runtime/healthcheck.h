/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_HEALTHCHECK_H
#define SH_HEALTHCHECK_H

#include "libcommon/base/error.h"

/*
 * Asks the program that listens at `listen` (SYNC_listen) on this machine or in this container
 * whether it is ready: GET /readyz. An address that means all of them is asked at the loopback.
 * tls_cert is SYNC_tls_cert, "" where that is not set: then nothing but that certificate is taken,
 * whatever name it is for, as no name of the outside leads to the loopback.
 * SH_E_BUSY: it answers that it is not ready, and why; SH_E_NETWORK: it does not answer, for
 * SH_HEALTHCHECK_MS at most; SH_E_CONFIG: with port 0 nobody knows where it listens.
 */
sh_err sh_healthcheck(const char *listen, const char *tls_cert, sh_error *error);

#endif
