/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/operate/setting_change.h"

#include "libcommon/base/cleanup.h"
#include "libcommon/base/clock.h"
#include "libcommon/base/limits.h"
#include "libcommon/base/spelling.h"
#include "libcommon/config/settings_made_on_hub.h"
#include "libcommon/runtime/log.h"
#include "receiver/merge/settings_publication.h"
#include "receiver/merge/skip_macs_setting.h"
#include "receiver/merge/threshold_settings.h"
#include "receiver/operate/setting_list.h"

#include <string.h>

#define BUSY_TRIES 5 /* another transaction may have been in the way */

sh_err setting_find(const char *name, const sh_setting **ret, sh_error *error)
{
    *ret = sh_setting_find_shown(name);
    if (*ret != NULL)
        return SH_OK;
    sh_nearest nearest = sh_nearest_begin(name);
    for (size_t i = 0; i < sh_setting_count; i++)
        sh_nearest_try(&nearest, name, sh_setting_table[i].name);
    return sh_fail(error, SH_E_NOT_FOUND, "there is no setting '%.100s'%s%s%s", name,
                   nearest.word == NULL ? "" : ": did you mean ",
                   nearest.word == NULL ? "" : nearest.word, nearest.word == NULL ? "" : "?");
}

static sh_err check_changeable(const sh_settings *settings, const hub_connections *hub,
                               const sh_setting *row, sh_error *error)
{
    SH_CLEANUP(setting_list_reset) setting_list list = {.programs_count = 0};
    setting_item item;
    sh_err err = setting_list_read(settings, hub, &list, error);
    if (err != SH_OK)
        return err;
    setting_item_of(&list, row, &item);
    return item.changeable ? SH_OK
                           : sh_fail(error, SH_E_REFUSED, "%s cannot be changed here. %s",
                                     row->name, item.reason);
}

/* In a transaction. value NULL: deletes it. */
static sh_err write_setting(store *s, const sh_setting *row, const sh_buf *value, sh_error *error)
{
    sh_error reason = {.code = SH_OK};
    sh_err err;
    if (value == NULL) {
        err = store_state_delete(s, STORE_SETTINGS, row->name, &reason);
        if (err != SH_OK && err != SH_E_NOT_FOUND)
            return sh_fail(error, err, "%s", reason.message);
        err = SH_OK;
    } else {
        const store_state_entry entry = {.key = sh_slice_of(row->name),
                                         .value = {value->data, value->len},
                                         .changed_ms = sh_clock_unix_ms()};
        err = store_state_put(s, STORE_SETTINGS, &entry, error);
    }
    if (err == SH_OK)
        err = threshold_setting_changed(s, row, value == NULL ? NULL : value->data, error);
    if (err != SH_OK || strcmp(row->name, SKIP_SETTING) != 0)
        return err;
    err = store_state_touch(s, STORE_BLOCKLIST, error);
    return err == SH_OK ? store_state_forget_digests(s, error) : err;
}

static sh_err change_once(store *s, const sh_setting *row, const sh_buf *value, sh_error *error)
{
    char version[STORE_VERSION_BYTES];
    sh_err err = store_state_begin(s, STORE_SETTINGS, version, error);
    if (err != SH_OK)
        return err;
    err = write_setting(s, row, value, error);
    if (err == SH_OK)
        err = store_state_commit(s, STORE_SETTINGS, error);
    if (err != SH_OK)
        store_rollback(s);
    return err;
}

static sh_err publish(const hub_connections *hub, sh_error *error)
{
    sh_error reason = {.code = SH_OK};
    if (!hub->is_published) {
        sh_log_info("a receiver that merges publishes this change when it runs");
        return SH_OK;
    }
    sh_err err = settings_publish(hub->store, hub->queue, &reason);
    return err == SH_OK ? SH_OK
                        : sh_fail(error, err,
                                  "the change is stored in the database, but the programs do not "
                                  "know it yet, as it could not be published: %s; a receiver that "
                                  "merges does so as soon as it can",
                                  reason.message);
}

sh_err setting_change(const sh_settings *settings, const hub_connections *hub,
                      const sh_setting *row, const char *text, sh_error *error)
{
    SH_CLEANUP(sh_buf_reset) sh_buf value = SH_BUF_INIT(SH_SETTING_LIST_MAX);
    sh_err err = check_changeable(settings, hub, row, error);
    if (err == SH_OK && text != NULL)
        err = sh_setting_normalize(row, text, &value, error);
    for (int i = 0; err == SH_OK && i < BUSY_TRIES; i++) {
        sh_error reason = {.code = SH_OK};
        sh_err changed = change_once(hub->store, row, text == NULL ? NULL : &value, &reason);
        if (changed == SH_OK)
            return publish(hub, error);
        if (changed != SH_E_BUSY || i + 1 == BUSY_TRIES)
            err = sh_fail(error, changed, "%s", reason.message);
    }
    return err;
}
