/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_DOCTOR_NETWORK_H
#define SH_DOCTOR_NETWORK_H

#include "libcommon/runtime/doctor_report.h"

#include <stdbool.h>
#include <stdint.h>

/* Checks of a peer at a URL, step by step, for `doctor`. */

typedef struct {
    const char *peer;    /* "hub" */
    const char *url;     /* valid, http or https */
    const char *setting; /* that holds it: "SYNC_hub_url" */
    int64_t timeout_ms;  /* to connect to one address */
} sh_doctor_peer;

/*
 * Adds results for encryption, proxy, name resolution and a TCP connection (to the proxy, if there
 * is one). False if no connection is possible.
 */
bool sh_doctor_check_reach(sh_doctor_report *report, const sh_doctor_peer *peer);

/* Adds a result for the peer's certificate; end_s as in sh_http_answer. Only for https. */
void sh_doctor_check_certificate(sh_doctor_report *report, const sh_doctor_peer *peer,
                                 int64_t end_s, int64_t now_ms);

#endif
