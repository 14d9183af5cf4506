/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_COMMAND_LINE_H
#define SH_COMMAND_LINE_H

#include "libcommon/runtime/service.h"

#include <stdbool.h>

/* A parsed command line; strings are borrowed from argv. */
typedef struct {
    bool help, version, describe, check_config, once;
    const sh_subcommand *subcommand;
    const char *group; /* the first word of some subcommands, without a second one */
    int rest_count;    /* arguments after the subcommand's name */
    char *const *rest;
} sh_command_line;

/*
 * Parses a command line into *ret, which the caller has zeroed. `common` is the subcommand that
 * every program has. Reports unknown words on standard error and returns false.
 */
bool sh_command_line_read(const sh_service *service, const sh_subcommand *common, int argc,
                          char *const argv[], sh_command_line *ret);

#endif
