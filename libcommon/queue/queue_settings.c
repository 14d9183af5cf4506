/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/queue/queue_settings.h"

#include "libcommon/base/cleanup.h"
#include "libcommon/queue/queue_handle.h"
#include "libcommon/queue/queue_scripts.h"

#include <string.h>

static void copy_version(sh_slice text, char ret[static SH_SETTINGS_VERSION_BYTES])
{
    size_t len = text.len < SH_SETTINGS_VERSION_BYTES ? text.len : SH_SETTINGS_VERSION_BYTES - 1;
    if (len > 0)
        memcpy(ret, text.data, len);
    ret[len] = '\0';
}

sh_err sh_queue_settings_version(sh_queue *queue, char ret[static SH_SETTINGS_VERSION_BYTES],
                                 sh_error *error)
{
    SH_CLEANUP(sh_redis_reply_free_cleanup) sh_redis_reply *reply = NULL;
    sh_slice argv[] = {SH_SLICE("GET"), sh_slice_of(queue->settings_version)};
    sh_err err = sh_redis_call(queue->redis, 2, argv, &reply, error);
    if (err == SH_OK)
        copy_version(sh_redis_text(reply), ret);
    return err;
}

sh_err sh_queue_settings_load(sh_queue *queue, char version[static SH_SETTINGS_VERSION_BYTES],
                              sh_buf *ret, sh_error *error)
{
    SH_CLEANUP(sh_redis_reply_free_cleanup) sh_redis_reply *reply = NULL;
    const sh_settings_load_arguments arguments = {
        .keys = {sh_slice_of(queue->settings), sh_slice_of(queue->settings_version)}};
    sh_err err = sh_redis_script_run(queue->redis, &sh_script_settings_load,
                                     SH_REDIS_ARGUMENTS(arguments), &reply, error);
    if (err != SH_OK)
        return err;
    if (sh_redis_count(reply) != 2)
        return sh_fail(error, SH_E_FORMAT, "Redis replied no settings");
    copy_version(sh_redis_text(sh_redis_at(reply, 0)), version);
    sh_slice text = sh_redis_text(sh_redis_at(reply, 1));
    err = sh_buf_append(ret, text.data, text.len);
    return err == SH_OK ? SH_OK : sh_fail(error, err, "no memory for the hub's settings");
}
