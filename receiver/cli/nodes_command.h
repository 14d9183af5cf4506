/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_NODES_COMMAND_H
#define RECEIVER_NODES_COMMAND_H

#define NODES_USAGE                                                                                \
    "nodes [--problems] [--state STATE] [--label KEY[=VALUE]] [--sort COLUMN] [--json]"            \
    " [--no-pager]"

#include "libcommon/config/settings.h"

#include <stdio.h>

/*
 * `synchub-receiver nodes [--json]`: what each node sent and what was inserted, from the database;
 * last contacts and waiting entries, from Redis. Without Redis shows the rest and returns 1.
 * Read-only. Returns the exit code.
 */
int nodes_command(const sh_settings *settings, int argc, char *const argv[]);

/* The same with other files instead of standard output and standard error. */
int nodes_command_to(const sh_settings *settings, int argc, char *const argv[], FILE *out,
                     FILE *err);

#endif
