/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/config/settings_load.h"

#include "libcommon/base/buffer.h"
#include "libcommon/base/cleanup.h"
#include "libcommon/base/limits.h"
#include "libcommon/base/value_hint.h"
#include "libcommon/config/settings_source.h"
#include "libcommon/config/settings_table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SHOWN_MAX 120 /* bytes of an invalid value that a message repeats */

/* Wipes the old value and takes ownership of text. */
static void set_text(char **field, char *text)
{
    if (*field != NULL)
        explicit_bzero(*field, strlen(*field));
    free(*field);
    *field = text;
}

/* --- One value ------------------------------------------------------------------------------- */

static sh_err store_text(char **field, const char *text, sh_error *error)
{
    char *copy = strdup(text);
    if (copy == NULL)
        return sh_fail(error, SH_E_MEMORY, "out of memory");
    set_text(field, copy);
    return SH_OK;
}

static sh_err store_boolean(bool *field, const char *text, sh_error *error)
{
    static const char *const words[] = {"False", "True", "0", "1", "no", "yes", "off", "on"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (sh_text_equals_ignoring_case(text, words[i])) {
            *field = i % 2 == 1;
            return SH_OK;
        }
    }
    return sh_fail(error, SH_E_CONFIG, "use True or False");
}

static sh_err store_number(const sh_setting *row, int64_t *field, const char *text, sh_error *error)
{
    uint64_t number;
    if (!sh_text_to_u64(sh_slice_of(text), (uint64_t)row->max, &number) ||
        (int64_t)number < row->min)
        return sh_fail(error, SH_E_CONFIG, "use a whole number from %lld to %lld",
                       (long long)row->min, (long long)row->max);
    *field = (int64_t)number;
    return SH_OK;
}

static sh_err store_choice(const sh_setting *row, int *field, const char *text, sh_error *error)
{
    char words[200] = "";
    size_t len = 0;
    for (const sh_setting_choice *c = row->choices; c->word != NULL; c++) {
        if (sh_text_equals_ignoring_case(text, c->word)) {
            *field = c->value;
            return SH_OK;
        }
        const char *between = len == 0 ? "" : c[1].word == NULL ? " or " : ", ";
        int n = snprintf(words + len, sizeof words - len, "%s%s", between, c->word);
        len += n > 0 && (size_t)n < sizeof words - len ? (size_t)n : 0;
    }
    return sh_fail(error, SH_E_CONFIG, "use %s", words);
}

static sh_err store_list(sh_list *field, const char *text, sh_error *error)
{
    sh_list list = {0};
    sh_err err = sh_list_read(sh_slice_of(text), &list, error);
    if (err != SH_OK)
        return err;
    sh_list_reset(field);
    *field = list;
    return SH_OK;
}

static sh_err store_value(const sh_setting *row, sh_settings *settings, const char *text,
                          sh_error *error)
{
    void *field = sh_setting_field(row, settings);
    sh_err err = SH_OK;
    switch (row->kind) {
    case SH_SETTING_TEXT:
    case SH_SETTING_SECRET:
    case SH_SETTING_URL:
        err = store_text(field, text, error);
        break;
    case SH_SETTING_BOOLEAN:
        err = store_boolean(field, text, error);
        break;
    case SH_SETTING_NUMBER:
        err = store_number(row, field, text, error);
        break;
    case SH_SETTING_CHOICE:
        err = store_choice(row, field, text, error);
        break;
    case SH_SETTING_LIST:
        err = store_list(field, text, error);
        break;
    }
    if (err == SH_OK && row->check != NULL)
        err = row->check(settings, error);
    return err;
}

