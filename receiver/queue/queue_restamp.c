/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/base/cleanup.h"
#include "libcommon/queue/queue_handle.h"
#include "receiver/queue/receiver_scripts.h"

#include <stdio.h>

#define LOOK_AT "1000" /* pending entries of one call */

sh_err sh_queue_restamp(sh_queue *queue, sh_error *error)
{
    SH_CLEANUP(sh_redis_reply_free_cleanup) sh_redis_reply *reply = NULL;
    const char *from = queue->restamp_from[0] != '\0' ? queue->restamp_from : "-";
    sh_slice argv[] = {sh_slice_of(queue->stream), SH_SLICE(SH_QUEUE_GROUP), sh_slice_of(from),
                       SH_SLICE(LOOK_AT)};
    sh_err err = sh_redis_script_run(queue->redis, &sh_script_restamp, 1, 4, argv, &reply, error);
    sh_slice next = err == SH_OK ? sh_redis_text(reply) : SH_SLICE("-");
    (void)snprintf(queue->restamp_from, sizeof queue->restamp_from, "%.*s", (int)next.len,
                   next.data);
    return err;
}
