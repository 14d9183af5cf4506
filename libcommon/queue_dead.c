/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/cleanup.h"
#include "libcommon/limits.h"
#include "libcommon/queue.h"
#include "libcommon/queue_internal.h"
#include "libcommon/queue_scripts.h"

#include <stdio.h>
#include <string.h>

#define LOOK_COUNT "4" /* whole envelopes of one reply */
#define NUMBER_BYTES 24

/* `ms-seq`, whole: Redis takes other forms too, which name more than one entry. */
static bool is_stream_id(const char *id)
{
    const char *dash = strchr(id, '-');
    uint64_t number;
    return dash != NULL && strlen(id) < sizeof((sh_queue_dead *)NULL)->id &&
           sh_text_to_u64((sh_slice){id, (size_t)(dash - id)}, UINT64_MAX, &number) &&
           sh_text_to_u64(sh_slice_of(dash + 1), UINT64_MAX, &number);
}

static sh_err fail_missing(const char *id, sh_error *error)
{
    return sh_fail(error, SH_E_NOT_FOUND, "no dead letter has the id %.64s", id);
}

/* Of [id, [name, value, …]]. */
static sh_err give(const sh_redis_reply *pair, sh_queue_dead_each each, void *context,
                   sh_queue_dead *dead, sh_error *error)
{
    *dead = (sh_queue_dead){.envelope = {"", 0}, .mode = {"", 0}, .entry = {"", 0}};
    dead->reason = (sh_slice){"", 0};
    sh_slice id = sh_redis_count(pair) == 2 ? sh_redis_text(sh_redis_at(pair, 0)) : (sh_slice){0};
    if (id.len == 0 || id.len >= sizeof dead->id)
        return sh_fail(error, SH_E_FORMAT, "Redis gave a dead letter without an id");
    memcpy(dead->id, id.data, id.len);
    const struct {
        const char *name;
        sh_slice *to;
    } fields[] = {
        {"e", &dead->envelope}, {"m", &dead->mode}, {"i", &dead->entry}, {"r", &dead->reason}};
    const sh_redis_reply *list = sh_redis_at(pair, 1);
    for (size_t i = 0; i + 1 < sh_redis_count(list); i += 2) {
        sh_slice name = sh_redis_text(sh_redis_at(list, i));
        for (size_t f = 0; f < sizeof fields / sizeof fields[0]; f++)
            if (sh_slice_equals(name, sh_slice_of(fields[f].name)))
                *fields[f].to = sh_redis_text(sh_redis_at(list, i + 1));
    }
    return each(context, dead, error);
}

sh_err sh_queue_dead_list(sh_queue *queue, sh_queue_dead_each each, void *context, sh_error *error)
{
    char from[64] = "-";
    for (;;) {
        SH_CLEANUP(sh_redis_reply_free_cleanup) sh_redis_reply *reply = NULL;
        sh_slice argv[] = {SH_SLICE("XRANGE"), sh_slice_of(queue->dead), sh_slice_of(from),
                           SH_SLICE("+"),      SH_SLICE("COUNT"),        SH_SLICE(LOOK_COUNT)};
        sh_err err = sh_redis_call(queue->redis, 6, argv, -1, &reply, error);
        if (err != SH_OK)
            return err;
        sh_queue_dead dead;
        for (size_t i = 0; i < sh_redis_count(reply); i++) {
            err = give(sh_redis_at(reply, i), each, context, &dead, error);
            if (err != SH_OK)
                return err;
        }
        if (sh_redis_count(reply) == 0)
            return SH_OK;
        (void)snprintf(from, sizeof from, "(%s", dead.id);
    }
}

sh_err sh_queue_dead_get(sh_queue *queue, const char *id, sh_queue_dead_each each, void *context,
                         sh_error *error)
{
    if (!is_stream_id(id))
        return fail_missing(id, error);
    SH_CLEANUP(sh_redis_reply_free_cleanup) sh_redis_reply *reply = NULL;
    sh_slice argv[] = {SH_SLICE("XRANGE"), sh_slice_of(queue->dead), sh_slice_of(id),
                       sh_slice_of(id)};
    sh_err err = sh_redis_call(queue->redis, 4, argv, -1, &reply, error);
    if (err != SH_OK)
        return err;
    if (sh_redis_count(reply) == 0)
        return fail_missing(id, error);
    sh_queue_dead dead;
    return give(sh_redis_at(reply, 0), each, context, &dead, error);
}

static sh_err change(sh_queue *queue, const char *script, size_t keys, size_t argc,
                     const sh_slice argv[], const char *id, sh_error *error)
{
    if (!is_stream_id(id))
        return fail_missing(id, error);
    SH_CLEANUP(sh_redis_reply_free_cleanup) sh_redis_reply *reply = NULL;
    sh_err err = sh_redis_script(queue->redis, script, keys, argc, argv, &reply, error);
    if (err != SH_OK)
        return err;
    if (sh_slice_equals(sh_redis_text(reply), SH_SLICE("missing")))
        return fail_missing(id, error);
    if (sh_slice_equals(sh_redis_text(reply), SH_SLICE("full")))
        return sh_fail(error, SH_E_BUSY,
                       "the queue is full: the dead letter %.64s stays where it is, try again when "
                       "merge has caught up",
                       id);
    return SH_OK;
}

sh_err sh_queue_dead_retry(sh_queue *queue, const char *id, sh_error *error)
{
    char entries[NUMBER_BYTES], bytes[NUMBER_BYTES];
    (void)snprintf(entries, sizeof entries, "%d", SH_QUEUE_ENTRIES_MAX);
    (void)snprintf(bytes, sizeof bytes, "%lu", SH_QUEUE_BYTES_MAX);
    sh_slice argv[] = {sh_slice_of(queue->stream), sh_slice_of(queue->bytes),
                       sh_slice_of(queue->dead),   sh_slice_of(queue->dead_bytes),
                       sh_slice_of(queue->held),   sh_slice_of(id),
                       sh_slice_of(entries),       sh_slice_of(bytes)};
    return change(queue, script_dead_retry, 5, 8, argv, id, error);
}

sh_err sh_queue_dead_drop(sh_queue *queue, const char *id, sh_error *error)
{
    sh_slice argv[] = {sh_slice_of(queue->dead), sh_slice_of(queue->dead_bytes), sh_slice_of(id)};
    return change(queue, script_dead_drop, 2, 3, argv, id, error);
}
