/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_CREDENTIAL_TRANSFER_H
#define RECEIVER_CREDENTIAL_TRANSFER_H

#include "libcommon/base/limits.h"
#include "libcommon/base/text.h"
#include "libcommon/config/settings.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * All nodes' credentials as text, sealed as they are stored: only a hub with the same
 * SYNC_encryption_key can open them. A line `synchub-credentials 1 KEY` with the check value of
 * that key, then a line for each node: its record, a tab, its name.
 */

/* The largest text of SH_NODES_MAX nodes. */
#define CREDENTIAL_TRANSFER_MAX ((size_t)SH_NODES_MAX * (SH_NODE_RECORD_MAX + SH_NODE_NAME_MAX + 2))

/* Called with the text piece by piece. */
typedef sh_err (*credential_write)(void *context, sh_slice text, sh_error *error);

/* Needs the hub's key. Errors of write() and of hub_connections_open_to_read(). */
sh_err credentials_export(const sh_settings *settings, credential_write write, void *context,
                          sh_error *error);

typedef struct {
    sh_slice text;
    const char *source; /* for messages: the file's name, or `the file` */
    bool replaces;      /* records that exist; otherwise they are kept */
} credential_import;

typedef struct {
    size_t imported, kept;
    bool stored; /* also after a failure, if only publishing failed */
} credential_imported;

/*
 * Imports all in one transaction, and publishes them. SH_E_FORMAT: the text is no export, or of a
 * hub with another key; SH_E_LIMIT: too many nodes; nothing is imported then. Errors of
 * hub_connections_open().
 */
sh_err credentials_import(const sh_settings *settings, const credential_import *in,
                          credential_imported *ret, sh_error *error);

#endif
