/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_QUEUE_OUTCOME_H
#define RECEIVER_QUEUE_OUTCOME_H

#include "libcommon/base/limits.h"
#include "libcommon/native/envelope.h"
#include "receiver/queue/queue_reader.h"

/* What becomes of entries that were taken. */

/* An entry whose work is committed. */
typedef struct {
    const queue_entry *entry;
    const char *node;      /* whose table it was, to publish its digest; NULL publishes nothing */
    const uint8_t *digest; /* SH_DIGEST_BYTES */
    int64_t merged_ms;
} queue_done;

/* Acknowledges and deletes count entries and publishes their digests, all in one atomic step. */
sh_err queue_ack(queue_reader *reader, const queue_done done[], size_t count, sh_error *error);

/* Dead letters that were dropped for want of room. */
typedef struct {
    int64_t count;
    char id[QUEUE_ENTRY_ID_BYTES]; /* of the first of them; "" where count is 0 */
    char node[SH_NODE_NAME_MAX + 1];
    char reason[SH_DEAD_REASON_MAX];
} queue_dropped;

typedef struct {
    const char *reason;
    bool keep; /* the reason is a fault of the hub: it is never dropped to make room */
} queue_burial;

/*
 * Moves an entry to the dead letters with its reason, at once and durably. Over the limits of its
 * node or of all the oldest that need not be kept are dropped, or this one itself; *dropped, which
 * may be NULL, tells which, also of a failure. SH_E_BUSY where there is no room for one that is to
 * be kept: it stays in the queue.
 */
sh_err queue_bury(queue_reader *reader, const queue_entry *entry, const queue_burial *burial,
                  queue_dropped *dropped, sh_error *error);

/* Counts one more failed merge of an entry and gives the number. */
sh_err queue_failed(sh_queue *queue, const char *entry_id, int64_t *times, sh_error *error);
/* Takes one such count back: the failure was not the entry's. */
sh_err queue_failed_undo(sh_queue *queue, const char *entry_id, sh_error *error);

#endif
