/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_QUEUE_FACTS_H
#define RECEIVER_QUEUE_FACTS_H

#include "receiver/operate/node_row.h"

/*
 * What Redis has of all nodes that is newer than the database: kept in memory, so that it can be
 * read before the database and added after it. Merge moves reports from Redis to the database; read
 * in the other order, one that it moves meanwhile would be in neither.
 */
typedef struct queue_fact queue_fact;
typedef struct {
    queue_fact *facts;
    size_t count, capacity;
    sh_arena texts;
} queue_facts;

/* Reads depth and facts. What was read before an error stays. The errors of the queue. */
sh_err queue_facts_read(sh_queue *queue, queue_facts *ret, sh_queue_depth *depth, sh_error *error);

/* Adds them to the overview, which has all that the database has. SH_E_MEMORY. */
sh_err queue_facts_add(const queue_facts *facts, node_overview *o, sh_error *error);

void queue_facts_reset(queue_facts *facts);

#endif
