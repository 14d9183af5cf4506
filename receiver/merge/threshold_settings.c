/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/merge/threshold_settings.h"

#include "libcommon/base/cleanup.h"
#include "libcommon/base/limits.h"
#include "libcommon/config/settings_load.h"
#include "libcommon/config/settings_made_on_hub.h"
#include "libcommon/config/settings_value.h"
#include "libcommon/runtime/log.h"
#include "receiver/store/store_thresholds.h"

#include <stdio.h>
#include <string.h>

static const char *const names[STORE_THRESHOLDS] = {
    [STORE_SILENT_AFTER] = "SYNC_silent_after",
    [STORE_LATE_AFTER] = "SYNC_late_after",
    [STORE_NEVER_AFTER] = "SYNC_never_after",
};

static int64_t value_of(const sh_settings *settings, store_threshold which)
{
    switch (which) {
    case STORE_SILENT_AFTER:
        return settings->silent_after_s;
    case STORE_LATE_AFTER:
        return settings->late_after_s;
    default:
        return settings->never_after_s;
    }
}

/* What was made on the hub by another version may be invalid here: then it is the default. */
static sh_err read_text(const sh_setting *row, store_threshold which, const char *text,
                        int64_t *ret_s, sh_error *error)
{
    SH_CLEANUP(sh_settings_reset) sh_settings scratch = {0};
    sh_error why = {.code = SH_OK};
    sh_err err = sh_setting_parse(row, &scratch, text, &why);
    if (err == SH_E_CONFIG) {
        sh_log_warning("the hub's %s is ignored here: %s", row->name, why.message);
        err = sh_setting_parse(row, &scratch, row->fallback, &why);
    }
    *ret_s = value_of(&scratch, which);
    return err == SH_OK ? SH_OK : sh_fail(error, err, "%s", why.message);
}

/* In a transaction: what this receiver's environment, the hub or the default says. */
static sh_err read_effective(const sh_settings *settings, store *s, store_threshold which,
                             int64_t *ret_s, sh_error *error)
{
    SH_CLEANUP(sh_buf_reset) sh_buf text = SH_BUF_INIT(SH_SETTING_MAX);
    const sh_setting *row = sh_setting_find_hub(names[which]);
    sh_error why = {.code = SH_OK};
    if (!sh_setting_is_open(row, settings, SH_FOR_RECEIVER)) {
        *ret_s = value_of(settings, which);
        return SH_OK;
    }
    sh_err err = store_state_get(s, STORE_SETTINGS, row->name, &text, &why);
    if (err != SH_OK && err != SH_E_NOT_FOUND)
        return sh_fail(error, err, "%s", why.message);
    return read_text(row, which, err == SH_OK && text.len > 0 ? text.data : row->fallback, ret_s,
                     error);
}

static sh_err note_all(const sh_settings *settings, store *s, bool *changed, sh_error *error)
{
    char version[STORE_VERSION_BYTES];
    sh_err err = store_state_hold(s, STORE_SETTINGS, version, error);
    for (store_threshold which = 0; which < STORE_THRESHOLDS && err == SH_OK; which++) {
        int64_t before_s = 0, now_s = 0;
        err = store_threshold_get(s, which, &before_s, error);
        if (err == SH_OK)
            err = read_effective(settings, s, which, &now_s, error);
        if (err != SH_OK || before_s == now_s)
            continue;
        *changed = true;
        err = store_threshold_put(s, which, now_s, error);
    }
    return err;
}

sh_err threshold_settings_note(threshold_settings *t, const sh_settings *settings, store *s,
                               const char *version, bool *again, sh_error *error)
{
    bool changed = false;
    *again = !t->noted || strcmp(t->version, version) != 0;
    if (!*again)
        return SH_OK;
    t->noted = false;
    sh_err err = store_begin(s, error);
    if (err != SH_OK)
        return err;
    err = note_all(settings, s, &changed, error);
    if (err == SH_OK && changed)
        err = store_commit(s, error);
    if (err != SH_OK || !changed)
        store_rollback(s);
    t->noted = err == SH_OK;
    (void)snprintf(t->version, sizeof t->version, "%s", version);
    return err;
}

sh_err threshold_setting_changed(store *s, const sh_setting *row, const char *value,
                                 sh_error *error)
{
    for (store_threshold which = 0; which < STORE_THRESHOLDS; which++) {
        int64_t seconds = 0;
        if (strcmp(row->name, names[which]) != 0)
            continue;
        sh_err err = read_text(row, which, value == NULL ? row->fallback : value, &seconds, error);
        return err == SH_OK ? store_threshold_put(s, which, seconds, error) : err;
    }
    return SH_OK;
}
