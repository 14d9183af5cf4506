/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/runtime/doctor_clock.h"

#include "libcommon/base/clock.h"
#include "libcommon/base/limits.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define CLOCK_OK_S 60
#define CLOCK_DIFFERENCE_MS 5000 /* a network's delay is far below */

void sh_doctor_check_clock(sh_doctor_report *report, const sh_doctor_peer *peer, int64_t peer_s,
                           int64_t now_ms)
{
    int64_t ahead_s = now_ms / 1000 - peer_s;
    char remedy[256];
    if (peer_s == 0) {
        sh_doctor_add_format(report, SH_CHECK_SKIPPED, "clock", NULL, "the %s sent no time",
                             peer->peer);
        return;
    }
    if (llabs(ahead_s) <= CLOCK_OK_S) {
        sh_doctor_add_format(report, SH_CHECK_OK, "clock", NULL, "that of the %s, to %lld s",
                             peer->peer, llabs(ahead_s));
        return;
    }
    (void)snprintf(remedy, sizeof remedy, "set the clocks of this machine and of the %s (NTP)",
                   peer->peer);
    sh_doctor_add_format(
        report, llabs(ahead_s) > SH_CLOCK_SKEW_MAX_S ? SH_CHECK_FAILED : SH_CHECK_WARNING, "clock",
        remedy, "%lld s %s that of the %s; more than %d s are refused", llabs(ahead_s),
        ahead_s > 0 ? "ahead of" : "behind", peer->peer, SH_CLOCK_SKEW_MAX_S);
}

void sh_doctor_check_server_clock(sh_doctor_report *report, const char *of, int64_t its_ms,
                                  int64_t before_ms)
{
    int64_t now_ms = sh_clock_unix_ms();
    int64_t ahead_ms = its_ms > now_ms ? its_ms - now_ms : 0;
    int64_t behind_ms = its_ms < before_ms ? before_ms - its_ms : 0;
    bool same = ahead_ms < CLOCK_DIFFERENCE_MS && behind_ms < CLOCK_DIFFERENCE_MS;
    sh_doctor_add_format(report, same ? SH_CHECK_OK : SH_CHECK_WARNING, "clock",
                         same ? NULL : "synchronize both hosts with the same time server (NTP)",
                         "the clock of %s %s%" PRId64 " s", of,
                         same            ? "and this host's differ by less than "
                         : ahead_ms != 0 ? "is ahead of this host's by "
                                         : "is behind this host's by ",
                         same ? (int64_t)CLOCK_DIFFERENCE_MS / 1000
                              : (ahead_ms + behind_ms) / 1000);
}
