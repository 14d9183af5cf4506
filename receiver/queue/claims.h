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

/*
 * Shows that this consumer merges, every QUEUE_ACTIVITY_MS. Redis 7.0 does not record reads that
 * return no entries.
 */
#define QUEUE_ACTIVITY_MS 2000
sh_err queue_activity_set(sh_queue *queue, const char *consumer, sh_error *error);

/*
 * The latest activity of any consumer: a text that differs from the one before, and ends with the
 * consumer's name; "" if there is no consumer, or none was active for a minute.
 */
#define QUEUE_ACTIVITY_BYTES 192
sh_err queue_activity_get(sh_queue *queue, char ret[static QUEUE_ACTIVITY_BYTES], sh_error *error);

/*
 * Takes or renews the lease on showing the metrics of nodes, which one receiver has at a time;
 * *holds: this consumer has it, for QUEUE_METRICS_LEASE_MS from the beginning of the call on.
 */
#define QUEUE_METRICS_LEASE_MS 60000
sh_err queue_metrics_lease_take(sh_queue *queue, const char *consumer, bool *holds,
                                sh_error *error);
/* Ends it if this consumer has it. */
sh_err queue_metrics_lease_end(sh_queue *queue, const char *consumer, sh_error *error);

#endif