/* Fails with the setting's name, its value unless that can be secret, and the reason. */
static sh_err fail_bad_value(const sh_setting *row, const char *text, const char *why,
                             sh_error *error)
{
    char hint[SH_VALUE_HINT_BYTES] = "";
    const char *between = sh_value_hint(text, hint) ? "; " : "";
    SH_CLEANUP(sh_buf_reset) sh_buf shown = SH_BUF_INIT(2 * SH_SETTING_MAX);
    bool hidden = row->kind == SH_SETTING_SECRET ||
                  (row->kind == SH_SETTING_URL && strpbrk(text, "@?=") != NULL) ||
                  sh_setting_redact(text, &shown) != SH_OK;
    if (hidden)
        return sh_fail(error, SH_E_CONFIG, "%s holds a bad value (not shown): %s%s%s", row->name,
                       why, between, hint);
    return sh_fail(error, SH_E_CONFIG, "%s holds '%.*s'%s: %s%s%s", row->name, SHOWN_MAX,
                   shown.data, shown.len > SHOWN_MAX ? "…" : "", why, between, hint);
}

static void trim(char *text)
{
    sh_slice inner = sh_slice_trim(sh_slice_of(text));
    memmove(text, inner.data, inner.len);
    text[inner.len] = '\0';
}

/* Warns about a text that is valid but looks like a mistake. */
static sh_err warn_about_value(const sh_setting *row, sh_settings *settings,
                               const sh_source_value *value)
{
    char hint[SH_VALUE_HINT_BYTES];
    if (value->had_cr) {
        sh_err err = sh_settings_add_warning(
            settings,
            "%s ends with a carriage return, which is ignored: its file has Windows line endings",
            row->name);
        if (err != SH_OK)
            return err;
    }
    bool is_text = row->kind == SH_SETTING_TEXT || row->kind == SH_SETTING_SECRET ||
                   row->kind == SH_SETTING_URL;
    if (!is_text || value->from_app_conf || !sh_value_hint(value->text, hint))
        return SH_OK;
    return sh_settings_add_warning(settings, "%s is used as written, but %s", row->name, hint);
}

static sh_err set_value(const sh_setting *row, sh_settings *settings, sh_source_value *value,
                        sh_error *error)
{
    sh_error why = {0};
    if (value->is_list && row->kind != SH_SETTING_LIST)
        return sh_fail(error, SH_E_CONFIG, "%s holds a list; use a single value", row->name);
    if (row->kind == SH_SETTING_BOOLEAN || row->kind == SH_SETTING_NUMBER ||
        row->kind == SH_SETTING_CHOICE)
        trim(value->text);
    sh_err err = store_value(row, settings, value->text, &why);
    if (err == SH_OK)
        err = warn_about_value(row, settings, value);
    if (err == SH_E_MEMORY)
        return sh_fail(error, err, "out of memory");
    return err == SH_OK ? SH_OK : fail_bad_value(row, value->text, why.message, error);
}

/* --- All values ------------------------------------------------------------------------------ */

/* Sets every field: first the defaults of the other programs, then those of this one. */
static sh_err set_defaults(int program, sh_settings *settings, sh_error *error)
{
    for (int own = 0; own <= 1; own++) {
        for (size_t i = 0; i < sh_setting_count; i++) {
            const sh_setting *row = &sh_setting_table[i];
            if (((row->programs & program) != 0) != (own == 1))
                continue;
            sh_err err = store_value(row, settings, row->fallback, error);
            if (err != SH_OK)
                return err;
        }
    }
    return SH_OK;
}

/*
 * The sources of values. environment and credentials have precedence over override, which has
 * precedence over app_conf; it is an error if both of the first two have a setting.
 */
typedef struct {
    sh_source environment; /* or the program's settings file instead */
    bool from_settings_file;
    sh_source credentials;
    sh_source override; /* of the app.conf */
    sh_source app_conf;
} sources;

static void sources_reset(sources *s)
{
    sh_source_reset(&s->environment);
    sh_source_reset(&s->credentials);
    sh_source_reset(&s->override);
    sh_source_reset(&s->app_conf);
}

