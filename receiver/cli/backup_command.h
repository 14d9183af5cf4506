/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_BACKUP_COMMAND_H
#define RECEIVER_BACKUP_COMMAND_H

#include "libcommon/config/settings.h"

/* The subcommands `backup` and `restore`. Return the exit code. */

#define BACKUP_USAGE "backup FILE|- [--force]"
#define RESTORE_USAGE "restore FILE|- [--force]"

int backup_command(const sh_settings *settings, int argc, char *const argv[]);
int restore_command(const sh_settings *settings, int argc, char *const argv[]);

#endif
