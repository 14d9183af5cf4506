/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/queue/claims.h"

#include "libcommon/base/cleanup.h"
#include "libcommon/crypto/crypto.h"
#include "libcommon/queue/queue_handle.h"
#include "receiver/queue/queue_batch.h"
#include "receiver/queue/receiver_scripts.h"

#include <inttypes.h>
#include <stdio.h>

#define ACTIVITY_KEPT_MS "60000"
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

sh_err queue_activity_set(sh_queue *queue, const char *consumer, sh_error *error)
{
    SH_CLEANUP(sh_redis_reply_free_cleanup) sh_redis_reply *reply = NULL;
    char text[QUEUE_ACTIVITY_BYTES];
    uint32_t random = 0;
    sh_random(&random, sizeof random);
    (void)snprintf(text, sizeof text, "%" PRIu32 " %s", random, consumer);
    sh_slice argv[] = {SH_SLICE("SET"), sh_slice_of(queue->merging), sh_slice_of(text),
                       SH_SLICE("PX"), SH_SLICE(ACTIVITY_KEPT_MS)};
    return sh_redis_call(queue->redis, sizeof argv / sizeof argv[0], argv, &reply, error);
}

sh_err queue_activity_get(sh_queue *queue, char ret[static QUEUE_ACTIVITY_BYTES], sh_error *error)
{
    SH_CLEANUP(sh_redis_reply_free_cleanup) sh_redis_reply *reply = NULL;
    const activity_get_arguments arguments = {
        .keys = {sh_slice_of(queue->stream), sh_slice_of(queue->merging)},
        .group = SH_SLICE(SH_QUEUE_GROUP)};
    ret[0] = '\0';
    sh_err err = sh_redis_script_run(queue->redis, &sh_script_activity_get,
                                     SH_REDIS_ARGUMENTS(arguments), &reply, error);
    if (err != SH_OK)
        return err;
    sh_slice text = sh_redis_text(reply);
    (void)snprintf(ret, QUEUE_ACTIVITY_BYTES, "%.*s", (int)text.len, text.len > 0 ? text.data : "");
    return SH_OK;
}

/* lease_ms "0" ends it. */
static sh_err change_lease(sh_queue *queue, const char *consumer, const char *lease_ms, bool *holds,
                           sh_error *error)
{
    SH_CLEANUP(sh_redis_reply_free_cleanup) sh_redis_reply *reply = NULL;
    const metrics_lease_take_arguments arguments = {.keys = {sh_slice_of(queue->metrics_lease)},
                                                    .holder = sh_slice_of(consumer),
                                                    .lease_ms = sh_slice_of(lease_ms)};
    sh_err err = sh_redis_script_run(queue->redis, &sh_script_metrics_lease_take,
                                     SH_REDIS_ARGUMENTS(arguments), &reply, error);
    *holds = err == SH_OK && sh_slice_equals(sh_redis_text(reply), SH_SLICE("holds"));
    return err;
}

sh_err queue_metrics_lease_take(sh_queue *queue, const char *consumer, bool *holds, sh_error *error)
{
    char lease[SH_REDIS_NUMBER_BYTES];
    (void)sh_redis_number(QUEUE_METRICS_LEASE_MS, lease);
    return change_lease(queue, consumer, lease, holds, error);
}

sh_err queue_metrics_lease_end(sh_queue *queue, const char *consumer, sh_error *error)
{
    bool holds = false;
    return change_lease(queue, consumer, "0", &holds, error);
}
