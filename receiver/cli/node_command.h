/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_NODE_COMMAND_H
#define RECEIVER_NODE_COMMAND_H

#include "libcommon/config/settings.h"

/*
 * `synchub-receiver node …`: credentials of single nodes. add and rotate print a token and a key,
 * once and on standard output alone; nobody can have them printed again. Exit code 1 where the node
 * is not what the command needs.
 */
int node_add(const sh_settings *settings, int argc, char *const argv[]);
int node_list(const sh_settings *settings, int argc, char *const argv[]);
int node_rotate(const sh_settings *settings, int argc, char *const argv[]);
int node_revoke(const sh_settings *settings, int argc, char *const argv[]);

#endif
