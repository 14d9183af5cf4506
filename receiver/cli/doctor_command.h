/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_DOCTOR_COMMAND_H
#define RECEIVER_DOCTOR_COMMAND_H

#include "libcommon/config/settings.h"

#define DOCTOR_USAGE "doctor [--json]"

/* The subcommand `doctor`. Returns the exit code: 3 if there are findings. Changes nothing. */
int doctor_command(const sh_settings *settings, int argc, char *const argv[]);

#endif
