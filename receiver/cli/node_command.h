/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_NODE_COMMAND_H
#define RECEIVER_NODE_COMMAND_H

#include "libcommon/config/settings.h"

/*
 * `synchub-receiver node add|rotate|revoke`: change the credentials of one node. add and rotate
 * print token and key once, to standard output only; they cannot be printed again. Return the exit
 * code: 1 where the node is not in the state that the command needs.
 */
int node_add(const sh_settings *settings, int argc, char *const argv[]);
int node_rotate(const sh_settings *settings, int argc, char *const argv[]);
int node_revoke(const sh_settings *settings, int argc, char *const argv[]);

#endif
