/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_DEVICES_COMMAND_H
#define RECEIVER_DEVICES_COMMAND_H

#include "libcommon/config/settings.h"

#include <stdio.h>

/*
 * `synchub-receiver devices` (arguments: devices_options.h): the merged table as text, as CSV, or
 * in the format of table_devices.json, so that a pusher can send it to another hub. Reads only the
 * database, and writes each row at once. Returns the exit code.
 */
int devices_command(const sh_settings *settings, int argc, char *const argv[]);

/* The same with other files instead of standard output and standard error. */
int devices_command_to(const sh_settings *settings, int argc, char *const argv[], FILE *out,
                       FILE *err);

#endif
