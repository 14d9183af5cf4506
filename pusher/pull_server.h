/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PUSHER_PULL_SERVER_H
#define PUSHER_PULL_SERVER_H

#include "libcommon/base/error.h"
#include "libcommon/config/settings.h"
#include "libcommon/native/envelope.h"

/*
 * GET /sync for hubs that pull this node (PROTOCOL.md, section 4; NetAlertX's format unless the
 * request asks for an envelope), and /livez, /readyz, /metrics.
 */
typedef struct serve serve;

/*
 * Listens on SYNC_listen and logs the address. Borrows settings and key. SH_E_IO, SH_E_CONFIG,
 * SH_E_MEMORY.
 */
sh_err serve_start(const sh_settings *settings, const sh_node_key *key, serve **ret,
                   sh_error *error);

/* Lets running exchanges end for a few seconds, and frees. NULL is accepted. */
void serve_stop(serve *s);

#endif
