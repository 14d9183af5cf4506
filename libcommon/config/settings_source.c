/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/config/settings_source.h"

#include "libcommon/base/cleanup.h"
#include "libcommon/base/limits.h"
#include "libcommon/base/spelling.h"
#include "libcommon/base/utf8.h"
#include "libcommon/base/value_hint.h"
#include "libcommon/config/env_file.h"
#include "libcommon/netalertx/app_conf.h"
#include "libcommon/os/file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#define NAME_MAX_BYTES 128 /* longest name of a setting, with `_FILE` */

static void wipe_text(char *text)
{
    if (text != NULL)
        explicit_bzero(text, strlen(text));
    free(text);
}

void sh_source_reset(sh_source *source)
{
    for (size_t i = 0; i < source->count; i++) {
        free(source->entries[i].name);
        wipe_text(source->entries[i].value);
        free(source->entries[i].invalid);
    }
    free(source->entries);
    *source = (sh_source){0};
}

void sh_source_value_reset(sh_source_value *value)
{
    wipe_text(value->text);
    free(value->file);
    *value = (sh_source_value){0};
}

/* Returns the entry of exactly this name, or adds one without a value. NULL: out of memory. */
static sh_source_entry *get_or_add_entry(sh_source *source, sh_slice name)
{
    for (size_t i = 0; i < source->count; i++) {
        if (sh_slice_equals(sh_slice_of(source->entries[i].name), name))
            return &source->entries[i];
    }
    sh_source_entry *entries = realloc(source->entries, (source->count + 1) * sizeof *entries);
    if (entries == NULL)
        return NULL;
    source->entries = entries;
    char *copy = strndup(name.data, name.len);
    if (copy == NULL)
        return NULL;
    sh_source_entry *entry = &entries[source->count++];
    *entry = (sh_source_entry){.name = copy};
    return entry;
}

sh_err sh_source_set(sh_source *source, sh_slice name, sh_slice value, bool is_list,
                     sh_error *error)
{
    char *copy = strndup(value.data, value.len); /* first: each entry must have a value */
    sh_source_entry *entry = copy == NULL ? NULL : get_or_add_entry(source, name);
    if (entry == NULL) {
        wipe_text(copy);
        return sh_fail(error, SH_E_MEMORY, "out of memory");
    }
    wipe_text(entry->value);
    entry->value = copy;
    entry->is_list = is_list;
    free(entry->invalid);
    entry->invalid = NULL;
    return SH_OK;
}

sh_err sh_source_set_invalid(sh_source *source, sh_slice name, const char *why, sh_error *error)
{
    sh_err err = sh_source_set(source, name, SH_SLICE(""), false, error);
    if (err != SH_OK)
        return err;
    sh_source_entry *entry = get_or_add_entry(source, name);
    entry->invalid = strdup(why);
    return entry->invalid == NULL ? sh_fail(error, SH_E_MEMORY, "out of memory") : SH_OK;
}

bool sh_source_is_setting_name(sh_slice name)
{
    return (name.len > 5 && strncasecmp(name.data, "SYNC_", 5) == 0) ||
           (name.len == 9 && strncasecmp(name.data, "API_TOKEN", 9) == 0) ||
           (name.len == 14 && strncasecmp(name.data, "API_TOKEN_FILE", 14) == 0);
}

sh_err sh_source_from_environment(char *const environment[], sh_source *ret, sh_error *error)
{
    for (size_t i = 0; environment[i] != NULL; i++) {
        const char *text = environment[i];
        const char *equals = strchr(text, '=');
        if (equals == NULL)
            continue;
        sh_slice name = {.data = text, .len = (size_t)(equals - text)};
        if (sh_utf8_has_bom(name.data, name.len)) /* the first line of an env-file */
            name = (sh_slice){text + SH_UTF8_BOM_BYTES, name.len - SH_UTF8_BOM_BYTES};
        if (!sh_source_is_setting_name(name))
            continue;
        sh_err err = sh_source_set(ret, name, sh_slice_of(equals + 1), false, error);
        if (err != SH_OK)
            return err;
    }
    return SH_OK;
}

