/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_SETTINGS_PRINT_H
#define SH_SETTINGS_PRINT_H

#include "libcommon/base/error.h"
#include "libcommon/config/settings.h"

#include <stdio.h>

/*
 * For `--check-config`: a line `NAME=value (from environment|file|default)` for each setting that
 * `who` reads, secrets as `(hidden)` or `(not set)`. SH_E_IO.
 */
sh_err sh_settings_print(const sh_settings *settings, int who, FILE *out);

/* For `--help`: name, default, one line of meaning and the values of each setting that `who` reads.
 */
void sh_settings_help(int who, FILE *out);

#endif
