/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/operate/blocklist_edit.h"

#include "libcommon/base/cleanup.h"
#include "libcommon/base/clock.h"
#include "libcommon/base/utf8.h"
#include "libcommon/json/json_write.h"
#include "libcommon/netalertx/mac.h"
#include "receiver/merge/skip_macs_setting.h"
#include "receiver/operate/hub_connections.h"
#include "receiver/operate/json_time.h"
#include "receiver/store/store_state.h"

#include <stdlib.h>
#include <string.h>

#define BUSY_TRIES 5 /* another transaction may have been in the way */

/* --- Changes --------------------------------------------------------------------------------- */

typedef struct {
    const blocklist_edit *edit;
    sh_mac *macs; /* in lower case, as keys compare ignoring case */
    size_t changed;
} list_change;

/* Reads a MAC in any spelling. */
static sh_err read_mac(const char *text, sh_mac *ret, sh_error *error)
{
    sh_error reason = {.code = SH_OK};
    if (sh_mac_read(sh_slice_of(text), ret, &reason) != SH_OK)
        return sh_fail(error, SH_E_CONFIG, "%s", reason.message);
    for (size_t i = 0; i < ret->len; i++)
        if (ret->text[i] >= 'A' && ret->text[i] <= 'Z')
            ret->text[i] = (char)(ret->text[i] - 'A' + 'a');
    return SH_OK;
}

static sh_err check_note(const char *text, sh_error *error)
{
    sh_slice note = sh_slice_of(text);
    if (note.len > SH_BLOCKLIST_NOTE_MAX || !sh_utf8_is_valid(note.data, note.len))
        return sh_fail(error, SH_E_CONFIG, "a note is a text in UTF-8 of at most %d bytes",
                       SH_BLOCKLIST_NOTE_MAX);
    return SH_OK;
}

static sh_err read_edit(const blocklist_edit *edit, list_change *ret, sh_error *error)
{
    *ret = (list_change){.edit = edit, .macs = calloc(edit->count + 1, sizeof *ret->macs)};
    if (ret->macs == NULL)
        return sh_fail(error, SH_E_MEMORY, "out of memory");
    sh_err err = check_note(edit->note, error);
    for (size_t i = 0; i < edit->count && err == SH_OK; i++)
        err = read_mac(edit->macs[i], &ret->macs[i], error);
    return err;
}

/* In the transaction. Nothing is removed if one is not on the list. */
static sh_err change_one(list_change *c, const sh_mac *mac, store *s, sh_error *error)
{
    SH_CLEANUP(sh_buf_reset) sh_buf note = SH_BUF_INIT(SH_KIB);
    sh_error unknown = {.code = SH_OK};
    sh_err err = store_state_get(s, STORE_BLOCKLIST, mac->text, &note, &unknown);
    bool known = err == SH_OK;
    if (err != SH_OK && err != SH_E_NOT_FOUND)
        return sh_fail(error, err, "%s", unknown.message);
    if (!known && !c->edit->adds)
        return sh_fail(error, SH_E_NOT_FOUND,
                       "%s is not on the blocklist: `blocklist list` shows it; devices in "
                       "SYNC_skip_macs are removed there",
                       mac->text);
    c->changed += known != c->edit->adds;
    if (!c->edit->adds)
        return store_state_delete(s, STORE_BLOCKLIST, mac->text, error);
    if (known &&
        (c->edit->note[0] == '\0' || (note.len > 0 && strcmp(note.data, c->edit->note) == 0)))
        return SH_OK;
    const store_state_entry entry = {.key = {mac->text, mac->len},
                                     .value = sh_slice_of(c->edit->note),
                                     .changed_ms = sh_clock_unix_ms()};
    return store_state_put(s, STORE_BLOCKLIST, &entry, error);
}

static sh_err change_all(list_change *c, store *s, sh_error *error)
{
    int64_t count = 0;
    sh_err err = SH_OK;
    c->changed = 0;
    for (size_t i = 0; i < c->edit->count && err == SH_OK; i++)
        err = change_one(c, &c->macs[i], s, error);
    if (err == SH_OK)
        err = store_state_count(s, STORE_BLOCKLIST, &count, error);
    if (err == SH_OK && c->edit->adds && count > SH_LIST_MAX)
        err = sh_fail(error, SH_E_LIMIT, "the blocklist may have at most %d devices", SH_LIST_MAX);
    if (err == SH_OK && !c->edit->adds) /* tables whose rows were skipped */
        err = store_state_forget_digests(s, error);
    return err;
}

static sh_err apply(list_change *c, store *s, sh_error *error)
{
    char version[STORE_VERSION_BYTES];
    sh_err err = store_state_begin(s, STORE_BLOCKLIST, version, error);
    if (err != SH_OK)
        return err;
    err = change_all(c, s, error);
    if (err == SH_OK)
        err = store_state_commit(s, STORE_BLOCKLIST, error);
    if (err != SH_OK)
        store_rollback(s);
    return err;
}