/* The content without the byte order mark that some editors add. */
static sh_slice without_bom(const sh_buf *content)
{
    size_t skip =
        content->len > 0 && sh_utf8_has_bom(content->data, content->len) ? SH_UTF8_BOM_BYTES : 0;
    return (sh_slice){content->data + skip, content->len - skip};
}

/* A file while it is read. */
typedef struct {
    const char *path;
    sh_source *source;
} source_file;

static sh_err on_env_file_item(void *context, sh_slice name, sh_slice value, sh_error *error)
{
    if (!sh_source_is_setting_name(name))
        return SH_OK;
    const source_file *file = context;
    if (value.len > 0 && memchr(value.data, '\0', value.len) != NULL) {
        sh_error why = {0};
        (void)sh_fail(&why, SH_E_FORMAT, "%s: %.*s contains a NUL character", file->path,
                      (int)name.len, name.data);
        return sh_source_set_invalid(file->source, name, why.message, error);
    }
    return sh_source_set(file->source, name, value, false, error);
}

sh_err sh_source_from_env_file(const char *path, sh_source *ret, sh_error *error)
{
    SH_CLEANUP(sh_buf_wipe) sh_buf content = SH_BUF_INIT(SH_CONFIG_FILE_MAX);
    sh_error why = {0};
    sh_err err = sh_file_read(path, &content, NULL, &why);
    if (err == SH_E_NOT_FOUND)
        return SH_OK;
    if (err == SH_OK && content.len > 0) {
        err = sh_env_file_read(without_bom(&content), on_env_file_item,
                               &(source_file){.path = path, .source = ret}, &why);
        if (err != SH_OK && err != SH_E_MEMORY)
            return sh_fail(error, SH_E_CONFIG, "%s: %s", path, why.message);
    }
    if (err == SH_E_MEMORY)
        return sh_fail(error, err, "out of memory");
    return err == SH_OK ? SH_OK : sh_fail(error, SH_E_CONFIG, "%s", why.message);
}

sh_err sh_source_from_credentials(const char *folder, int program, sh_source *ret, sh_error *error)
{
    for (size_t i = 0; i < sh_setting_count; i++) {
        const sh_setting *row = &sh_setting_table[i];
        char name[NAME_MAX_BYTES];
        if (row->credential == NULL || (row->programs & program) == 0)
            continue;
        char *path = sh_text_format("%s/%s", folder, row->credential);
        if (path == NULL)
            return sh_fail(error, SH_E_MEMORY, "out of memory");
        (void)snprintf(name, sizeof name, "%s_FILE", row->name);
        /* Our systemd units set an absent credential to an empty line. */
        struct stat file;
        sh_err err = stat(path, &file) == 0 && file.st_size > 1
                         ? sh_source_set(ret, sh_slice_of(name), sh_slice_of(path), false, error)
                         : SH_OK;
        free(path);
        if (err != SH_OK)
            return err;
    }
    return SH_OK;
}

static sh_err on_app_conf_item(void *context, const sh_app_conf_item *item, sh_error *error)
{
    const source_file *file = context;
    sh_error why = {0};
    if (item->invalid == NULL)
        return sh_source_set(file->source, item->name, item->value, item->is_list, error);
    (void)sh_fail(&why, SH_E_CONFIG, "SYNC_config_file: %s, %s", file->path, item->invalid);
    return sh_source_set_invalid(file->source, item->name, why.message, error);
}

