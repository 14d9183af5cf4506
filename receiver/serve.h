/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_SERVE_H
#define RECEIVER_SERVE_H

#include "libcommon/base/error.h"
#include "libcommon/config/settings.h"
#include "libcommon/http/http_server.h"
#include "receiver/hub/keys.h"

typedef struct serve serve;

/*
 * Listens on SYNC_listen: POST /sync where this receiver ingests, and /livez, /readyz, /metrics
 * always. SH_E_IO, SH_E_CONFIG, SH_E_MEMORY.
 */
sh_err serve_start(const sh_settings *settings, const hub_keys *keys, serve **ret, sh_error *error);
/* Takes nothing new, lets exchanges in hand end, stops. NULL is accepted. */
void serve_stop(serve *s);

#endif