static sh_err get_value(const sources *s, const sh_setting *row, sh_source_value *ret,
                        sh_origin *origin, sh_error *error)
{
    SH_CLEANUP(sh_source_value_reset) sh_source_value credential = {0};
    sh_err err = sh_source_get(&s->environment, row, ret, error);
    if (err == SH_OK && row->credential != NULL)
        err = sh_source_get(&s->credentials, row, &credential, error);
    if (err != SH_OK)
        return err;
    if (ret->text != NULL && credential.text != NULL)
        return sh_fail(error, SH_E_CONFIG,
                       "%s is set, and there is also the credential %s: keep one of them",
                       row->name, row->credential);
    *origin = ret->from_file || s->from_settings_file ? SH_ORIGIN_FILE : SH_ORIGIN_ENVIRONMENT;
    if (ret->text != NULL)
        return SH_OK;
    *origin = SH_ORIGIN_FILE;
    if (credential.text != NULL) {
        *ret = credential;
        credential = (sh_source_value){0};
        return SH_OK;
    }
    if (strcmp(row->name, "SYNC_config_file") == 0)
        return SH_OK;
    err = sh_source_get(&s->override, row, ret, error);
    if (err == SH_OK && ret->text == NULL)
        err = sh_source_get(&s->app_conf, row, ret, error);
    ret->from_app_conf = true;
    return err;
}

/* Loads one setting. It keeps its default if no source has it. */
static sh_err load_row(size_t index, const sources *s, sh_settings *settings, sh_error *error)
{
    const sh_setting *row = &sh_setting_table[index];
    SH_CLEANUP(sh_source_value_reset) sh_source_value value = {0};
    sh_origin origin = SH_ORIGIN_DEFAULT;
    sh_err err = get_value(s, row, &value, &origin, error);
    if (err != SH_OK || value.text == NULL)
        return err;
    settings->origins[index] = (unsigned char)origin;
    return set_value(row, settings, &value, error);
}

/* What to load: everything, everything except secrets, or what a health check needs. */
typedef enum { LOAD_WHOLE, LOAD_NO_SECRETS, LOAD_PROBE } load_part;

/* Continues after an error, so that the log's own settings apply to the message about it. */
static sh_err load_rows(int program, load_part part, const sources *s, sh_settings *settings,
                        sh_error *error)
{
    sh_err first = SH_OK;
    for (size_t i = 0; i < sh_setting_count; i++) {
        const sh_setting *row = &sh_setting_table[i];
        if ((row->programs & program) == 0 ||
            (part != LOAD_WHOLE && row->kind == SH_SETTING_SECRET) ||
            (part == LOAD_PROBE && !row->probe))
            continue;
        sh_err err = load_row(i, s, settings, error);
        if (first == SH_OK)
            first = err;
    }
    return first;
}

/* NetAlertX's container writes it beside the app.conf. */
static char *override_path(const char *app_conf)
{
    const char *slash = strrchr(app_conf, '/');
    int folder_len = slash == NULL ? 0 : (int)(slash - app_conf) + 1;
    return sh_text_format("%.*sapp_conf_override.json", folder_len, app_conf);
}

static sh_err load_override(const char *app_conf, sources *s, sh_settings *settings,
                            sh_error *error)
{
    sh_error why = {0};
    char *path = override_path(app_conf);
    if (path == NULL)
        return sh_fail(error, SH_E_MEMORY, "out of memory");
    set_text(&settings->override_file, path);
    sh_err err =
        sh_source_from_override(path, &s->override, &settings->override_stamp, &why, error);
    if (err != SH_OK || why.code == SH_OK)
        return err;
    return sh_settings_add_warning(
        settings,
        "%.200s is ignored, as NetAlertX ignores it: it is not a JSON object of settings (%s)",
        path, why.message);
}

static sh_err load_app_conf(sources *s, sh_settings *settings, sh_error *error)
{
    SH_CLEANUP(sh_source_value_reset) sh_source_value path = {0};
    const sh_setting *row = sh_setting_find("SYNC_config_file", SH_FOR_ALL);
    sh_err err = sh_source_get(&s->environment, row, &path, error);
    if (err != SH_OK || path.text == NULL)
        return err;
    err = sh_source_from_app_conf(path.text, &s->app_conf, &settings->config_stamp, error);
    return err == SH_OK ? load_override(path.text, s, settings, error) : err;
}

static const char *find_variable(char *const environment[], const char *name)
{
    size_t len = strlen(name);
    for (size_t i = 0; environment[i] != NULL; i++) {
        if (strncmp(environment[i], name, len) == 0 && environment[i][len] == '=')
            return environment[i] + len + 1;
    }
    return NULL;
}

