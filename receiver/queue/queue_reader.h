/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_QUEUE_READER_H
#define RECEIVER_QUEUE_READER_H

#include "libcommon/queue/queue.h"
#include "receiver/queue/queue_batch.h"

/*
 * The queue's entries as one consumer of the group takes them: first its own pending ones, then
 * those that other consumers have held for too long, then new ones. Errors as of queue.h.
 */
typedef struct queue_reader queue_reader;

/*
 * queue and consumer are borrowed. Entries that others have held for longer than claim_idle_ms are
 * taken over. SH_E_MEMORY.
 */
sh_err queue_reader_new(sh_queue *queue, const char *consumer, int64_t claim_idle_ms,
                        queue_reader **ret, sh_error *error);
void queue_reader_free(queue_reader *reader); /* NULL is accepted */

typedef struct {
    size_t entries_max;
    size_t bytes_max; /* no more entries once they hold so many */
    int64_t block_ms; /* how long to wait for the first one */
} queue_limits;

/*
 * Takes entries. *ret is never NULL on SH_OK; it may be empty. Creates the group where it is
 * missing. What was taken before, and is neither settled nor acknowledged nor buried, is given
 * again.
 */
sh_err queue_reader_take(queue_reader *reader, const queue_limits *limits, queue_batch **ret,
                         sh_error *error);

/*
 * Count entries of the last batch are not given again by queue_reader_take(): they are done with,
 * or left for queue_reader_fetch(), and stay this consumer's.
 */
void queue_reader_settle(queue_reader *reader, size_t count);

/*
 * Gives again entries of these ids, in their order, up to bytes_max; those that are gone are left
 * out.
 */
typedef struct {
    const char *const *ids;
    size_t count; /* 1 to QUEUE_FETCH_MAX */
    size_t bytes_max;
} queue_fetch;
#define QUEUE_FETCH_MAX 64
sh_err queue_reader_fetch(queue_reader *reader, const queue_fetch *fetch, queue_batch **ret,
                          sh_error *error);

/* The queue and the consumer's name. */
sh_queue *queue_reader_queue(const queue_reader *reader);
const char *queue_reader_consumer(const queue_reader *reader);

#endif
