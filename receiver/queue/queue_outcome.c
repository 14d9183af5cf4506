/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/queue/queue_outcome.h"

#include "libcommon/base/cleanup.h"
#include "libcommon/base/clock.h"
#include "libcommon/base/hex.h"
#include "libcommon/queue/queue_handle.h"
#include "receiver/queue/queue_digests.h"
#include "receiver/queue/receiver_scripts.h"

#include <assert.h>
#include <stdio.h>

/* The node's name in an envelope, as scripts/include/node_of.lua finds it; empty if there is none.
 */
static sh_slice node_in(sh_slice envelope)
{
    enum { NAME_LEN_AT = 6, NAME_AT = SH_ENVELOPE_FIXED_BYTES };
    if (envelope.len <= NAME_AT)
        return (sh_slice){"", 0};
    size_t len = (uint8_t)envelope.data[NAME_LEN_AT];
    size_t rest = envelope.len - NAME_AT;
    return (sh_slice){envelope.data + NAME_AT, len < rest ? len : rest};
}

static sh_err ack_some(queue_reader *reader, const queue_done done[], size_t count, sh_error *error)
{
    char lens[ACK_ENTRIES_MAX][SH_REDIS_NUMBER_BYTES];
    char values[ACK_ENTRIES_MAX][QUEUE_DIGEST_VALUE_BYTES];
    const sh_queue *queue = queue_reader_queue(reader);
    assert(count <= ACK_ENTRIES_MAX);
    ack_arguments arguments = {.keys = {.stream = sh_slice_of(queue->stream),
                                        .bytes = sh_slice_of(queue->bytes),
                                        .failures = sh_slice_of(queue->failures),
                                        .digests = sh_slice_of(queue->digests),
                                        .shares = sh_slice_of(queue->shares)},
                               .group = SH_SLICE(SH_QUEUE_GROUP)};
    for (size_t i = 0; i < count; i++) {
        const queue_entry *entry = done[i].entry;
        bool publishes = done[i].node != NULL;
        if (publishes)
            queue_digest_write(done[i].digest, done[i].merged_ms, values[i]);
        arguments.entry[i] = (ack_entry_arguments){
            .id = sh_slice_of(entry->id),
            .len = sh_redis_number((int64_t)entry->envelope.len, lens[i]),
            .node = node_in(entry->envelope),
            .published = sh_slice_of(publishes ? done[i].node : ""),
            .digest = sh_slice_of(publishes ? values[i] : ""),
        };
    }
    sh_redis_arguments all = SH_REDIS_ARGUMENTS(arguments);
    all.argc -= (ACK_ENTRIES_MAX - count) * sizeof(ack_entry_arguments) / sizeof(sh_slice);
    sh_err err = sh_queue_do_script(queue_reader_queue(reader), &sh_script_ack, all, error);
    if (err == SH_OK)
        queue_reader_release(reader, count);
    return err;
}

sh_err queue_ack(queue_reader *reader, const queue_done done[], size_t count, sh_error *error)
{
    for (size_t at = 0; at < count; at += ACK_ENTRIES_MAX) {
        size_t some = count - at < ACK_ENTRIES_MAX ? count - at : ACK_ENTRIES_MAX;
        sh_err err = ack_some(reader, done + at, some, error);
        if (err != SH_OK)
            return err;
    }
    return SH_OK;
}

static sh_err add_failures(sh_queue *queue, const char *id, sh_slice add, int64_t *times,
                           sh_error *error)
{
    SH_CLEANUP(sh_redis_reply_free_cleanup) sh_redis_reply *reply = NULL;
    const failures_add_arguments arguments = {
        .keys = {sh_slice_of(queue->failures)}, .id = sh_slice_of(id), .add = add};
    sh_err err = sh_redis_script_run(queue->redis, &sh_script_failures_add,
                                     SH_REDIS_ARGUMENTS(arguments), &reply, error);
    if (err == SH_OK)
        *times = sh_redis_integer(reply);
    return err;
}

sh_err queue_failed(sh_queue *queue, const char *entry_id, int64_t *times, sh_error *error)
{
    return add_failures(queue, entry_id, SH_SLICE("1"), times, error);
}

sh_err queue_failed_undo(sh_queue *queue, const char *entry_id, sh_error *error)
{
    int64_t times;
    return add_failures(queue, entry_id, SH_SLICE("-1"), &times, error);
}