/* --- Settings of an installed service --------------------------------------------------------- */

static const char *installed_folder, *installed_credentials;

void sh_settings_set_folders(const char *settings, const char *credentials)
{
    installed_folder = settings;
    installed_credentials = credentials;
}

static sh_err read_settings_file(int program, sh_source *ret, sh_error *error)
{
    const char *name = program == SH_FOR_PUSHER   ? "pusher"
                       : program == SH_FOR_PULLER ? "puller"
                                                  : "receiver";
    char *path = sh_text_format("%s/%s.env", installed_folder, name);
    if (path == NULL)
        return sh_fail(error, SH_E_MEMORY, "out of memory");
    sh_err err = sh_source_from_env_file(path, ret, error);
    free(path);
    return err;
}

/*
 * Reads the environment. If it has none of our variables, as in an administrator's shell, reads the
 * settings file and the credentials of the installed service instead.
 */
static sh_err read_environment(int program, char *const environment[], sources *s, sh_error *error)
{
    const char *credentials = find_variable(environment, "CREDENTIALS_DIRECTORY");
    sh_err err = sh_source_from_environment(environment, &s->environment, error);
    if (err == SH_OK && s->environment.count == 0 && installed_folder != NULL) {
        err = read_settings_file(program, &s->environment, error);
        s->from_settings_file = s->environment.count > 0;
        if (s->from_settings_file && credentials == NULL)
            credentials = installed_credentials;
    }
    if (err == SH_OK && credentials != NULL)
        err = sh_source_from_credentials(credentials, program, &s->credentials, error);
    return err;
}

static sh_err load_settings(int program, load_part part, char *const environment[],
                            sh_settings *ret, sh_error *error)
{
    SH_CLEANUP(sources_reset) sources s = {0};
    *ret = (sh_settings){0};
    sh_err err = set_defaults(program, ret, error);
    if (err == SH_OK)
        err = store_text(&ret->override_file, "", error);
    if (err == SH_OK)
        err = read_environment(program, environment, &s, error);
    if (err != SH_OK)
        return err;
    err = load_app_conf(&s, ret, error);
    sh_err rows_err = load_rows(program, part, &s, ret, error);
    if (err == SH_OK)
        err = rows_err;
    if (err != SH_OK || part == LOAD_PROBE)
        return err;
    err = sh_source_warn_about_unknown(&s.environment, ret);
    if (err == SH_OK)
        err = sh_source_warn_about_unknown(&s.app_conf, ret);
    if (err == SH_OK)
        err = sh_source_warn_about_unknown(&s.override, ret);
    if (err == SH_OK)
        err = sh_settings_warn(ret, program, find_variable(environment, "TZ"));
    if (err != SH_OK)
        return sh_fail(error, err, "out of memory");
    return part == LOAD_WHOLE ? sh_settings_require(ret, program, error) : SH_OK;
}

sh_err sh_settings_load(int program, char *const environment[], sh_settings *ret, sh_error *error)
{
    return load_settings(program, LOAD_WHOLE, environment, ret, error);
}

sh_err sh_settings_load_part(int program, char *const environment[], sh_settings *ret,
                             sh_error *error)
{
    return load_settings(program, LOAD_NO_SECRETS, environment, ret, error);
}

sh_err sh_settings_load_probe(int program, char *const environment[], sh_settings *ret,
                              sh_error *error)
{
    return load_settings(program, LOAD_PROBE, environment, ret, error);
}

void sh_settings_reset(sh_settings *settings)
{
    for (size_t i = 0; i < sh_setting_count; i++) {
        const sh_setting *row = &sh_setting_table[i];
        void *field = sh_setting_field(row, settings);
        if (row->kind == SH_SETTING_LIST)
            sh_list_reset(field);
        else if (row->kind == SH_SETTING_TEXT || row->kind == SH_SETTING_SECRET ||
                 row->kind == SH_SETTING_URL)
            set_text(field, NULL);
    }
    set_text(&settings->override_file, NULL);
    sh_list_reset(&settings->warnings);
}
