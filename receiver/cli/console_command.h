/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_CONSOLE_COMMAND_H
#define RECEIVER_CONSOLE_COMMAND_H

#include "libcommon/config/settings.h"

/* The subcommands `console link`, `console password` and `console token …`. */

#define CONSOLE_TOKEN_ADD_USAGE "console token add NAME [--read-only]"
#define CONSOLE_TOKEN_LIST_USAGE "console token list [--json]"

int console_link(const sh_settings *settings, int argc, char *const argv[]);
int console_password_command(const sh_settings *settings, int argc, char *const argv[]);
int console_token_add_command(const sh_settings *settings, int argc, char *const argv[]);
int console_token_list_command(const sh_settings *settings, int argc, char *const argv[]);
int console_token_revoke_command(const sh_settings *settings, int argc, char *const argv[]);

#endif
