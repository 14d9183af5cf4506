/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_CLAIM_KEEPER_H
#define RECEIVER_CLAIM_KEEPER_H

#include "libcommon/base/error.h"
#include "libcommon/queue/queue.h"

#include <stdint.h>

/*
 * Renews the claims of this consumer while it merges, from a thread and a connection of its own, so
 * that another receiver takes over the entries of a dead receiver alone, however long an entry
 * takes.
 */
typedef struct claim_keeper claim_keeper;

/* consumer is copied. Claims are renewed several times in claim_idle_ms. SH_E_MEMORY. */
sh_err claim_keeper_new(const sh_queue_options *redis, const char *consumer, int64_t claim_idle_ms,
                        claim_keeper **ret, sh_error *error);
void claim_keeper_free(claim_keeper *k); /* NULL is accepted; lets claims run out */

/*
 * Merging goes on: to be called again at least every CLAIM_ACTIVE_MAX_MS, so that a receiver whose
 * merge hangs loses its claims.
 */
#define CLAIM_ACTIVE_MAX_MS 120000
void claim_keeper_active(claim_keeper *k);

/* Merging waits for something that it lacks: others may take over what this receiver holds. */
void claim_keeper_waits(claim_keeper *k);

#endif
