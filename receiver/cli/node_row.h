/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_NODE_ROW_H
#define RECEIVER_NODE_ROW_H

#include "libcommon/queue/queue.h"
#include "receiver/store/node_state.h"
#include "receiver/store/store.h"

/* What node_overview.h reads. */

typedef struct {
    store_node merged; /* merged_ms is 0 if nothing was merged yet */
    store_node_info info;
    int64_t queue, dead, present;
    node_credentials credentials;
    int64_t credentials_ms;
    char refused_from[SH_ADDRESS_MAX + 1];
    int64_t refused_ms;
    const char *lookalike; /* the name of another node of the overview, or NULL */
} node_row;

typedef struct {
    node_row *rows; /* sorted by name after node_overview_read() */
    size_t count, capacity;
    uint32_t *index; /* by hash of the name: position in rows plus one; 0: free */
    size_t index_size;
    uint8_t hash_key[SH_SHORT_KEY_BYTES];
    bool has_redis; /* Redis answered; else away says why */
    sh_error away;
    sh_queue_depth depth;
    int64_t now_ms;
} node_overview;

#endif
