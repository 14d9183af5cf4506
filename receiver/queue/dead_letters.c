/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/base/cleanup.h"
#include "libcommon/base/limits.h"
#include "libcommon/queue/queue.h"
#include "libcommon/queue/queue_handle.h"
#include "receiver/queue/receiver_scripts.h"

#include <stdio.h>
#include <string.h>

#define LOOK_COUNT "500"     /* dead letters of one reply */
#define LOOK_BYTES "4194304" /* … and no more once they hold so many bytes: Redis serves others */
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

/* Of what &sh_script_dead_list gives of one. */
static sh_err give(const sh_redis_reply *one, sh_queue_dead_each each, void *context,
                   sh_queue_dead *dead, sh_error *error)
{
    sh_slice id = sh_redis_count(one) == 6 ? sh_redis_text(sh_redis_at(one, 0)) : (sh_slice){0};
    if (id.len == 0 || id.len >= sizeof dead->id)
        return sh_fail(error, SH_E_FORMAT, "Redis gave a dead letter without an id");
    *dead = (sh_queue_dead){.head = sh_redis_text(sh_redis_at(one, 1)),
                            .bytes = (size_t)sh_redis_integer(sh_redis_at(one, 2)),
                            .mode = sh_redis_text(sh_redis_at(one, 3)),
                            .entry = sh_redis_text(sh_redis_at(one, 4)),
                            .reason = sh_redis_text(sh_redis_at(one, 5))};
    memcpy(dead->id, id.data, id.len);
    return each(context, dead, error);
}

/* Those from one id to another; *last is the id of the last one that was given, "" for none. */
static sh_err give_some(sh_queue *queue, const char *from, const char *to, sh_queue_dead_each each,
                        void *context, char last[static SH_QUEUE_ENTRY_ID_BYTES], sh_error *error)
{
    char head[NUMBER_BYTES];
    (void)snprintf(head, sizeof head, "%d", SH_ENVELOPE_HEAD_BYTES);
    SH_CLEANUP(sh_redis_reply_free_cleanup) sh_redis_reply *reply = NULL;
    sh_slice argv[] = {sh_slice_of(queue->dead), sh_slice_of(from), sh_slice_of(to),
                       SH_SLICE(LOOK_COUNT),     sh_slice_of(head), SH_SLICE(LOOK_BYTES)};
    sh_err err = sh_redis_script_run(queue->redis, &sh_script_dead_list, 1, 6, argv, &reply, error);
    last[0] = '\0';
    for (size_t i = 0; err == SH_OK && i < sh_redis_count(reply); i++) {
        sh_queue_dead dead;
        err = give(sh_redis_at(reply, i), each, context, &dead, error);
        if (err == SH_OK)
            (void)snprintf(last, SH_QUEUE_ENTRY_ID_BYTES, "%s", dead.id);
    }
    return err;
}

sh_err sh_queue_dead_list(sh_queue *queue, sh_queue_dead_each each, void *context, sh_error *error)
{
    char from[SH_QUEUE_ENTRY_ID_BYTES + 1] = "-", last[SH_QUEUE_ENTRY_ID_BYTES];
    sh_err err = SH_OK;
    do {
        err = give_some(queue, from, "+", each, context, last, error);
        (void)snprintf(from, sizeof from, "(%s", last);
    } while (err == SH_OK && last[0] != '\0');
    return err;
}

sh_err sh_queue_dead_get(sh_queue *queue, const char *id, sh_queue_dead_each each, void *context,
                         sh_error *error)
{
    char last[SH_QUEUE_ENTRY_ID_BYTES];
    if (!is_stream_id(id))
        return fail_missing(id, error);
    sh_err err = give_some(queue, id, id, each, context, last, error);
    return err == SH_OK && last[0] == '\0' ? fail_missing(id, error) : err;
}

static sh_err change(sh_queue *queue, const sh_redis_script *script, size_t keys, size_t argc,
                     const sh_slice argv[], const char *id, sh_error *error)
{
    if (!is_stream_id(id))
        return fail_missing(id, error);
    SH_CLEANUP(sh_redis_reply_free_cleanup) sh_redis_reply *reply = NULL;
    sh_err err = sh_redis_script_run(queue->redis, script, keys, argc, argv, &reply, error);
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
    sh_slice argv[] = {sh_slice_of(queue->stream),
                       sh_slice_of(queue->bytes),
                       sh_slice_of(queue->dead),
                       sh_slice_of(queue->dead_bytes),
                       sh_slice_of(queue->held),
                       sh_slice_of(queue->dead_held),
                       sh_slice_of(id),
                       sh_slice_of(entries),
                       sh_slice_of(bytes)};
    return change(queue, &sh_script_dead_retry, 6, 9, argv, id, error);
}

sh_err sh_queue_dead_drop(sh_queue *queue, const char *id, sh_error *error)
{
    sh_slice argv[] = {sh_slice_of(queue->dead), sh_slice_of(queue->dead_bytes),
                       sh_slice_of(queue->dead_held), sh_slice_of(id)};
    return change(queue, &sh_script_dead_drop, 3, 4, argv, id, error);
}
