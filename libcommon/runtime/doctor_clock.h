/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_DOCTOR_CLOCK_H
#define SH_DOCTOR_CLOCK_H

#include "libcommon/runtime/doctor_network.h"

/* Checks of this machine's clock against others, for `doctor`. */

/* Against a peer of the protocol; peer_s is the header Date of its answer, 0: none. */
void sh_doctor_check_clock(sh_doctor_report *report, const sh_doctor_peer *peer, int64_t peer_s,
                           int64_t now_ms);

/*
 * Against a server of the hub, such as "Redis": its_ms is its Unix time, asked for at before_ms of
 * this machine's clock.
 */
void sh_doctor_check_server_clock(sh_doctor_report *report, const char *of, int64_t its_ms,
                                  int64_t before_ms);

#endif
