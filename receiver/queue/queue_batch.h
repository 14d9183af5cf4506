/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_QUEUE_BATCH_H
#define RECEIVER_QUEUE_BATCH_H

#include "libcommon/base/error.h"
#include "libcommon/base/text.h"
#include "libcommon/queue/redis.h"

#include <stddef.h>
#include <stdint.h>

/* A batch: entries that were read together. */

#define QUEUE_ENTRY_ID_BYTES 48

typedef struct {
    char id[QUEUE_ENTRY_ID_BYTES]; /* of the stream entry, `ms-seq` */
    sh_slice envelope;             /* borrowed from the batch; empty if the entry has none */
    sh_slice mode;
    int64_t deliveries; /* to any consumer; 1 for a new entry */
} queue_entry;

typedef struct queue_batch queue_batch;

sh_err queue_batch_new(queue_batch **ret, sh_error *error); /* empty; SH_E_MEMORY */
void queue_batch_free(queue_batch *batch);                  /* NULL is accepted */

size_t queue_batch_count(const queue_batch *batch);
const queue_entry *queue_batch_at(const queue_batch *batch, size_t index);
size_t queue_batch_bytes(const queue_batch *batch); /* of all envelopes */

/*
 * Adds the entries of a reply ([[id, [field, value, …] or nil], …]), which may be part of `owned`.
 * Takes ownership of `owned`, also after an error. SH_E_MEMORY, SH_E_FORMAT.
 */
sh_err queue_batch_add(queue_batch *batch, const sh_redis_reply *list, sh_redis_reply *owned,
                       sh_error *error);

/* Sets the deliveries of the entry with this id, if there is one. */
void queue_batch_set_deliveries(queue_batch *batch, sh_slice id, int64_t deliveries);

#endif
