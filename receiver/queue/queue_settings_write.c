/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/queue/queue_settings_write.h"

#include "libcommon/base/cleanup.h"
#include "libcommon/queue/queue_handle.h"
#include "receiver/queue/receiver_scripts.h"

#include <stdio.h>

sh_err queue_settings_state(sh_queue *queue, char ret[static SH_SETTINGS_VERSION_BYTES],
                            sh_error *error)
{
    SH_CLEANUP(sh_redis_reply_free_cleanup) sh_redis_reply *reply = NULL;
    const settings_state_arguments arguments = {
        .keys = {sh_slice_of(queue->settings), sh_slice_of(queue->settings_version)}};
    sh_err err = sh_redis_script_run(queue->redis, &sh_script_settings_state,
                                     SH_REDIS_ARGUMENTS(arguments), &reply, error);
    if (err != SH_OK)
        return err;
    sh_slice version = sh_redis_text(reply);
    (void)snprintf(ret, SH_SETTINGS_VERSION_BYTES, "%.*s", (int)version.len,
                   version.len > 0 ? version.data : "");
    return SH_OK;
}

sh_err queue_settings_publish(sh_queue *queue, sh_slice text, const char *expected,
                              const char *version, bool *published, sh_error *error)
{
    SH_CLEANUP(sh_redis_reply_free_cleanup) sh_redis_reply *reply = NULL;
    const settings_publish_arguments arguments = {
        .keys = {sh_slice_of(queue->settings), sh_slice_of(queue->settings_version)},
        .expected = sh_slice_of(expected),
        .version = sh_slice_of(version),
        .text = text,
    };
    sh_err err = sh_redis_script_run(queue->redis, &sh_script_settings_publish,
                                     SH_REDIS_ARGUMENTS(arguments), &reply, error);
    *published = err == SH_OK && sh_slice_equals(sh_redis_text(reply), SH_SLICE("done"));
    return err;
}
