/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_SERVICE_DESCRIBE_H
#define SH_SERVICE_DESCRIBE_H

#include "libcommon/base/error.h"
#include "libcommon/runtime/service.h"

#include <stdio.h>

/* The options that every program has, for help and manual pages; the last name is NULL. */
typedef struct {
    const char *name;
    const char *help;
} sh_service_option;

extern const sh_service_option sh_service_options[];

/*
 * For --describe: what --help says as one JSON object, from which manual pages, completions and the
 * table of settings are made. common is the subcommand that all programs have. Members: name,
 * version, summary, options (name, help), commands (name, usage, help), settings (name, alias or
 * null, default, help, credential or null, secret, list, values, of numbers min and max) and
 * folder, where the files of settings are. SH_E_IO, SH_E_MEMORY, SH_E_LIMIT.
 */
sh_err sh_service_describe(const sh_service *service, const sh_subcommand *common, FILE *out);

#endif
