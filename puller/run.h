/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PULLER_RUN_H
#define PULLER_RUN_H

#include "libcommon/config/settings.h"
#include "libcommon/crypto/crypto.h"
#include "libcommon/http/http_client.h"
#include "libcommon/queue/queue.h"
#include "puller/nodes.h"

#include <stdbool.h>
#include <stdint.h>

#define PULLER_PARALLEL_MAX 1024  /* exchanges at once, where so many files may be open */
#define PULLER_RESERVED_FILES 128 /* descriptors for all that is no exchange */

/* What every run needs. Belongs to one thread. */
typedef struct {
    const sh_settings *settings;
    puller_nodes nodes;
    uint8_t passphrase_key[SH_KEY_BYTES];
    uint8_t credential_key[SH_KEY_BYTES]; /* the nodes' own credentials are sealed with it */
    sh_http_client *client;
    size_t parallel_max; /* of its exchanges */
    sh_queue *queue;
    sh_queue_keeps keeps; /* as it was logged last … */
    bool keeps_told;      /* … if it was */
} puller;

/*
 * Asks all nodes in parallel, queues what is new, and logs a line for each that is pulled or failed
 * and one for all. Nodes that another puller has fetched within the last within_ms, or fetches
 * before this run comes to them, are left to it. False where any node failed, or Redis did.
 */
bool puller_run(puller *p, int64_t within_ms);

#endif
