/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_CLAIMED_H
#define RECEIVER_CLAIMED_H

#include "libcommon/base/limits.h"
#include "libcommon/http/http_server.h"

#include <stdbool.h>

/*
 * What a peer says about itself before anything proves it, for the log alone: behind an ingress the
 * address of the connection tells nobody which node it is.
 */
#define CLAIMED_ADDRESS_BYTES 46

/*
 * The name in Sync-Hub-Node, else the one in the body: in an envelope's head, or in the last bytes
 * of NetAlertX's JSON. False where there is none that a node may have.
 */
bool claimed_node(const sh_http_exchange *exchange, sh_slice head, sh_slice tail,
                  char ret[static SH_NODE_NAME_MAX + 1]);

/*
 * The last address in X-Forwarded-For, which the nearest proxy added; what stands before it is
 * anybody's. False where it is no address.
 */
bool claimed_address(const sh_http_exchange *exchange, char ret[static CLAIMED_ADDRESS_BYTES]);

#endif
