/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_QUEUE_READER_H
#define RECEIVER_QUEUE_READER_H

#include "libcommon/queue/queue.h"
#include "receiver/queue/queue_batch.h"

/*
 * Reads the queue as one consumer of the group: first its own pending entries, then those that were
 * pending with other consumers for too long, then new ones. Errors as in queue.h.
 */
typedef struct queue_reader queue_reader;

/*
 * Borrows queue and consumer. Takes over entries that are pending with other consumers for longer
 * than claim_idle_ms. SH_E_MEMORY.
 */
sh_err queue_reader_new(sh_queue *queue, const char *consumer, int64_t claim_idle_ms,
                        queue_reader **ret, sh_error *error);
void queue_reader_free(queue_reader *reader); /* NULL is accepted */

typedef struct {
    size_t entries_max;
    size_t bytes_max; /* stop once the entries have this many bytes */
    int64_t block_ms; /* how long to wait for the first entry */
} queue_limits;

/*
 * Takes entries. *ret is never NULL on SH_OK, but may be empty; the caller frees it. Creates a
 * missing group. Returns entries again that were taken before and are neither released,
 * acknowledged nor moved to the dead letters; after a new connection to Redis, which may be another
 * server, all that are pending with this consumer there.
 */
sh_err queue_reader_take(queue_reader *reader, const queue_limits *limits, queue_batch **ret,
                         sh_error *error);

/*
 * Declares that count entries of the last batch need not be returned by queue_reader_take() again:
 * their work is done, or queue_reader_fetch() will read them. They stay this consumer's.
 */
void queue_reader_release(queue_reader *reader, size_t count);

/*
 * Reads the entries with these ids again, in this order, up to bytes_max bytes; skips ids that no
 * longer exist. The caller frees *ret.
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