sh_err sh_source_from_app_conf(const char *path, sh_source *ret, sh_file_stamp *stamp,
                               sh_error *error)
{
    SH_CLEANUP(sh_buf_wipe) sh_buf content = SH_BUF_INIT(SH_CONFIG_FILE_MAX);
    sh_error why = {0};
    sh_err err = sh_file_read(path, &content, stamp, &why);
    if (err == SH_E_MEMORY)
        return sh_fail(error, err, "out of memory");
    if (err != SH_OK)
        return sh_fail(error, SH_E_CONFIG, "SYNC_config_file: %s", why.message);
    if (content.len == 0)
        return SH_OK;
    sh_slice text = without_bom(&content);
    err = sh_app_conf_read(text.data, text.len, on_app_conf_item,
                           &(source_file){.path = path, .source = ret}, &why);
    if (err == SH_E_MEMORY)
        return sh_fail(error, err, "out of memory");
    if (err != SH_OK)
        return sh_fail(error, SH_E_CONFIG, "SYNC_config_file: %s, %s", path, why.message);
    return SH_OK;
}

/* Finds a name in any case. Several spellings are allowed if their values are equal. */
static sh_err find_entry(const sh_source *source, const char *name, const sh_source_entry **ret,
                         sh_error *error)
{
    for (size_t i = 0; i < source->count; i++) {
        const sh_source_entry *entry = &source->entries[i];
        bool empty = entry->value[0] == '\0' && entry->invalid == NULL;
        if (empty || !sh_text_equals_ignoring_case(entry->name, name))
            continue;
        if (entry->invalid != NULL)
            return sh_fail(error, SH_E_CONFIG, "%s", entry->invalid);
        if (*ret != NULL && strcmp((*ret)->value, entry->value) != 0)
            return sh_fail(error, SH_E_CONFIG,
                           "%s and %s are both set, to different values: keep one of them",
                           (*ret)->name, entry->name);
        *ret = entry;
    }
    return SH_OK;
}

/* Finds a setting by its name or alias, followed by suffix. */
static sh_err find_setting(const sh_source *source, const sh_setting *row, const char *suffix,
                           const sh_source_entry **ret, sh_error *error)
{
    const char *names[] = {row->name, row->alias};
    *ret = NULL;
    for (size_t i = 0; i < 2; i++) {
        char name[NAME_MAX_BYTES];
        if (names[i] == NULL)
            continue;
        (void)snprintf(name, sizeof name, "%s%s", names[i], suffix);
        /* SYNC_devices_file is a setting, not SYNC_devices with the suffix. */
        if (suffix[0] != '\0' && sh_setting_find(name, SH_FOR_ALL) != NULL)
            continue;
        sh_err err = find_entry(source, name, ret, error);
        if (err != SH_OK)
            return err;
    }
    return SH_OK;
}

static sh_err read_value_file(const sh_source_entry *entry, size_t max, char **ret, sh_error *error)
{
    SH_CLEANUP(sh_buf_wipe) sh_buf content = SH_BUF_INIT(max + 5); /* with BOM, CR and LF */
    sh_error why = {0};
    sh_err err = sh_file_read(entry->value, &content, NULL, &why);
    if (err == SH_E_MEMORY)
        return sh_fail(error, err, "out of memory");
    if (err != SH_OK)
        return sh_fail(error, SH_E_CONFIG, "%s: %s", entry->name, why.message);
    size_t len = content.len;
    char *text = content.data;
    if (len >= 2 && (memcmp(text, "\xff\xfe", 2) == 0 || memcmp(text, "\xfe\xff", 2) == 0))
        return sh_fail(error, SH_E_CONFIG, "%s: the file %s is in UTF-16: save it as UTF-8",
                       entry->name, entry->value);
    if (len > 0 && sh_utf8_has_bom(text, len)) {
        text += SH_UTF8_BOM_BYTES;
        len -= SH_UTF8_BOM_BYTES;
    }
    if (len > 0 && text[len - 1] == '\n')
        len -= len > 1 && text[len - 2] == '\r' ? 2 : 1;
    if (len == 0)
        return sh_fail(error, SH_E_CONFIG, "%s: the file %s is empty", entry->name, entry->value);
    if (len > max)
        return sh_fail(error, SH_E_CONFIG, "%s: the file %s has more than %zu bytes", entry->name,
                       entry->value, max);
    if (memchr(text, '\0', len) != NULL)
        return sh_fail(error, SH_E_CONFIG, "%s: the file %s contains a NUL character", entry->name,
                       entry->value);
    text[len] = '\0';
    *ret = strdup(text);
    return *ret == NULL ? sh_fail(error, SH_E_MEMORY, "out of memory") : SH_OK;
}

