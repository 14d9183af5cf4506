/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_HISTORY_H
#define RECEIVER_HISTORY_H

#include "libcommon/base/limits.h"
#include "libcommon/queue/queue.h"
#include "receiver/store/store_history.h"

/*
 * What this receiver merged since it wrote figures of the hours last. Counting costs merge no
 * exchange; once a minute everything is written in one transaction. What was not written when a
 * receiver is killed is missing: figures are for charts.
 */

typedef struct {
    uint64_t hash; /* of the name, so that counting compares numbers */
    char node[SH_NODE_NAME_MAX + 1];
    store_figures figures;
} node_figures;

typedef struct {
    node_figures *nodes; /* with figures, in no order */
    size_t nodes_count;
    store_figures all;
    int64_t written_ms;   /* monotonic; 0: never */
    int64_t sampled_ms;   /* monotonic: of the queue; 0: never */
    int64_t forgotten_ms; /* monotonic: of old hours; 0: never */
} history;

/* An entry that was committed. */
typedef struct {
    const char *node;
    uint64_t node_hash;
    int64_t inserted;
    int64_t queued_ms; /* when it came into the queue, by Redis's clock */
} history_entry;
void history_count(history *h, const history_entry *entry, int64_t now_ms);

/*
 * Writes the figures once a minute, or at once; call it outside a transaction. After an error they
 * are written with the next ones.
 */
sh_err history_write(history *h, store *s, sh_queue *queue, bool at_once, sh_error *error);
void history_reset(history *h);

#endif
