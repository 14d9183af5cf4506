/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/merge/merge_state.h"
#include "receiver/queue/queue_digests.h"

#include <string.h>

/* Publishes the digests of tables in the database, which nodes need not send again. */

/*
 * A batch of digests: a hub of a million nodes must not wait for as many writes before it merges.
 */
typedef struct {
    sh_queue *queue;
    const last_result_files *last_result_files; /* a table without a copy must be sent in full */
    size_t count;
    queue_digest digests[QUEUE_DIGESTS_MAX];
} publishing;

static sh_err publish_some(publishing *p, sh_error *error)
{
    if (p->count == 0)
        return SH_OK;
    size_t count = p->count;
    p->count = 0;
    return queue_digests_publish(p->queue, p->digests, count, error);
}

static sh_err publish_node(void *context, const store_node *node, sh_error *error)
{
    publishing *p = context;
    if (!node->has_digest || (p->last_result_files != NULL &&
                              !last_result_files_has_copy(p->last_result_files, node->node)))
        return SH_OK;
    queue_digest *one = &p->digests[p->count++];
    memcpy(one->node, node->node, sizeof one->node);
    memcpy(one->digest, node->digest, sizeof one->digest);
    one->merged_ms = node->merged_ms;
    return p->count < QUEUE_DIGESTS_MAX ? SH_OK : publish_some(p, error);
}

sh_err merge_publish_digests(merge *m, sh_error *error)
{
    if (m->published)
        return SH_OK;
    publishing some = {.queue = m->queue, .last_result_files = m->merger.last_result_files};
    sh_err err = queue_digests_clear(m->queue, error);
    if (err == SH_OK)
        err = store_nodes(m->merger.store, publish_node, &some, error);
    if (err == SH_OK)
        err = publish_some(&some, error);
    m->published = err == SH_OK;
    return err;
}
