/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_AUTH_FAILURES_COMMAND_H
#define RECEIVER_AUTH_FAILURES_COMMAND_H

#include "libcommon/config/settings.h"

#define AUTH_FAILURES_USAGE "auth-failures [clear | --json] [--no-pager]"

/* `auth-failures [clear] [--json]`: requests without valid credentials. Returns the exit code. */
int auth_failures_command(const sh_settings *settings, int argc, char *const argv[]);

#endif
