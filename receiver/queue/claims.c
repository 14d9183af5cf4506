/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/queue/claims.h"

#include "libcommon/base/cleanup.h"
#include "libcommon/queue/queue_handle.h"
#include "receiver/queue/queue_batch.h"
#include "receiver/queue/receiver_scripts.h"

#include <stdio.h>

#define RELEASED_IDLE_MS "2147483647" /* longer than any claim_idle_ms */

/* Sets how long all entries of a consumer have been idle. */
static sh_err touch_claims(sh_queue *queue, const char *consumer, sh_slice idle_ms, sh_error *error)
{
    char from[QUEUE_ENTRY_ID_BYTES + 1] = "-";
    for (;;) {
        SH_CLEANUP(sh_redis_reply_free_cleanup) sh_redis_reply *reply = NULL;
        const claims_touch_arguments arguments = {.keys = {sh_slice_of(queue->stream)},
                                                  .group = SH_SLICE(SH_QUEUE_GROUP),
                                                  .consumer = sh_slice_of(consumer),
                                                  .from = sh_slice_of(from),
                                                  .idle_ms = idle_ms};
        sh_error reason = {0};
        sh_err err = sh_redis_script_run(queue->redis, &sh_script_claims_touch,
                                         SH_REDIS_ARGUMENTS(arguments), &reply, &reason);
        if (err == SH_E_NOT_FOUND) /* no group, so nothing is pending */
            return SH_OK;
        if (err != SH_OK)
            return sh_fail(error, err, "%s", reason.message);
        sh_slice last = sh_redis_text(reply);
        if (last.len == 0)
            return SH_OK;
        (void)snprintf(from, sizeof from, "(%.*s", (int)last.len, last.data);
    }
}

sh_err queue_claims_renew(sh_queue *queue, const char *consumer, sh_error *error)
{
    return touch_claims(queue, consumer, SH_SLICE("0"), error);
}

sh_err queue_consumer_end(sh_queue *queue, const char *consumer, sh_error *error)
{
    const consumer_end_arguments arguments = {.keys = {sh_slice_of(queue->stream)},
                                              .group = SH_SLICE(SH_QUEUE_GROUP),
                                              .consumer = sh_slice_of(consumer)};
    sh_err err =
        sh_queue_do_script(queue, &sh_script_consumer_end, SH_REDIS_ARGUMENTS(arguments), error);
    return err == SH_OK ? touch_claims(queue, consumer, SH_SLICE(RELEASED_IDLE_MS), error) : err;
}

sh_err queue_consumers_delete_idle(sh_queue *queue, int64_t idle_ms, sh_error *error)
{
    char idle[SH_REDIS_NUMBER_BYTES];
    const consumers_delete_idle_arguments arguments = {.keys = {sh_slice_of(queue->stream)},
                                                       .group = SH_SLICE(SH_QUEUE_GROUP),
                                                       .idle_ms = sh_redis_number(idle_ms, idle)};
    return sh_queue_do_script(queue, &sh_script_consumers_delete_idle,
                              SH_REDIS_ARGUMENTS(arguments), error);
}
