/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_THROTTLE_H
#define RECEIVER_THROTTLE_H

#include "libcommon/base/error.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * Limits how many invalid NetAlertX payloads a peer can try: for each pair of peer and claimed
 * node, and for each peer under all names that are unknown to this hub. A peer is an IPv4 address
 * or the /64 network of an IPv6 address. Memory is fixed; thread-safe.
 *
 * Each count decreases by one per interval; a peer whose count is at its limit waits until then.
 */
typedef struct throttle throttle;

#define THROTTLE_NODE_MAX 10        /* invalid payloads of a peer as one node … */
#define THROTTLE_NODE_INTERVAL_S 60 /* … and then one in this time */
#define THROTTLE_PEER_MAX 60        /* of a peer with unknown names … */
#define THROTTLE_PEER_INTERVAL_S 10 /* … and then one in this time */

sh_err throttle_new(throttle **ret, sh_error *error);
void throttle_free(throttle *t); /* NULL is accepted */

/* Seconds until the peer may send another payload as node; 0: now. now_ms is monotonic. */
int64_t throttle_wait_s(throttle *t, const char *peer, const char *node, bool known,
                        int64_t now_ms);
/* Counts an invalid payload. True if the peer must wait from now on. */
bool throttle_count(throttle *t, const char *peer, const char *node, bool known, int64_t now_ms);

#endif