static sh_err change_list(list_change *c, const sh_settings *settings, sh_error *error)
{
    hub_connections hub;
    sh_err err = hub_connections_open(settings, &hub, error);
    for (int i = 0; err == SH_OK && i < BUSY_TRIES; i++) {
        sh_error_clear(error);
        sh_err applied = apply(c, hub.store, error);
        if (applied != SH_E_BUSY || i + 1 == BUSY_TRIES) {
            err = applied;
            break;
        }
    }
    hub_connections_close(&hub);
    return err;
}

sh_err blocklist_edit_apply(const sh_settings *settings, const blocklist_edit *edit,
                            size_t *changed, sh_error *error)
{
    list_change change;
    sh_err err = read_edit(edit, &change, error);
    if (err == SH_OK)
        err = change_list(&change, settings, error);
    *changed = change.changed;
    free(change.macs);
    return err;
}

/* --- The list -------------------------------------------------------------------------------- */

static sh_err add_listed(blocked_devices *l, sh_slice mac, const sh_slice *note, int64_t added_ms)
{
    if (l->count == l->capacity) {
        size_t capacity = l->capacity == 0 ? 64 : 2 * l->capacity;
        blocked_device *items = reallocarray(l->items, capacity, sizeof *items);
        if (items == NULL)
            return SH_E_MEMORY;
        l->items = items;
        l->capacity = capacity;
    }
    blocked_device *one = &l->items[l->count];
    *one = (blocked_device){.mac = strndup(mac.data, mac.len), .added_ms = added_ms};
    if (note != NULL)
        one->note = strndup(note->data, note->len);
    l->count++;
    return one->mac == NULL || (note != NULL && one->note == NULL) ? SH_E_MEMORY : SH_OK;
}

void blocked_devices_reset(blocked_devices *l)
{
    for (size_t i = 0; i < l->count; i++) {
        free(l->items[i].mac);
        free(l->items[i].note);
    }
    free(l->items);
    *l = (blocked_devices){.count = 0};
}

static sh_err add_entry(void *context, const store_state_entry *entry, sh_error *error)
{
    return add_listed(context, entry->key, &entry->value, entry->changed_ms) == SH_OK
               ? SH_OK
               : sh_fail(error, SH_E_MEMORY, "out of memory");
}

static int by_mac(const void *a, const void *b)
{
    const blocked_device *other = b;
    return blocked_device_compare(a, other->mac, blocked_device_source(other));
}

sh_err blocked_devices_read(const sh_settings *settings, blocked_devices *ret, sh_error *error)
{
    char version[STORE_VERSION_BYTES];
    const store_state_reader reader = {.each = add_entry, .context = ret};
    SH_CLEANUP(sh_list_reset) sh_list made = {.count = 0};
    bool is_made = false;
    store *s = NULL;
    *ret = (blocked_devices){.count = 0};
    sh_err err = hub_connections_check_role(settings, error);
    if (err == SH_OK)
        err = store_open(settings->db, STORE_READ_ONLY, &s, error);
    if (err == SH_OK)
        err = store_state_read(s, STORE_BLOCKLIST, &reader, version, error);
    if (err == SH_OK)
        err = skip_macs_setting_read(settings, s, &made, &is_made, error);
    store_close(s);
    const sh_list *skipped = is_made ? &made : &settings->skip_macs;
    for (size_t i = 0; i < skipped->count && err == SH_OK; i++)
        if (add_listed(ret, sh_slice_of(skipped->items[i]), NULL, 0) != SH_OK)
            err = sh_fail(error, SH_E_MEMORY, "out of memory");
    if (err == SH_OK && ret->count > 0)
        qsort(ret->items, ret->count, sizeof ret->items[0], by_mac);
    return err;
}

const char *blocked_device_source(const blocked_device *device)
{
    return device->note == NULL ? "SYNC_skip_macs" : "blocklist";
}

int blocked_device_compare(const blocked_device *device, const char *mac, const char *source)
{
    int order = strcmp(device->mac, mac);
    return order != 0 ? order : strcmp(blocked_device_source(device), source);
}

sh_err blocked_device_write(sh_buf *json, const blocked_device *device)
{
    sh_err err = sh_buf_append_text(json, "{");
    if (err == SH_OK)
        err = sh_json_write_member_text(json, "mac", device->mac);
    if (err == SH_OK)
        err = sh_json_write_member_text(json, "source", blocked_device_source(device));
    if (err == SH_OK)
        err = json_time_write_both(json, "added", device->added_ms);
    if (err == SH_OK)
        err = sh_json_write_member_text(json, "note", device->note == NULL ? "" : device->note);
    return err == SH_OK ? sh_buf_append_text(json, "}") : err;
}
