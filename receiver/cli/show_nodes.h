/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_SHOW_NODES_H
#define RECEIVER_SHOW_NODES_H

#include "libcommon/config/settings.h"

#include <stdio.h>

/*
 * `synchub-receiver nodes [--json]`: what each node sent and what became of it. The figures are the
 * database's, the last contact and what waits are Redis's; where Redis is away the rest is shown
 * all the same, and the exit code is 1. Reads only.
 */
int show_nodes(const sh_settings *settings, int argc, char *const argv[]);

/* The same, to other files than standard output and standard error. */
int show_nodes_to(const sh_settings *settings, int argc, char *const argv[], FILE *out, FILE *err);

#endif
