/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_NODE_TRANSFER_COMMAND_H
#define RECEIVER_NODE_TRANSFER_COMMAND_H

#include "libcommon/config/settings.h"

#define NODE_EXPORT_USAGE "node export"
#define NODE_IMPORT_USAGE "node import FILE [--replace]"

/*
 * `synchub-receiver node export|import`: all credentials as they are stored, which only a hub with
 * the same SYNC_encryption_key can open. Return the exit code.
 */
int node_export(const sh_settings *settings, int argc, char *const argv[]);
int node_import(const sh_settings *settings, int argc, char *const argv[]);

#endif
