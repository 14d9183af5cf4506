/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/queue/idle_time_repair.h"

#include "libcommon/base/cleanup.h"
#include "libcommon/queue/queue_handle.h"
#include "receiver/queue/receiver_scripts.h"

#include <stdio.h>

#define ENTRIES_AT_ONCE "1000"

sh_err queue_repair_idle_times(sh_queue *queue, idle_time_cursor *cursor, sh_error *error)
{
    SH_CLEANUP(sh_redis_reply_free_cleanup) sh_redis_reply *reply = NULL;
    const restamp_arguments arguments = {
        .keys = {sh_slice_of(queue->stream)},
        .group = SH_SLICE(SH_QUEUE_GROUP),
        .from = sh_slice_of(cursor->from[0] != '\0' ? cursor->from : "-"),
        .entries_max = SH_SLICE(ENTRIES_AT_ONCE),
    };
    sh_err err = sh_redis_script_run(queue->redis, &sh_script_restamp,
                                     SH_REDIS_ARGUMENTS(arguments), &reply, error);
    sh_slice next = err == SH_OK ? sh_redis_text(reply) : SH_SLICE("-");
    (void)snprintf(cursor->from, sizeof cursor->from, "%.*s", (int)next.len, next.data);
    return err;
}
