/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PUSHER_DOCTOR_H
#define PUSHER_DOCTOR_H

#include "libcommon/config/settings.h"
#include "libcommon/runtime/doctor_report.h"
#include "pusher/heartbeat.h"

/* `synchub-pusher doctor`: checks what a node needs, beside a running pusher. */
int doctor_command(const sh_settings *settings, int argc, char *const argv[]);

/*
 * Adds the results of the checks at the hub: reachable, token, node name, clock, key, size of the
 * largest push, push_bytes. Sends a heartbeat with the contact's problems, and envelopes that the
 * hub refuses, but sends no data.
 */
void doctor_check_hub(sh_doctor_report *report, const sh_settings *settings, heartbeat *c,
                      size_t push_bytes);

#endif
