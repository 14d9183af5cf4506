/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_DEVICE_COMMAND_H
#define RECEIVER_DEVICE_COMMAND_H

#include "libcommon/config/settings.h"

#include <stdio.h>

/*
 * `synchub-receiver device show MAC [--json]`: shows one device and every node that sees it.
 * Read-only. Returns the exit code, 1 if the device does not exist.
 */
int device_command(const sh_settings *settings, int argc, char *const argv[]);

/* The same with other files than standard output and standard error. */
int device_show_to(const sh_settings *settings, int argc, char *const argv[], FILE *out, FILE *err);

#endif
