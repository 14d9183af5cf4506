/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PULLER_ENQUEUE_BATCH_H
#define PULLER_ENQUEUE_BATCH_H

#include "libcommon/native/credentials.h"
#include "libcommon/queue/queue.h"
#include "puller/answer.h"

/*
 * What was fetched, on its way into the queue. Each write waits for Redis's disk, and a thousand of
 * them would take longer than the nodes do, so what has come together is written together. Belongs
 * to one thread.
 */
#define ENQUEUE_BATCH_BYTES_MAX                                                                    \
    SH_MIB /* of envelopes that wait; one larger than that goes at once */

typedef struct {
    void *who;      /* the caller's */
    bool unchanged; /* there is no table, only a contact to be noted */
    sh_envelope_header header;
    size_t rows;
    sh_buf envelope;
    sh_newcomer newcomer;
    uint8_t state[SH_DIGEST_BYTES]; /* of the node's credentials when the table was found good */
    sh_queue_put_item put;
} enqueue_batch_item;

/* How it ended; item lives during the call only. put is of a table alone. */
typedef void (*enqueue_batch_ended)(void *context, const enqueue_batch_item *item, sh_err err,
                                    sh_put put, const sh_error *error);

typedef struct {
    sh_queue *queue;
    sh_credentials *credentials; /* of the nodes, as known now */
    char version[SH_NODES_VERSION_BYTES];
    enqueue_batch_ended ended;
    void *context;
    enqueue_batch_item items[SH_QUEUE_AT_ONCE];
    size_t count, bytes;
} enqueue_batch;

/* Reads the nodes' credentials. The errors of the queue; release with enqueue_batch_reset() in
 * every case.
 */
sh_err enqueue_batch_init(enqueue_batch *o, sh_queue *queue, enqueue_batch_ended ended,
                          void *context, sh_error *error);
void enqueue_batch_reset(enqueue_batch *o); /* zeroed is accepted; nothing may wait in it */

/*
 * Takes a table over from *table, which stays the caller's to end. ended() is called when it is
 * durable in the queue, or refused: now or at the next flush. SH_E_MEMORY calls nothing.
 * is_named: the settings say which node it is; else its name is its own invention.
 */
sh_err enqueue_batch_add_table(enqueue_batch *o, void *who, const puller_table *table,
                               bool is_named, sh_error *error);
/* The same for a node that had nothing new. */
void enqueue_batch_add_unchanged(enqueue_batch *o, void *who, const char *node);
/* Writes all that waits. */
void enqueue_batch_flush(enqueue_batch *o);

#endif
