/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/merge/skip_macs_setting.h"

#include "libcommon/base/cleanup.h"
#include "libcommon/base/limits.h"
#include "libcommon/config/settings_load.h"
#include "libcommon/config/settings_made_on_hub.h"
#include "libcommon/config/settings_value.h"
#include "libcommon/runtime/log.h"

sh_err skip_macs_setting_read(const sh_settings *settings, store *s, sh_list *ret, bool *found,
                              sh_error *error)
{
    SH_CLEANUP(sh_buf_reset) sh_buf text = SH_BUF_INIT(SH_SETTING_LIST_MAX);
    SH_CLEANUP(sh_settings_reset) sh_settings scratch = {0};
    const sh_setting *row = sh_setting_find_hub(SKIP_SETTING);
    sh_error why = {.code = SH_OK};
    *found = false;
    if (!sh_setting_is_open(row, settings, SH_FOR_RECEIVER))
        return SH_OK;
    sh_err err = store_state_get(s, STORE_SETTINGS, SKIP_SETTING, &text, &why);
    if (err == SH_E_NOT_FOUND)
        return SH_OK;
    if (err != SH_OK)
        return sh_fail(error, err, "%s", why.message);
    err = sh_setting_parse(row, &scratch, text.data == NULL ? "" : text.data, &why);
    if (err == SH_E_MEMORY)
        return sh_fail(error, err, "out of memory");
    if (err != SH_OK) { /* of another version */
        sh_log_warning("the hub's SYNC_skip_macs is ignored here: %s", why.message);
        return SH_OK;
    }
    *ret = scratch.skip_macs;
    scratch.skip_macs = (sh_list){.count = 0};
    *found = true;
    return SH_OK;
}
