/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/merge/blocklist.h"

#include "libcommon/base/cleanup.h"
#include "libcommon/base/clock.h"
#include "libcommon/base/limits.h"
#include "libcommon/runtime/log.h"

#include <string.h>

sh_err blocklist_init(blocklist *b, const sh_settings *settings, sh_error *error)
{
    *b = (blocklist){.settings = settings, .setting = &settings->skip_macs};
    return skip_rules_new(b->setting, &b->blocked, &b->skipped, error);
}

void blocklist_reset(blocklist *b)
{
    skip_rules_free(b->skipped);
    b->skipped = NULL;
    sh_list_reset(&b->blocked);
    sh_list_reset(&b->made);
    b->setting = NULL;
}

void blocklist_forget(blocklist *b)
{
    b->is_loaded = false;
    b->checked_ms = 0;
}

static sh_err add_key(void *context, const store_state_entry *entry, sh_error *error)
{
    sh_err err = sh_list_add(context, entry->key);
    return err == SH_OK ? SH_OK : sh_fail(error, err, "no memory for the blocklist");
}

/* Whether each key of the former list is in the new set. */
static bool has_all(const skip_rules *skipped, const sh_list *former)
{
    for (size_t i = 0; i < former->count; i++) {
        sh_mac mac;
        if (sh_mac_read(sh_slice_of(former->items[i]), &mac, NULL) == SH_OK &&
            !skip_rules_has(skipped, &mac))
            return false;
    }
    return true;
}

/* Takes ownership of the keys, and reads SYNC_skip_macs. */
static sh_err replace(blocklist *b, store *s, sh_list *keys, const char *version, bool *readmits,
                      sh_error *error)
{
    SH_CLEANUP(sh_list_reset) sh_list made = {.count = 0};
    skip_rules *skipped = NULL;
    bool is_made = false;
    sh_err err = skip_macs_setting_read(b->settings, s, &made, &is_made, error);
    /* The set borrows the texts of the lists, wherever these are. */
    if (err == SH_OK)
        err = skip_rules_new(is_made ? &made : &b->settings->skip_macs, keys, &skipped, error);
    if (err != SH_OK)
        return err;
    *readmits = *readmits ||
                (b->is_loaded && !(has_all(skipped, &b->blocked) && has_all(skipped, b->setting)));
    if (b->is_loaded)
        sh_log_info("devices that are never inserted were changed: the blocklist has %zu",
                    keys->count);
    blocklist_reset(b);
    b->made = made;
    made = (sh_list){.count = 0};
    b->setting = is_made ? &b->made : &b->settings->skip_macs;
    b->skipped = skipped;
    b->blocked = *keys;
    *keys = (sh_list){.count = 0};
    (void)memcpy(b->version, version, sizeof b->version);
    b->is_loaded = true;
    return SH_OK;
}

sh_err blocklist_is_current(const blocklist *b, store *s, bool *ret, sh_error *error)
{
    char version[STORE_VERSION_BYTES];
    sh_err err = store_state_hold(s, STORE_BLOCKLIST, version, error);
    *ret = err == SH_OK && b->is_loaded && strcmp(version, b->version) == 0;
    return err;
}

sh_err blocklist_hold(blocklist *b, store *s, bool *readmits, sh_error *error)
{
    SH_CLEANUP(sh_list_reset) sh_list keys = {.count = 0};
    char version[STORE_VERSION_BYTES];
    sh_err err = store_state_hold(s, STORE_BLOCKLIST, version, error);
    if (err != SH_OK || (b->is_loaded && strcmp(version, b->version) == 0))
        return err;
    const store_state_reader reader = {.each = add_key, .context = &keys};
    err = store_state_entries(s, STORE_BLOCKLIST, &reader, error);
    return err == SH_OK ? replace(b, s, &keys, version, readmits, error) : err;
}

sh_err blocklist_refresh(blocklist *b, store *s, bool *readmits, sh_error *error)
{
    SH_CLEANUP(sh_list_reset) sh_list keys = {.count = 0};
    char version[STORE_VERSION_BYTES];
    int64_t now_ms = sh_clock_monotonic_ms();
    if (b->checked_ms != 0 && now_ms - b->checked_ms < SH_PUBLICATION_CHECK_MS)
        return SH_OK;
    sh_err err = store_state_version(s, STORE_BLOCKLIST, version, error);
    if (err == SH_OK && (!b->is_loaded || strcmp(version, b->version) != 0)) {
        const store_state_reader reader = {.each = add_key, .context = &keys};
        err = store_state_read(s, STORE_BLOCKLIST, &reader, version, error);
        if (err == SH_OK)
            err = replace(b, s, &keys, version, readmits, error);
    }
    if (err == SH_OK)
        b->checked_ms = now_ms;
    return err;
}
