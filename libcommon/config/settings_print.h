/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_SETTINGS_PRINT_H
#define SH_SETTINGS_PRINT_H

#include "libcommon/base/error.h"
#include "libcommon/config/settings.h"

#include <stdio.h>

/*
 * For --check-config: prints `NAME=value (from environment|file|default)` for each setting of a
 * program, secrets as `(hidden)` or `(not set)`. SH_E_IO, SH_E_MEMORY.
 */
sh_err sh_settings_print(const sh_settings *settings, int program, FILE *out);

/* For --help: prints the name, default, description and valid values of each setting of a program.
 */
void sh_settings_help(int program, FILE *out);

#endif
