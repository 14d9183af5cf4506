/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_NODE_CREDENTIALS_COMMAND_H
#define RECEIVER_NODE_CREDENTIALS_COMMAND_H

#include "libcommon/config/settings.h"

#define NODE_ADD_USAGE                                                                             \
    "node add NAME... | --file FILE [--netalertx] [--ephemeral] [--grace DURATION]"
#define NODE_ROTATE_USAGE "node rotate NAME [--grace DURATION]"
#define NODE_REVOKE_USAGE "node revoke NAME"

/*
 * `synchub-receiver node add|rotate|revoke`: change the credentials of nodes. add and rotate print
 * tokens and keys to standard output once; they cannot be shown again. Return the exit code: 1 if a
 * node's state does not allow the command, which then changes nothing.
 */
int node_add(const sh_settings *settings, int argc, char *const argv[]);
int node_rotate(const sh_settings *settings, int argc, char *const argv[]);
int node_revoke(const sh_settings *settings, int argc, char *const argv[]);

#endif
