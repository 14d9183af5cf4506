/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_CLAIMS_H
#define RECEIVER_CLAIMS_H

#include "libcommon/queue/queue.h"

/* How long a consumer's entries stay its own, and its name in the group. */

/*
 * Renews a consumer's claims to all that it was given, so that no other one takes them over after
 * its claim_idle_ms. For another thread than the one that merges, with a queue of its own.
 */
sh_err queue_claims_renew(sh_queue *queue, const char *consumer, sh_error *error);

/*
 * Gives up a consumer's name where it holds nothing; else lets others take over at once what it
 * holds.
 */
sh_err queue_consumer_end(sh_queue *queue, const char *consumer, sh_error *error);

/* Forgets names of consumers that hold nothing and did nothing for idle_ms. */
sh_err queue_consumers_tidy(sh_queue *queue, int64_t idle_ms, sh_error *error);

#endif
