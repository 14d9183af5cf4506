/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_NODE_ARGUMENTS_H
#define RECEIVER_NODE_ARGUMENTS_H

#include "receiver/operate/node_change.h"

/* The arguments of `node add`, `rotate`, `revoke` and `forget`. */

typedef struct {
    const char *usage;
    bool adds;      /* NAME… and --file, --netalertx, --ephemeral, --grace */
    bool rotates;   /* --grace, and --for of earlier versions */
    int64_t old_ms; /* without --grace */
} node_arguments_kind;

typedef struct {
    node_change_options options;
    sh_buf file;  /* the names of --file, each ended by NUL */
    char **names; /* borrowed from argv or file; valid and all different */
    size_t count;
} node_arguments;

/* SH_E_CONFIG, SH_E_MEMORY. Release with node_arguments_reset() in every case. */
sh_err node_arguments_read(const node_arguments_kind *kind, int argc, char *const argv[],
                           node_arguments *ret, sh_error *error);
void node_arguments_reset(node_arguments *arguments);

#endif