sh_err sh_source_get(const sh_source *source, const sh_setting *row, sh_source_value *ret,
                     sh_error *error)
{
    const sh_source_entry *direct, *file;
    sh_err err = find_setting(source, row, "", &direct, error);
    if (err == SH_OK)
        err = find_setting(source, row, "_FILE", &file, error);
    if (err != SH_OK)
        return err;
    if (direct != NULL && file != NULL)
        return sh_fail(error, SH_E_CONFIG, "%s and %s are both set: keep one of them", direct->name,
                       file->name);
    *ret = (sh_source_value){0};
    if (file != NULL) {
        ret->file = strdup(file->value);
        if (ret->file == NULL)
            return sh_fail(error, SH_E_MEMORY, "out of memory");
        return read_value_file(file, sh_setting_max(row), &ret->text, error);
    }
    if (direct == NULL)
        return SH_OK;
    if (strlen(direct->value) > sh_setting_max(row))
        return sh_fail(error, SH_E_CONFIG, "%s is longer than %zu bytes", direct->name,
                       sh_setting_max(row));
    ret->is_list = direct->is_list;
    ret->text = strdup(direct->value);
    if (ret->text == NULL)
        return sh_fail(error, SH_E_MEMORY, "out of memory");
    size_t len = strlen(ret->text);
    ret->had_cr = len > 1 && ret->text[len - 1] == '\r';
    if (ret->had_cr)
        ret->text[len - 1] = '\0';
    return SH_OK;
}

/* --- Unused names --------------------------------------------------------------------------- */

/* Settings of NetAlertX's plugin framework for its SYNC plugin. */
static const char *const framework_names[] = {
    "SYNC_CMD",       "SYNC_instance_type",     "SYNC_WATCH", "SYNC_REPORT_ON", "SYNC_SET_ALWAYS",
    "SYNC_SET_EMPTY", "SYNC_DISPLAY_CONDITION",
};

static bool is_known(const char *name)
{
    char stem[NAME_MAX_BYTES];
    size_t len = strlen(name);
    if (sh_setting_find(name, SH_FOR_ALL) != NULL)
        return true;
    for (size_t i = 0; i < sizeof framework_names / sizeof framework_names[0]; i++) {
        if (sh_text_equals_ignoring_case(framework_names[i], name))
            return true;
    }
    if (len <= 5 || len >= sizeof stem || !sh_text_equals_ignoring_case(name + len - 5, "_FILE"))
        return false;
    memcpy(stem, name, len - 5);
    stem[len - 5] = '\0';
    return sh_setting_find(stem, SH_FOR_ALL) != NULL;
}

static const char *nearest_name(const char *name)
{
    sh_nearest nearest = sh_nearest_begin(name);
    for (size_t i = 0; i < sh_setting_count; i++)
        sh_nearest_try(&nearest, name, sh_setting_table[i].name);
    return nearest.word;
}

sh_err sh_source_warn_about_unused(const sh_source *source, sh_settings *settings)
{
    for (size_t i = 0; i < source->count; i++) {
        const char *name = source->entries[i].name;
        const char *invalid = source->entries[i].invalid;
        sh_err err = invalid == NULL ? SH_OK
                                     : sh_settings_add_warning(settings,
                                                               "%s: it is ignored, as nothing here "
                                                               "uses it",
                                                               invalid);
        if (err != SH_OK)
            return err;
        if (invalid != NULL || is_known(name))
            continue;
        const char *near = nearest_name(name);
        err = sh_settings_add_warning(settings, "%.100s is not a setting and is ignored%s%s%s",
                                      name, near == NULL ? "" : ": did you mean ",
                                      near == NULL ? "" : near, near == NULL ? "" : "?");
        if (err != SH_OK)
            return err;
    }
    return SH_OK;
}
