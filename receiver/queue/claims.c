/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/base/cleanup.h"
#include "libcommon/queue/queue_handle.h"
#include "receiver/queue/receiver_scripts.h"

#include <inttypes.h>
#include <stdio.h>

/* How long a consumer's entries stay its own. */

#define RELEASED_IDLE_MS "2147483647" /* longer than any claim_idle_ms */

/* Sets how long all entries of a consumer have been idle. */
static sh_err touch(sh_queue *queue, const char *consumer, sh_slice idle_ms, sh_error *error)
{
    char from[SH_QUEUE_ENTRY_ID_BYTES + 1] = "-";
    for (;;) {
        SH_CLEANUP(sh_redis_reply_free_cleanup) sh_redis_reply *reply = NULL;
        sh_slice argv[] = {sh_slice_of(queue->stream), SH_SLICE(SH_QUEUE_GROUP),
                           sh_slice_of(consumer), sh_slice_of(from), idle_ms};
        sh_error reason = {0};
        sh_err err =
            sh_redis_script_run(queue->redis, &sh_script_claims_touch, 1, 5, argv, &reply, &reason);
        if (err == SH_E_NOT_FOUND) /* no group: nobody holds anything */
            return SH_OK;
        if (err != SH_OK)
            return sh_fail(error, err, "%s", reason.message);
        sh_slice last = sh_redis_text(reply);
        if (last.len == 0)
            return SH_OK;
        (void)snprintf(from, sizeof from, "(%.*s", (int)last.len, last.data);
    }
}

sh_err sh_queue_claims_renew(sh_queue *queue, const char *consumer, sh_error *error)
{
    return touch(queue, consumer, SH_SLICE("0"), error);
}

sh_err sh_queue_consumer_end(sh_queue *queue, const char *consumer, sh_error *error)
{
    sh_slice argv[] = {sh_slice_of(queue->stream), SH_SLICE(SH_QUEUE_GROUP), sh_slice_of(consumer)};
    sh_err err = sh_queue_do_script(queue, &sh_script_consumer_end, 1, 3, argv, error);
    return err == SH_OK ? touch(queue, consumer, SH_SLICE(RELEASED_IDLE_MS), error) : err;
}

sh_err sh_queue_consumers_tidy(sh_queue *queue, int64_t idle_ms, sh_error *error)
{
    char idle[24];
    (void)snprintf(idle, sizeof idle, "%" PRId64, idle_ms);
    sh_slice argv[] = {sh_slice_of(queue->stream), SH_SLICE(SH_QUEUE_GROUP), sh_slice_of(idle)};
    return sh_queue_do_script(queue, &sh_script_consumers_tidy, 1, 3, argv, error);
}
