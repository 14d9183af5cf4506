/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/operate/setting_list.h"

#include "libcommon/base/cleanup.h"
#include "libcommon/base/limits.h"
#include "libcommon/config/settings_made_on_hub.h"
#include "libcommon/queue/queue_settings.h"
#include "receiver/store/store_state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- Rows ------------------------------------------------------------------------------------ */

/* The settings of NetAlertX's plugin, in its order and words. */
static const struct {
    const char *name, *title;
} plugin_settings[] = {
    {"SYNC_RUN", "When to run"},      {"SYNC_RUN_SCHD", "Schedule"},
    {"SYNC_api_token", "API token"},  {"SYNC_encryption_key", "Encryption Key"},
    {"SYNC_node_name", "Node name"},  {"SYNC_hub_url", "Hub URL"},
    {"SYNC_devices", "Sync Devices"}, {"SYNC_plugins", "Sync Plugins"},
    {"SYNC_nodes", "Nodes"},          {"SYNC_RUN_TIMEOUT", "Run timeout"},
};
#define PLUGIN_SETTINGS (sizeof plugin_settings / sizeof plugin_settings[0])

const char *setting_title(const sh_setting *row)
{
    for (size_t i = 0; i < PLUGIN_SETTINGS; i++)
        if (strcmp(plugin_settings[i].name, row->name) == 0)
            return plugin_settings[i].title;
    return NULL;
}

static int by_name(const void *a, const void *b)
{
    const sh_setting *const *one = a, *const *other = b;
    return strcasecmp((*one)->name, (*other)->name);
}

size_t setting_rows(const sh_setting *ret[static SETTING_ROWS_MAX])
{
    size_t count = 0;
    for (size_t i = 0; i < PLUGIN_SETTINGS; i++)
        ret[count++] = sh_setting_find_shown(plugin_settings[i].name);
    for (size_t i = 0; i < sh_setting_count; i++) {
        const sh_setting *row = sh_setting_find_shown(sh_setting_table[i].name);
        bool known = setting_title(row) != NULL;
        for (size_t j = PLUGIN_SETTINGS; j < count && !known; j++)
            known = ret[j] == row;
        if (!known)
            ret[count++] = row;
    }
    qsort(ret + PLUGIN_SETTINGS, count - PLUGIN_SETTINGS, sizeof(const sh_setting *), by_name);
    return count;
}

/* --- Reading --------------------------------------------------------------------------------- */

static const char *text_of(const sh_json *object, const char *key)
{
    const sh_json *value = sh_json_member(object, key);
    return value != NULL && sh_json_kind_of(value) == SH_JSON_STRING ? sh_json_text(value).data
                                                                     : NULL;
}

/* Ignores a report that cannot be read: another version wrote it, or something else. */
static sh_err add_program(void *context, sh_slice text, int64_t age_s, sh_error *error)
{
    setting_list *l = context;
    sh_json *report = NULL;
    if (sh_json_parse(text.data, text.len, &report, NULL) != SH_OK)
        return SH_OK;
    setting_program one = {.report = report,
                           .program = text_of(report, "program"),
                           .role = text_of(report, "role"),
                           .host = text_of(report, "host"),
                           .version = text_of(report, "version"),
                           .age_s = age_s};
    const sh_json *settings = sh_json_member(report, "settings");
    if (one.program == NULL || one.role == NULL || one.host == NULL || one.version == NULL ||
        settings == NULL || sh_json_kind_of(settings) != SH_JSON_ARRAY) {
        sh_json_free(report);
        return SH_OK;
    }
    setting_program *programs = realloc(l->programs, (l->programs_count + 1) * sizeof *programs);
    if (programs == NULL) {
        sh_json_free(report);
        return sh_fail(error, SH_E_MEMORY, "out of memory");
    }
    l->programs = programs;
    l->programs[l->programs_count++] = one;
    return SH_OK;
}

static sh_err add_here(const sh_settings *settings, setting_list *l, sh_error *error)
{
    SH_CLEANUP(sh_buf_reset) sh_buf text = SH_BUF_INIT(SH_PROGRAM_REPORT_MAX);
    size_t before = l->programs_count;
    sh_err err = sh_buf_append_text(
        &text,
        "{\"program\":\"receiver\",\"role\":\"\",\"host\":\"\",\"version\":\"\",\"settings\":");
    if (err == SH_OK)
        err = sh_settings_report(settings, NULL, SH_FOR_RECEIVER, &text);
    if (err == SH_OK)
        err = sh_buf_append_text(&text, "}");
    if (err == SH_OK)
        err = add_program(l, (sh_slice){text.data, text.len}, 0, error);
    if (err != SH_OK || l->programs_count == before)
        return sh_fail(error, SH_E_MEMORY, "out of memory");
    l->programs[before].is_here = true;
    return SH_OK;
}

static sh_err add_stored(void *context, const store_state_entry *entry, sh_error *error)
{
    setting_list *l = context;
    stored_setting *stored = realloc(l->stored, (l->stored_count + 1) * sizeof *stored);
    if (stored == NULL)
        return sh_fail(error, SH_E_MEMORY, "out of memory");
    l->stored = stored;
    stored_setting *one = &stored[l->stored_count++];
    *one = (stored_setting){.name = strndup(entry->key.data, entry->key.len),
                            .value = strndup(entry->value.data, entry->value.len),
                            .changed_ms = entry->changed_ms};
    return one->name != NULL && one->value != NULL ? SH_OK
                                                   : sh_fail(error, SH_E_MEMORY, "out of memory");
}

sh_err setting_list_read(const sh_settings *settings, const hub_connections *hub, setting_list *ret,
                         sh_error *error)
{
    char version[STORE_VERSION_BYTES];
    const store_state_reader reader = {.each = add_stored, .context = ret};
    *ret = (setting_list){.has_redis = false};
    sh_err err = store_state_read(hub->store, STORE_SETTINGS, &reader, version, error);
    if (err != SH_OK)
        return err;
    ret->has_redis = sh_queue_programs(hub->queue, add_program, ret, NULL) == SH_OK;
    return add_here(settings, ret, error);
}

void setting_list_reset(setting_list *l)
{
    for (size_t i = 0; i < l->programs_count; i++)
        sh_json_free(l->programs[i].report);
    for (size_t i = 0; i < l->stored_count; i++) {
        free(l->stored[i].name);
        free(l->stored[i].value);
    }
    free(l->programs);
    free(l->stored);
    *l = (setting_list){.programs_count = 0};
}
