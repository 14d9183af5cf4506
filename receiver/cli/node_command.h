/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_NODE_COMMAND_H
#define RECEIVER_NODE_COMMAND_H

#include "libcommon/config/settings.h"

/*
 * `synchub-receiver node add|rotate|revoke`: change the credentials of one node. add and rotate
 * print token and key to standard output once; they cannot be shown again. Return the exit code: 1
 * if the node's state does not allow the command.
 */
int node_add(const sh_settings *settings, int argc, char *const argv[]);
int node_rotate(const sh_settings *settings, int argc, char *const argv[]);
int node_revoke(const sh_settings *settings, int argc, char *const argv[]);

#endif
