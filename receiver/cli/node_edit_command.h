/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_NODE_EDIT_COMMAND_H
#define RECEIVER_NODE_EDIT_COMMAND_H

#include "libcommon/config/settings.h"

/*
 * `node show`, and what an operator notes about a node in the database: `node label`, `note`,
 * `expect`, `silent-after`, `ephemeral`, `forget`. Return the exit code.
 */
int node_show(const sh_settings *settings, int argc, char *const argv[]);
int node_label(const sh_settings *settings, int argc, char *const argv[]);
int node_note(const sh_settings *settings, int argc, char *const argv[]);
int node_expect(const sh_settings *settings, int argc, char *const argv[]);
int node_silent_after(const sh_settings *settings, int argc, char *const argv[]);
int node_ephemeral(const sh_settings *settings, int argc, char *const argv[]);
int node_forget(const sh_settings *settings, int argc, char *const argv[]);

#endif
