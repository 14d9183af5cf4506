/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PULLER_DOCTOR_H
#define PULLER_DOCTOR_H

#include "libcommon/config/settings.h"

/* `synchub-puller doctor`: checks Redis and each node, beside a running puller. Queues nothing. */
int doctor_command(const sh_settings *settings, int argc, char *const argv[]);

#endif
