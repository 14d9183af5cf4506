/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_QUEUE_DIGESTS_H
#define RECEIVER_QUEUE_DIGESTS_H

#include "libcommon/queue/queue.h"

/* What is published of each node's last merged table, for those who queue to read. */

typedef struct {
    char node[SH_NODE_NAME_MAX + 1];
    uint8_t digest[SH_DIGEST_BYTES];
    int64_t merged_ms;
} queue_digest;

#define QUEUE_DIGESTS_MAX 256 /* of one call */

/* Publishes what was committed of nodes' tables; count is 1 to QUEUE_DIGESTS_MAX. */
sh_err queue_digests_set(sh_queue *queue, const queue_digest digests[], size_t count,
                         sh_error *error);
/* Forgets all of it: merge does so before it publishes anew what its database holds. */
sh_err queue_digests_clear(sh_queue *queue, sh_error *error);

/* The text that stands for one in Redis: `<hex> <ms>`. */
#define QUEUE_DIGEST_VALUE_BYTES (SH_DIGEST_HEX_BYTES + 24)
void queue_digest_write(const uint8_t digest[static SH_DIGEST_BYTES], int64_t merged_ms,
                        char ret[static QUEUE_DIGEST_VALUE_BYTES]);

#endif
