/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/queue/queue_key_check_write.h"

#include "libcommon/base/cleanup.h"
#include "libcommon/native/envelope.h"
#include "libcommon/queue/queue_handle.h"
#include "receiver/queue/receiver_scripts.h"

#define HEADS_BYTES "4194304" /* envelopes that one run reads, so that it does not block Redis */

sh_err queue_key_set(sh_queue *queue, const char *value, bool replace, sh_error *error)
{
    const key_set_arguments arguments = {.keys = {sh_slice_of(queue->key)},
                                         .value = sh_slice_of(value),
                                         .replace = sh_slice_of(replace ? "1" : "")};
    return sh_queue_do_script(queue, &sh_script_key_set, SH_REDIS_ARGUMENTS(arguments), error);
}

sh_err queue_newest_heads(sh_queue *queue, size_t count, queue_head_each each, void *context,
                          sh_error *error)
{
    char entries[SH_REDIS_NUMBER_BYTES], head[SH_REDIS_NUMBER_BYTES];
    const newest_heads_arguments arguments = {
        .keys = {sh_slice_of(queue->stream)},
        .entries_max = sh_redis_number((int64_t)count, entries),
        .head_bytes = sh_redis_number(SH_ENVELOPE_HEAD_BYTES, head),
        .bytes_max = SH_SLICE(HEADS_BYTES)};
    SH_CLEANUP(sh_redis_reply_free_cleanup) sh_redis_reply *reply = NULL;
    sh_err err = sh_redis_script_run(queue->redis, &sh_script_newest_heads,
                                     SH_REDIS_ARGUMENTS(arguments), &reply, error);
    for (size_t i = 0; err == SH_OK && i + 1 < sh_redis_count(reply); i += 2)
        each(context, sh_redis_text(sh_redis_at(reply, i)),
             (size_t)sh_redis_integer(sh_redis_at(reply, i + 1)));
    return err;
}
