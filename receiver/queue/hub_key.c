/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/base/cleanup.h"
#include "libcommon/native/envelope.h"
#include "libcommon/queue/queue_handle.h"
#include "receiver/queue/receiver_scripts.h"

#include <stdio.h>

/* Which SYNC_encryption_key is the hub's. */

#define HEADS_BYTES "4194304" /* of the entries that one call looks at */

sh_err sh_queue_key_set(sh_queue *queue, const char *value, bool replace, sh_error *error)
{
    sh_slice argv[] = {sh_slice_of(queue->key), sh_slice_of(value),
                       sh_slice_of(replace ? "1" : "")};
    return sh_queue_do_script(queue, &sh_script_key_set, 1, 3, argv, error);
}

sh_err sh_queue_newest_heads(sh_queue *queue, size_t count, sh_queue_head_each each, void *context,
                             sh_error *error)
{
    char count_text[24], head[24];
    (void)snprintf(count_text, sizeof count_text, "%zu", count);
    (void)snprintf(head, sizeof head, "%d", SH_ENVELOPE_HEAD_BYTES);
    SH_CLEANUP(sh_redis_reply_free_cleanup) sh_redis_reply *reply = NULL;
    sh_slice argv[] = {sh_slice_of(queue->stream), sh_slice_of(count_text), sh_slice_of(head),
                       SH_SLICE(HEADS_BYTES)};
    sh_err err =
        sh_redis_script_run(queue->redis, &sh_script_newest_heads, 1, 4, argv, &reply, error);
    for (size_t i = 0; err == SH_OK && i + 1 < sh_redis_count(reply); i += 2)
        each(context, sh_redis_text(sh_redis_at(reply, i)),
             (size_t)sh_redis_integer(sh_redis_at(reply, i + 1)));
    return err;
}
