/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/base/cleanup.h"
#include "libcommon/queue/queue.h"
#include "libcommon/queue/queue_handle.h"
#include "libcommon/queue/queue_scripts.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define NUMBER_BYTES SH_REDIS_NUMBER_BYTES

static void copy_version(sh_slice text, char ret[static SH_NODES_VERSION_BYTES])
{
    size_t len = text.len < SH_NODES_VERSION_BYTES ? text.len : SH_NODES_VERSION_BYTES - 1;
    if (len > 0)
        memcpy(ret, text.data, len);
    ret[len] = '\0';
}

sh_err sh_queue_nodes_version(sh_queue *queue, char ret[static SH_NODES_VERSION_BYTES],
                              sh_error *error)
{
    SH_CLEANUP(sh_redis_reply_free_cleanup) sh_redis_reply *reply = NULL;
    sh_slice argv[] = {SH_SLICE("GET"), sh_slice_of(queue->nodes_version)};
    sh_err err = sh_redis_call(queue->redis, 2, argv, &reply, error);
    if (err == SH_OK)
        copy_version(sh_redis_text(reply), ret);
    return err;
}

static sh_err fill(sh_credentials *all, const sh_redis_reply *pairs, sh_error *error)
{
    for (size_t i = 0; i + 1 < sh_redis_count(pairs); i += 2) {
        sh_err err = sh_credentials_add(all, sh_redis_text(sh_redis_at(pairs, i)),
                                        sh_redis_text(sh_redis_at(pairs, i + 1)), error);
        if (err != SH_OK)
            return err;
    }
    return sh_credentials_index(all, error);
}

sh_err sh_queue_nodes_load(sh_queue *queue, sh_credentials **ret,
                           char version[static SH_NODES_VERSION_BYTES], sh_error *error)
{
    SH_CLEANUP(sh_redis_reply_free_cleanup) sh_redis_reply *reply = NULL;
    const sh_nodes_load_arguments arguments = {
        .keys = {sh_slice_of(queue->nodes), sh_slice_of(queue->nodes_version)}};
    sh_err err = sh_redis_script_run(queue->redis, &sh_script_nodes_load,
                                     SH_REDIS_ARGUMENTS(arguments), &reply, error);
    if (err != SH_OK)
        return err;
    if (sh_redis_count(reply) != 2)
        return sh_fail(error, SH_E_FORMAT, "Redis replied no list of nodes");
    copy_version(sh_redis_text(sh_redis_at(reply, 0)), version);
    if (version[0] == '\0')
        return sh_fail(error, SH_E_NOT_FOUND, SH_NODES_NOT_PUBLISHED);
    sh_credentials *all = NULL;
    err = sh_credentials_new(&all, error);
    if (err == SH_OK)
        err = fill(all, sh_redis_at(reply, 1), error);
    if (err != SH_OK) {
        sh_credentials_free(all);
        return err;
    }
    *ret = all;
    return SH_OK;
}

sh_err sh_queue_node_used(sh_queue *queue, const char *node, int64_t now_ms, sh_error *error)
{
    char value[NUMBER_BYTES];
    (void)snprintf(value, sizeof value, "%" PRId64, now_ms);
    sh_slice argv[] = {SH_SLICE("HSET"), sh_slice_of(queue->nodes_used), sh_slice_of(node),
                       sh_slice_of(value)};
    return sh_queue_do(queue, 4, argv, error);
}

sh_err sh_queue_node_used_get(sh_queue *queue, const char *node, int64_t *ret, sh_error *error)
{
    SH_CLEANUP(sh_redis_reply_free_cleanup) sh_redis_reply *reply = NULL;
    sh_slice argv[] = {SH_SLICE("HGET"), sh_slice_of(queue->nodes_used), sh_slice_of(node)};
    sh_err err = sh_redis_call(queue->redis, 3, argv, &reply, error);
    if (err != SH_OK)
        return err;
    uint64_t ms = 0;
    *ret = sh_text_to_u64(sh_redis_text(reply), INT64_MAX, &ms) ? (int64_t)ms : 0;
    return SH_OK;
}
