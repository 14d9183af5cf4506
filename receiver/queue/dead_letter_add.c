/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/queue/dead_letter_add.h"

#include "libcommon/base/cleanup.h"
#include "libcommon/base/clock.h"
#include "libcommon/base/hex.h"
#include "libcommon/queue/queue_handle.h"
#include "receiver/queue/receiver_scripts.h"

#include <stdio.h>

static void read_dropped(const sh_redis_reply *reply, queue_dropped *ret)
{
    const struct {
        char *to;
        size_t room;
    } texts[] = {{ret->id, sizeof ret->id},
                 {ret->node, sizeof ret->node},
                 {ret->reason, sizeof ret->reason}};
    const sh_redis_reply *count = sh_redis_at(reply, 0);
    ret->count = count == NULL ? 0 : sh_redis_integer(count);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        const sh_redis_reply *at = sh_redis_at(reply, i + 1);
        sh_slice text = at == NULL ? SH_SLICE("") : sh_redis_text(at);
        (void)snprintf(texts[i].to, texts[i].room, "%.*s", (int)text.len, text.data);
    }
}

sh_err queue_dead_letter_add(queue_reader *reader, const queue_entry *entry,
                             const queue_rejection *rejection, queue_dropped *dropped,
                             sh_error *error)
{
    char numbers[5][SH_REDIS_NUMBER_BYTES];
    char hex[SH_DIGEST_HEX_BYTES] = "";
    sh_queue *queue = queue_reader_queue(reader);
    if (rejection->digest != NULL)
        sh_hex_encode(rejection->digest, SH_DIGEST_BYTES, hex);
    const dead_add_arguments arguments = {
        .keys = {.stream = sh_slice_of(queue->stream),
                 .bytes = sh_slice_of(queue->bytes),
                 .failures = sh_slice_of(queue->failures),
                 .dead = sh_slice_of(queue->dead),
                 .dead_bytes = sh_slice_of(queue->dead_bytes),
                 .shares = sh_slice_of(queue->shares),
                 .dead_shares = sh_slice_of(queue->dead_shares),
                 .digests = sh_slice_of(queue->digests)},
        .group = SH_SLICE(SH_QUEUE_GROUP),
        .id = sh_slice_of(entry->id),
        .envelope = entry->envelope,
        .mode = entry->mode,
        .reason = sh_slice_of(rejection->reason),
        .entries_max = sh_redis_number(SH_DEAD_ENTRIES_MAX, numbers[0]),
        .bytes_max = sh_redis_number(SH_DEAD_BYTES_MAX, numbers[1]),
        .keep = sh_slice_of(rejection->keep ? "1" : ""),
        .node_entries_max = sh_redis_number(SH_DEAD_NODE_ENTRIES_MAX, numbers[2]),
        .node_bytes_max = sh_redis_number(SH_DEAD_NODE_BYTES_MAX, numbers[3]),
        .digest = sh_slice_of(hex),
        .now_ms = sh_redis_number(sh_clock_unix_ms(), numbers[4]),
    };
    SH_CLEANUP(sh_redis_reply_free_cleanup) sh_redis_reply *reply = NULL;
    sh_err err = sh_redis_script_run(queue->redis, &sh_script_dead_add,
                                     SH_REDIS_ARGUMENTS(arguments), &reply, error);
    if (err != SH_OK)
        return err;
    if (dropped != NULL)
        read_dropped(reply, dropped);
    const sh_redis_reply *word = sh_redis_at(reply, 4);
    if (word != NULL && sh_slice_equals(sh_redis_text(word), SH_SLICE("full")))
        return sh_fail(
            error, SH_E_BUSY,
            "the dead letters are full, and the entry %s must not be lost, because its node "
            "did not cause the failure (%s): see `dead list`, then make room with `dead retry` "
            "or `dead drop`",
            entry->id, rejection->reason);
    queue_reader_release(reader, 1);
    return SH_OK;
}
