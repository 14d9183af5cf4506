/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_SETTINGS_COMMAND_H
#define RECEIVER_SETTINGS_COMMAND_H

#include "libcommon/config/settings.h"

/* The subcommands `settings …`. They return the exit code. */

#define SETTINGS_LIST_USAGE "settings [list] [--json] [--no-pager]"
#define SETTINGS_SET_USAGE "settings set NAME=VALUE [--json]"
#define SETTINGS_UNSET_USAGE "settings unset NAME [--json]"

int settings_list(const sh_settings *settings, int argc, char *const argv[]);
int settings_set(const sh_settings *settings, int argc, char *const argv[]);
int settings_unset(const sh_settings *settings, int argc, char *const argv[]);

#endif
