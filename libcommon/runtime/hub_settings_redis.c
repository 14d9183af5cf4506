/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/runtime/hub_settings_redis.h"

#include "libcommon/base/cleanup.h"
#include "libcommon/base/limits.h"
#include "libcommon/queue/queue_settings.h"
#include "libcommon/runtime/hub_settings.h"
#include "libcommon/runtime/log.h"

static sh_err load(sh_queue *queue)
{
    SH_CLEANUP(sh_buf_reset) sh_buf text = SH_BUF_INIT(SH_HUB_SETTINGS_MAX);
    char version[SH_SETTINGS_VERSION_BYTES];
    sh_err err = sh_queue_settings_load(queue, version, &text, NULL);
    if (err == SH_OK && version[0] != '\0')
        sh_hub_settings_put(version, &text);
    return err;
}

void sh_hub_settings_refresh(sh_queue *queue)
{
    SH_CLEANUP(sh_buf_reset) sh_buf report = SH_BUF_INIT(SH_PROGRAM_REPORT_MAX);
    char version[SH_SETTINGS_VERSION_BYTES], id[SH_PROGRAM_ID_BYTES];
    sh_error error = {.code = SH_OK};
    if (sh_queue_settings_version(queue, version, NULL) != SH_OK)
        return; /* the next call */
    if (sh_hub_settings_is_newer(version) && load(queue) != SH_OK)
        return;
    if (sh_hub_settings_report_due(&report, id) &&
        sh_queue_program_put(queue, id, (sh_slice){report.data, report.len}, &error) != SH_OK)
        sh_log_debug("the settings of this program are not reported: %s", error.message);
}

void sh_hub_settings_leave(sh_queue *queue)
{
    char id[SH_PROGRAM_ID_BYTES];
    if (sh_hub_settings_report_end(id)) /* otherwise it counts for SH_PROGRAM_KEPT_S */
        (void)sh_queue_program_put(queue, id, SH_SLICE(""), NULL);
}
