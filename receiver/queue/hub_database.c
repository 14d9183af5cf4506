/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/queue/hub_database.h"

#include "libcommon/base/cleanup.h"
#include "libcommon/queue/queue_handle.h"
#include "receiver/queue/receiver_scripts.h"

#include <stdio.h>

sh_err queue_database_get(sh_queue *queue, char ret[static SH_ID_HEX_BYTES], sh_error *error)
{
    SH_CLEANUP(sh_redis_reply_free_cleanup) sh_redis_reply *reply = NULL;
    sh_slice argv[] = {SH_SLICE("GET"), sh_slice_of(queue->database)};
    sh_err err = sh_redis_call(queue->redis, 2, argv, &reply, error);
    if (err != SH_OK)
        return err;
    sh_slice text = sh_redis_text(reply);
    (void)snprintf(ret, SH_ID_HEX_BYTES, "%.*s", (int)text.len, text.len > 0 ? text.data : "");
    return SH_OK;
}

sh_err queue_database_set(sh_queue *queue, const char *id, bool replace, sh_error *error)
{
    const key_set_arguments arguments = {.keys = {sh_slice_of(queue->database)},
                                         .value = sh_slice_of(id),
                                         .replace = sh_slice_of(replace ? "1" : "")};
    return sh_queue_do_script(queue, &sh_script_key_set, SH_REDIS_ARGUMENTS(arguments), error);
}
