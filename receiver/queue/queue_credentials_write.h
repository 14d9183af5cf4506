/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_QUEUE_CREDENTIALS_WRITE_H
#define RECEIVER_QUEUE_CREDENTIALS_WRITE_H

#include "libcommon/base/buffer.h"
#include "libcommon/queue/queue.h"

/* Publishing the nodes' credentials, of which the database is the record, in Redis. */

typedef struct {
    char version[SH_NODES_VERSION_BYTES]; /* "": nothing was published */
    int64_t count;
} queue_nodes_state;

sh_err queue_nodes_state_get(sh_queue *queue, queue_nodes_state *ret, sh_error *error);

/* Passes all records in Redis to each(), whatever their version. */
typedef sh_err (*queue_nodes_each)(void *context, sh_slice node, sh_slice record, sh_error *error);
sh_err queue_nodes_read(sh_queue *queue, queue_nodes_each each, void *context, sh_error *error);

/* A list in memory. */
typedef struct {
    sh_buf bytes;  /* names and records, one after the other */
    size_t *sizes; /* of them, alternately */
    size_t count, capacity;
} nodes_list;

#define NODES_LIST_INIT                                                                            \
    {                                                                                              \
        .bytes = {.limit = SH_NODES_MAX * (SH_NODE_RECORD_MAX + SH_NODE_NAME_MAX)}, .sizes = NULL  \
    }

/* SH_E_MEMORY, SH_E_LIMIT. */
sh_err nodes_list_add(nodes_list *list, sh_slice node, sh_slice record, sh_error *error);
void nodes_list_reset(nodes_list *list); /* for SH_CLEANUP */

/*
 * Replaces the published list and its version atomically, if the published version is still
 * `expected`: readers see one of both lists. Large lists are sent in pieces before. *published is
 * false if another publisher was faster; then read the database again.
 */
sh_err queue_nodes_publish(sh_queue *queue, const nodes_list *list, const char *expected,
                           const char *version, bool *published, sh_error *error);

#endif
