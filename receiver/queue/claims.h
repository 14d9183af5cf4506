/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_CLAIMS_H
#define RECEIVER_CLAIMS_H

#include "libcommon/queue/queue.h"

/* Claims of consumers: how long entries stay assigned to one, and its name in the group. */

/*
 * Renews a consumer's claims on all its pending entries, so that no other consumer takes them over
 * after claim_idle_ms. Call it from a thread beside the merge thread, with a queue object of its
 * own.
 */
sh_err queue_claims_renew(sh_queue *queue, const char *consumer, sh_error *error);

/*
 * Deletes a consumer without pending entries; otherwise lets other consumers take over its entries
 * at once.
 */
sh_err queue_consumer_end(sh_queue *queue, const char *consumer, sh_error *error);

/* Deletes consumers that have no pending entries and were idle for idle_ms. */
sh_err queue_consumers_delete_idle(sh_queue *queue, int64_t idle_ms, sh_error *error);

#endif
