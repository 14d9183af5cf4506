/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_COMMAND_HELP_H
#define SH_COMMAND_HELP_H

#include "libcommon/runtime/service.h"

#include <stdbool.h>
#include <stdio.h>

/*
 * Help on a program's command line. `common` is the subcommand that every program has. A group is
 * the first word of subcommands of two words: `node` of `node add`.
 */

void sh_help_usage(const sh_service *service, const sh_subcommand *common, FILE *out);
/* The program's help: options, subcommands, settings with their values. */
void sh_help_program(const sh_service *service, const sh_subcommand *common, FILE *out);
void sh_help_subcommand(const sh_service *service, const sh_subcommand *subcommand, FILE *out);

bool sh_help_is_group(const sh_service *service, const char *word);
/* The subcommands of a group. */
void sh_help_group(const sh_service *service, const char *group, FILE *out);

/*
 * Reports words (at least one) that are neither option nor subcommand, with the one that was
 * probably meant, and prints the usage of the program or group.
 */
void sh_help_unknown(const sh_service *service, const sh_subcommand *common, int argc,
                     char *const argv[], FILE *out);

#endif
