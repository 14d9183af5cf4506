/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_NODE_STATE_REASON_H
#define RECEIVER_NODE_STATE_REASON_H

#include "receiver/store/node_state.h"

#include <stdint.h>

/* The sentence that explains the state of a node and says what to do. Pure. */

#define NODE_REASON_BYTES 800
/* Writes the reason of its state with a remedy, or else the first of its other problems. */
void node_reason_write(const node_facts *facts, int64_t now_ms, char ret[static NODE_REASON_BYTES]);

/* `5m`, `1h 30m`, `2d` */
#define NODE_DURATION_BYTES 48
void node_duration_write(int64_t ms, char ret[static NODE_DURATION_BYTES]);

#endif
