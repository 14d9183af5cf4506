/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/base/cleanup.h"
#include "libcommon/queue/queue.h"
#include "libcommon/queue/queue_handle.h"

#include <stdio.h>

sh_err sh_queue_key_get(sh_queue *queue, char ret[static SH_KEY_CHECK_HEX_BYTES], sh_error *error)
{
    SH_CLEANUP(sh_redis_reply_free_cleanup) sh_redis_reply *reply = NULL;
    sh_slice argv[] = {SH_SLICE("GET"), sh_slice_of(queue->key)};
    sh_err err = sh_redis_call(queue->redis, 2, argv, &reply, error);
    if (err != SH_OK)
        return err;
    sh_slice text = sh_redis_text(reply);
    (void)snprintf(ret, SH_KEY_CHECK_HEX_BYTES, "%.*s", (int)text.len, text.data);
    return SH_OK;
}
