/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/queue/queue_credentials_write.h"

#include "libcommon/base/cleanup.h"
#include "libcommon/base/hex.h"
#include "libcommon/queue/queue_handle.h"
#include "receiver/queue/receiver_scripts.h"

#include <stdio.h>
#include <stdlib.h>

/* --- Reading --------------------------------------------------------------------------------- */

sh_err queue_nodes_state_get(sh_queue *queue, queue_nodes_state *ret, sh_error *error)
{
    SH_CLEANUP(sh_redis_reply_free_cleanup) sh_redis_reply *reply = NULL;
    const nodes_state_arguments arguments = {
        .keys = {sh_slice_of(queue->nodes), sh_slice_of(queue->nodes_version)}};
    sh_err err = sh_redis_script_run(queue->redis, &sh_script_nodes_state,
                                     SH_REDIS_ARGUMENTS(arguments), &reply, error);
    if (err != SH_OK)
        return err;
    if (sh_redis_count(reply) != 2)
        return sh_fail(error, SH_E_FORMAT, "Redis replied no state of the nodes' credentials");
    sh_slice version = sh_redis_text(sh_redis_at(reply, 0));
    (void)snprintf(ret->version, sizeof ret->version, "%.*s", (int)version.len, version.data);
    ret->count = sh_redis_integer(sh_redis_at(reply, 1));
    return SH_OK;
}

sh_err queue_nodes_read(sh_queue *queue, queue_nodes_each each, void *context, sh_error *error)
{
    SH_CLEANUP(sh_redis_reply_free_cleanup) sh_redis_reply *reply = NULL;
    sh_slice argv[] = {SH_SLICE("HGETALL"), sh_slice_of(queue->nodes)};
    sh_err err = sh_redis_call(queue->redis, 2, argv, &reply, error);
    for (size_t i = 0; err == SH_OK && i + 1 < sh_redis_count(reply); i += 2)
        err = each(context, sh_redis_text(sh_redis_at(reply, i)),
                   sh_redis_text(sh_redis_at(reply, i + 1)), error);
    return err;
}

/* --- A list in memory ------------------------------------------------------------------------ */

sh_err nodes_list_add(nodes_list *list, sh_slice node, sh_slice record, sh_error *error)
{
    if (list->count == list->capacity) {
        size_t capacity = list->capacity == 0 ? 64 : 2 * list->capacity;
        size_t *sizes = reallocarray(list->sizes, capacity, 2 * sizeof *sizes);
        if (sizes == NULL)
            return sh_fail(error, SH_E_MEMORY, "no memory for the nodes' credentials");
        list->sizes = sizes;
        list->capacity = capacity;
    }
    sh_err err = sh_buf_append(&list->bytes, node.data, node.len);
    if (err == SH_OK)
        err = sh_buf_append(&list->bytes, record.data, record.len);
    if (err != SH_OK)
        return sh_fail(error, err, "no memory for the nodes' credentials");
    list->sizes[2 * list->count] = node.len;
    list->sizes[2 * list->count + 1] = record.len;
    list->count++;
    return SH_OK;
}

void nodes_list_reset(nodes_list *list)
{
    sh_buf_reset(&list->bytes);
    free(list->sizes);
    list->sizes = NULL;
    list->count = list->capacity = 0;
}

/* --- Publishing ------------------------------------------------------------------------------ */

typedef struct {
    sh_queue *queue;
    const nodes_list *list;
    char owner[SH_ID_HEX_BYTES]; /* random */
    bool lost;                   /* another publisher has replaced the staged list */
} publication;

/* Sends up to NODES_STAGE_MAX records from number `first` on; *at is where their bytes begin. */
static sh_err stage_piece(publication *p, size_t first, size_t *at, sh_error *error)
{
    const nodes_list *list = p->list;
    SH_CLEANUP(sh_redis_reply_free_cleanup) sh_redis_reply *reply = NULL;
    nodes_stage_arguments arguments = {
        .keys = {sh_slice_of(p->queue->nodes_staging)},
        .owner = sh_slice_of(p->owner),
        .first = sh_slice_of(first == 0 ? "1" : ""),
    };
    size_t some = list->count - first < NODES_STAGE_MAX ? list->count - first : NODES_STAGE_MAX;
    for (size_t i = 0; i < some; i++) {
        size_t node_len = list->sizes[2 * (first + i)], len = list->sizes[2 * (first + i) + 1];
        arguments.nodes[i].node = (sh_slice){list->bytes.data + *at, node_len};
        arguments.nodes[i].record = (sh_slice){list->bytes.data + *at + node_len, len};
        *at += node_len + len;
    }
    sh_redis_arguments all = SH_REDIS_ARGUMENTS(arguments);
    all.argc -= 2 * (NODES_STAGE_MAX - some);
    sh_err err = sh_redis_script_run(p->queue->redis, &sh_script_nodes_stage, all, &reply, error);
    p->lost = err == SH_OK && !sh_slice_equals(sh_redis_text(reply), SH_SLICE("done"));
    return err;
}

sh_err queue_nodes_publish(sh_queue *queue, const nodes_list *list, const char *expected,
                           const char *version, bool *published, sh_error *error)
{
    uint8_t random[SH_ID_BYTES];
    char count[SH_REDIS_NUMBER_BYTES];
    publication p = {.queue = queue, .list = list};
    size_t first = 0, at = 0;
    *published = false;
    sh_random(random, sizeof random);
    sh_hex_encode(random, sizeof random, p.owner);
    do { /* at least one piece, which begins the list */
        sh_err err = stage_piece(&p, first, &at, error);
        if (err != SH_OK || p.lost)
            return err;
        first += NODES_STAGE_MAX;
    } while (first < list->count);
    SH_CLEANUP(sh_redis_reply_free_cleanup) sh_redis_reply *reply = NULL;
    const nodes_publish_arguments arguments = {
        .keys = {sh_slice_of(queue->nodes), sh_slice_of(queue->nodes_version),
                 sh_slice_of(queue->nodes_staging)},
        .owner = sh_slice_of(p.owner),
        .count = sh_redis_number((int64_t)list->count, count),
        .expected = sh_slice_of(expected),
        .version = sh_slice_of(version),
    };
    sh_err err = sh_redis_script_run(queue->redis, &sh_script_nodes_publish,
                                     SH_REDIS_ARGUMENTS(arguments), &reply, error);
    *published = err == SH_OK && sh_slice_equals(sh_redis_text(reply), SH_SLICE("done"));
    return err;
}
