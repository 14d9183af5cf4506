/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PULLER_ENQUEUE_BATCH_H
#define PULLER_ENQUEUE_BATCH_H

#include "libcommon/native/credentials.h"
#include "libcommon/queue/queue.h"
#include "puller/answer_check.h"

/*
 * A batch of fetched tables on their way into the queue. Each write waits for Redis's disk, and a
 * thousand single writes would take longer than the nodes, so tables are written in batches.
 * Belongs to one thread.
 */
#define ENQUEUE_BATCH_BYTES_MAX SH_MIB /* of waiting envelopes; a larger one is written at once */

typedef struct {
    void *who;      /* for the caller */
    bool unchanged; /* no table, only a contact to record */
    sh_envelope_header header;
    size_t rows;
    sh_buf envelope;
    sh_newcomer newcomer;
    uint8_t state[SH_DIGEST_BYTES]; /* of the node's credentials when the table was checked */
    sh_queue_put_item put;
} enqueue_batch_item;

/*
 * Reports the result of an item, which is valid during the call only. put is set for tables only.
 */
typedef void (*enqueue_batch_ended)(void *context, const enqueue_batch_item *item, sh_err err,
                                    sh_put put, const sh_error *error);

typedef struct {
    sh_queue *queue;
    sh_credentials *credentials; /* of all nodes, as last loaded */
    char version[SH_NODES_VERSION_BYTES];
    enqueue_batch_ended ended;
    void *context;
    enqueue_batch_item items[SH_QUEUE_AT_ONCE];
    size_t count, bytes;
    bool waited; /* for credentials to be published, without success */
} enqueue_batch;

/*
 * Loads the nodes' credentials. The errors of the queue; release with enqueue_batch_reset() in
 * every case.
 */
sh_err enqueue_batch_init(enqueue_batch *o, sh_queue *queue, enqueue_batch_ended ended,
                          void *context, sh_error *error);
void enqueue_batch_reset(enqueue_batch *o); /* zeroed is accepted; must be flushed */

/*
 * Takes the content of *table, which the caller still resets. Calls ended() when the table is
 * durable in the queue or refused: during this call or the next flush; not after SH_E_MEMORY.
 * is_named: SYNC_nodes contains the node's name; otherwise the node chose it.
 */
sh_err enqueue_batch_add_table(enqueue_batch *o, void *who, const puller_table *table,
                               bool is_named, sh_error *error);
/* The same for a node whose table is unchanged. */
void enqueue_batch_add_unchanged(enqueue_batch *o, void *who, const char *node);
/* Writes all waiting items. */
void enqueue_batch_flush(enqueue_batch *o);

#endif
