/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_CLAIM_KEEPER_H
#define RECEIVER_CLAIM_KEEPER_H

#include "libcommon/base/error.h"
#include "libcommon/queue/queue.h"

#include <stdint.h>

/*
 * Renews the claims of this consumer while it merges, with its own thread and connection, so that
 * other receivers take over only the entries of dead receivers, however long an entry takes.
 */
typedef struct claim_keeper claim_keeper;

/* Copies consumer. Renews claims several times per claim_idle_ms. SH_E_MEMORY. */
sh_err claim_keeper_new(const sh_queue_options *redis, const char *consumer, int64_t claim_idle_ms,
                        claim_keeper **ret, sh_error *error);
void claim_keeper_free(claim_keeper *k); /* NULL is accepted; claims expire */

/*
 * Reports that merging makes progress. Call it at least every CLAIM_ACTIVE_MAX_MS: a receiver whose
 * merge hangs loses its claims.
 */
#define CLAIM_ACTIVE_MAX_MS 120000
void claim_keeper_active(claim_keeper *k);

/* Merging waits for an unavailable resource: others may take over this receiver's entries. */
void claim_keeper_waits(claim_keeper *k);

#endif
