/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_BLOCKLIST_COMMAND_H
#define RECEIVER_BLOCKLIST_COMMAND_H

#include "libcommon/config/settings.h"

/*
 * `synchub-receiver blocklist list|add|remove`: the devices that are never inserted. A change is in
 * effect, in all receivers that merge, when the command ends. Return the exit code.
 */
int blocklist_list(const sh_settings *settings, int argc, char *const argv[]);
int blocklist_add(const sh_settings *settings, int argc, char *const argv[]);
int blocklist_remove(const sh_settings *settings, int argc, char *const argv[]);

#define BLOCKLIST_LIST_USAGE "blocklist list [--json] [--no-pager]"
#define BLOCKLIST_ADD_USAGE "blocklist add MAC... [--note TEXT]"
#define BLOCKLIST_REMOVE_USAGE "blocklist remove MAC..."

#endif
