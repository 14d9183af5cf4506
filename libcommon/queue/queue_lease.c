/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/base/cleanup.h"
#include "libcommon/base/limits.h"
#include "libcommon/native/node_name.h"
#include "libcommon/queue/queue.h"
#include "libcommon/queue/queue_handle.h"
#include "libcommon/queue/queue_scripts.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define NUMBER_BYTES 24
#define LEASE_KEY_BYTES (SH_QUEUE_KEY_BYTES + SH_URL_MAX + 1)

static void lease_keys(const sh_queue *queue, const char *url, char lease[static LEASE_KEY_BYTES],
                       char done[static LEASE_KEY_BYTES])
{
    (void)snprintf(lease, LEASE_KEY_BYTES, "%s:pull:lease:%s", queue->prefix, url);
    (void)snprintf(done, LEASE_KEY_BYTES, "%s:pull:done:%s", queue->prefix, url);
}

typedef struct {
    char lease[LEASE_KEY_BYTES], done[LEASE_KEY_BYTES];
} key_pair;

static sh_lease lease_of(sh_slice answer)
{
    if (sh_slice_equals(answer, SH_SLICE("taken")))
        return SH_LEASE_TAKEN;
    return sh_slice_equals(answer, SH_SLICE("done")) ? SH_LEASE_DONE : SH_LEASE_HELD;
}

sh_err sh_queue_leases_take(sh_queue *queue, const char *const urls[], size_t count,
                            int64_t within_ms, int64_t hold_ms, sh_lease ret[], sh_error *error)
{
    key_pair keys[SH_QUEUE_LEASES_MAX];
    sh_slice argv[2 * SH_QUEUE_LEASES_MAX + 3];
    char within[NUMBER_BYTES], hold[NUMBER_BYTES];
    assert(count > 0 && count <= SH_QUEUE_LEASES_MAX);
    (void)snprintf(within, sizeof within, "%" PRId64, within_ms);
    (void)snprintf(hold, sizeof hold, "%" PRId64, hold_ms);
    for (size_t i = 0; i < count; i++) {
        lease_keys(queue, urls[i], keys[i].lease, keys[i].done);
        argv[2 * i] = sh_slice_of(keys[i].lease);
        argv[2 * i + 1] = sh_slice_of(keys[i].done);
    }
    argv[2 * count] = sh_slice_of(queue->holder);
    argv[2 * count + 1] = sh_slice_of(within);
    argv[2 * count + 2] = sh_slice_of(hold);
    SH_CLEANUP(sh_redis_reply_free_cleanup) sh_redis_reply *reply = NULL;
    sh_err err = sh_redis_script_run(queue->redis, &sh_script_leases_take, 2 * count, 2 * count + 3,
                                     argv, &reply, error);
    if (err == SH_OK && sh_redis_count(reply) != count)
        err = sh_fail(error, SH_E_FORMAT, "Redis did not answer for each lease");
    for (size_t i = 0; err == SH_OK && i < count; i++)
        ret[i] = lease_of(sh_redis_text(sh_redis_at(reply, i)));
    return err;
}

sh_err sh_queue_leases_end(sh_queue *queue, const sh_queue_turn turns[], size_t count,
                           sh_error *error)
{
    key_pair keys[SH_QUEUE_LEASES_MAX];
    sh_slice argv[2 + 5 * SH_QUEUE_LEASES_MAX];
    assert(count > 0 && count <= SH_QUEUE_LEASES_MAX);
    sh_slice *arguments = argv + 1 + 2 * count;
    argv[0] = sh_slice_of(queue->pull_names);
    arguments[0] = sh_slice_of(queue->holder);
    for (size_t i = 0; i < count; i++) {
        lease_keys(queue, turns[i].url, keys[i].lease, keys[i].done);
        argv[1 + 2 * i] = sh_slice_of(keys[i].lease);
        argv[2 + 2 * i] = sh_slice_of(keys[i].done);
        arguments[1 + 3 * i] = sh_slice_of(turns[i].fetched ? "1" : "0");
        arguments[2 + 3 * i] = sh_slice_of(turns[i].url);
        arguments[3 + 3 * i] = sh_slice_of(turns[i].name == NULL ? "" : turns[i].name);
    }
    return sh_queue_do_script(queue, &sh_script_leases_end, 1 + 2 * count, 2 + 5 * count, argv,
                              error);
}

sh_err sh_queue_pulled_name_get(sh_queue *queue, const char *url, char ret[SH_NODE_NAME_MAX + 1],
                                sh_error *error)
{
    SH_CLEANUP(sh_redis_reply_free_cleanup) sh_redis_reply *reply = NULL;
    sh_slice argv[] = {SH_SLICE("HGET"), sh_slice_of(queue->pull_names), sh_slice_of(url)};
    sh_err err = sh_redis_call(queue->redis, 3, argv, -1, &reply, error);
    if (err != SH_OK)
        return err;
    sh_slice name = sh_redis_text(reply);
    if (sh_node_name_check(name, NULL) != SH_OK)
        return sh_fail(error, SH_E_NOT_FOUND, "this node was not pulled before");
    memcpy(ret, name.data, name.len);
    ret[name.len] = '\0';
    return SH_OK;
}
