/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_QUEUE_DIGESTS_H
#define RECEIVER_QUEUE_DIGESTS_H

#include "libcommon/queue/queue.h"

/* The published digest of each node's last merged table, which ingest and puller read. */

typedef struct {
    char node[SH_NODE_NAME_MAX + 1];
    uint8_t digest[SH_DIGEST_BYTES];
    int64_t merged_ms;
} queue_digest;

#define QUEUE_DIGESTS_MAX 256 /* in one call */

/*
 * Publishes digests of committed tables, except of nodes with a table in the queue, or of which a
 * later table was merged meanwhile; count is 1 to QUEUE_DIGESTS_MAX.
 */
sh_err queue_digests_publish(sh_queue *queue, const queue_digest digests[], size_t count,
                             sh_error *error);
/*
 * Deletes all digests: merge does so before it publishes those in its database again. Keeps that a
 * node has a table in the queue.
 */
sh_err queue_digests_clear(sh_queue *queue, sh_error *error);

/* The value in Redis: `<hex> <ms>` (PROTOCOL.md, section 5). */
#define QUEUE_DIGEST_VALUE_BYTES (SH_DIGEST_HEX_BYTES + 24)
void queue_digest_write(const uint8_t digest[static SH_DIGEST_BYTES], int64_t merged_ms,
                        char ret[static QUEUE_DIGEST_VALUE_BYTES]);

#endif
