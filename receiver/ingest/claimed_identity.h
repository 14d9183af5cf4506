/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_CLAIMED_IDENTITY_H
#define RECEIVER_CLAIMED_IDENTITY_H

#include "libcommon/base/limits.h"
#include "libcommon/http/http_server.h"

#include <stdbool.h>

/*
 * What an unauthenticated peer claims about itself, for the log only: behind an ingress the
 * connection's address does not identify the node.
 */
#define CLAIMED_IDENTITY_ADDRESS_BYTES 46

/*
 * The name in Sync-Hub-Node, otherwise the one in the body: in an envelope's head, or in the last
 * bytes of NetAlertX's JSON. False if there is no valid node name.
 */
bool claimed_identity_node(const sh_http_exchange *exchange, sh_slice head, sh_slice tail,
                           char ret[static SH_NODE_NAME_MAX + 1]);

/*
 * The last address in X-Forwarded-For, which the nearest proxy added; earlier ones may be forged.
 * False if it is not an address.
 */
bool claimed_identity_address(const sh_http_exchange *exchange,
                              char ret[static CLAIMED_IDENTITY_ADDRESS_BYTES]);

#endif
