/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_SERVE_H
#define RECEIVER_SERVE_H

#include "libcommon/base/error.h"
#include "libcommon/config/settings.h"
#include "libcommon/http/http_server.h"
#include "receiver/hub/hub_secrets.h"
#include "receiver/merge/node_metrics_reader.h"

typedef struct serve serve;

/*
 * Listens on SYNC_listen: POST /sync if this receiver ingests, and always /livez, /readyz,
 * /metrics, with those of nodes unless nodes is NULL. Borrows settings, keys and nodes. SH_E_IO,
 * SH_E_CONFIG, SH_E_MEMORY.
 */
sh_err serve_start(const sh_settings *settings, const hub_secrets *keys, node_metrics *nodes,
                   serve **ret, sh_error *error);
/* Stops accepting, lets running exchanges end, and frees. NULL is accepted. */
void serve_stop(serve *s);

#endif
