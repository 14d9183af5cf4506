/* SPDX-License-Identifier: Apache-2.0 */
#include "puller/leases.h"

#include "libcommon/base/cleanup.h"
#include "libcommon/base/limits.h"
#include "libcommon/base/node_name.h"
#include "libcommon/queue/queue_handle.h"
#include "puller/puller_scripts.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#define LEASE_KEY_BYTES (SH_QUEUE_KEY_BYTES + SH_URL_MAX + 1)

typedef struct {
    char lease[LEASE_KEY_BYTES], done[LEASE_KEY_BYTES];
} lease_key_texts;

static lease_key_arguments lease_keys(const sh_queue *queue, const char *url,
                                      lease_key_texts *texts)
{
    (void)snprintf(texts->lease, LEASE_KEY_BYTES, "%s:pull:lease:%s", queue->prefix, url);
    (void)snprintf(texts->done, LEASE_KEY_BYTES, "%s:pull:done:%s", queue->prefix, url);
    return (lease_key_arguments){sh_slice_of(texts->lease), sh_slice_of(texts->done)};
}

/* Number of slices in a struct of them. */
#define SLICES(type) (sizeof(type) / sizeof(sh_slice))

static lease lease_of(sh_slice answer)
{
    if (sh_slice_equals(answer, SH_SLICE("taken")))
        return LEASE_TAKEN;
    return sh_slice_equals(answer, SH_SLICE("done")) ? LEASE_DONE : LEASE_HELD;
}

sh_err leases_take(sh_queue *queue, const lease_request *request, lease ret[], sh_error *error)
{
    enum { KEYS = SLICES(lease_key_arguments), ARGUMENTS = SLICES(leases_take_arguments) };
    lease_key_texts texts[LEASES_MAX];
    char within[SH_REDIS_NUMBER_BYTES], hold[SH_REDIS_NUMBER_BYTES];
    const leases_take_arguments arguments = {.holder = sh_slice_of(queue->holder),
                                             .within_ms =
                                                 sh_redis_number(request->within_ms, within),
                                             .hold_ms = sh_redis_number(request->hold_ms, hold)};
    sh_slice argv[KEYS * LEASES_MAX + ARGUMENTS];
    size_t count = request->count;
    assert(count > 0 && count <= LEASES_MAX);
    for (size_t i = 0; i < count; i++) {
        lease_key_arguments keys = lease_keys(queue, request->urls[i], &texts[i]);
        memcpy(argv + KEYS * i, &keys, sizeof keys);
    }
    memcpy(argv + KEYS * count, &arguments, sizeof arguments);
    const sh_redis_arguments all = {argv, KEYS * count, KEYS * count + ARGUMENTS};
    SH_CLEANUP(sh_redis_reply_free_cleanup) sh_redis_reply *reply = NULL;
    sh_err err = sh_redis_script_run(queue->redis, &sh_script_leases_take, all, &reply, error);
    if (err == SH_OK && sh_redis_count(reply) != count)
        err = sh_fail(error, SH_E_FORMAT, "Redis did not reply for each lease");
    for (size_t i = 0; err == SH_OK && i < count; i++)
        ret[i] = lease_of(sh_redis_text(sh_redis_at(reply, i)));
    return err;
}

sh_err leases_end(sh_queue *queue, const lease_end turns[], size_t count, sh_error *error)
{
    enum { KEYS = SLICES(lease_key_arguments), END = SLICES(lease_end_arguments) };
    lease_key_texts texts[LEASES_MAX];
    sh_slice argv[2 + (KEYS + END) * LEASES_MAX];
    assert(count > 0 && count <= LEASES_MAX);
    const sh_redis_arguments all = {argv, 1 + KEYS * count, 2 + (KEYS + END) * count};
    sh_slice *arguments = argv + all.key_count;
    argv[0] = sh_slice_of(queue->pull_names);
    arguments[0] = sh_slice_of(queue->holder);
    for (size_t i = 0; i < count; i++) {
        const lease_key_arguments keys = lease_keys(queue, turns[i].url, &texts[i]);
        const lease_end_arguments end = {
            .fetched = sh_slice_of(turns[i].fetched ? "1" : "0"),
            .url = sh_slice_of(turns[i].url),
            .name = sh_slice_of(turns[i].name == NULL ? "" : turns[i].name)};
        memcpy(argv + 1 + KEYS * i, &keys, sizeof keys);
        memcpy(arguments + 1 + END * i, &end, sizeof end);
    }
    return sh_queue_do_script(queue, &sh_script_leases_end, all, error);
}

sh_err leases_name_get(sh_queue *queue, const char *url, char ret[SH_NODE_NAME_MAX + 1],
                       sh_error *error)
{
    SH_CLEANUP(sh_redis_reply_free_cleanup) sh_redis_reply *reply = NULL;
    sh_slice argv[] = {SH_SLICE("HGET"), sh_slice_of(queue->pull_names), sh_slice_of(url)};
    sh_err err = sh_redis_call(queue->redis, 3, argv, &reply, error);
    if (err != SH_OK)
        return err;
    sh_slice name = sh_redis_text(reply);
    if (sh_node_name_check(name, NULL) != SH_OK)
        return sh_fail(error, SH_E_NOT_FOUND, "no answer of this node was recorded");
    memcpy(ret, name.data, name.len);
    ret[name.len] = '\0';
    return SH_OK;
}
