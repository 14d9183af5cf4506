/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_NODE_CREDENTIALS_LIST_COMMAND_H
#define RECEIVER_NODE_CREDENTIALS_LIST_COMMAND_H

#include "libcommon/config/settings.h"

#define NODE_LIST_USAGE "node list [--json] [--no-pager]"

/* `synchub-receiver node list [--json]`: nodes with credentials of their own. Returns the exit
 * code.
 */
int node_list(const sh_settings *settings, int argc, char *const argv[]);

#endif
