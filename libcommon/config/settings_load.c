/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/config/settings_load.h"

#include "libcommon/base/cleanup.h"
#include "libcommon/config/settings_source.h"
#include "libcommon/config/settings_table.h"
#include "libcommon/config/settings_value.h"

#include <stdlib.h>
#include <string.h>

/* Sets every field: first the defaults of the other programs, then those of this one. */
static sh_err set_defaults(int program, sh_settings *settings, sh_error *error)
{
    for (int own = 0; own <= 1; own++) {
        for (size_t i = 0; i < sh_setting_count; i++) {
            const sh_setting *row = &sh_setting_table[i];
            if (((row->programs & program) != 0) != (own == 1))
                continue;
            sh_err err = sh_setting_parse(row, settings, row->fallback, error);
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
    char *settings_file; /* its path */
    sh_source credentials;
    sh_source override; /* of the app.conf */
    sh_source app_conf;
    const sh_source *hub; /* borrowed; NULL: none */
} sources;

static void sources_reset(sources *s)
{
    sh_source_reset(&s->environment);
    free(s->settings_file);
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
    *origin = ret->file != NULL || s->from_settings_file ? SH_ORIGIN_FILE : SH_ORIGIN_ENVIRONMENT;
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

/* Records the file from which a secret was read, unless it is a systemd credential. */
static sh_err note_file(const sources *s, const sh_setting *row, const sh_source_value *value,
                        sh_settings *settings, sh_error *error)
{
    const char *path = value->file;
    bool is_secret = row->kind == SH_SETTING_SECRET || strchr(value->text, '@') != NULL;
    if (path == NULL && s->from_settings_file && !value->from_app_conf && is_secret)
        path = s->settings_file;
    if (row->credential == NULL || path == NULL)
        return SH_OK;
    for (size_t i = 0; i < settings->secret_files.count; i++)
        if (strcmp(settings->secret_files.items[i], path) == 0)
            return SH_OK;
    sh_err err = sh_list_add(&settings->secret_files, sh_slice_of(path));
    return err == SH_OK ? SH_OK : sh_fail(error, err, "out of memory");
}

/*
 * A setting made on the hub. One that this program cannot use, as it is of another version than the
 * hub, keeps its default.
 */
static sh_err load_hub_row(size_t index, int program, const sources *s, sh_settings *settings,
                           sh_error *error)
{
    const sh_setting *row = &sh_setting_table[index];
    SH_CLEANUP(sh_source_value_reset) sh_source_value value = {0};
    sh_error why = {0};
    if (s->hub == NULL || (row->hub & program) == 0)
        return SH_OK;
    sh_err err = sh_source_get(s->hub, row, &value, &why);
    if (err == SH_OK && value.text == NULL)
        return SH_OK;
    if (err == SH_OK)
        err = sh_setting_set(row, settings, &value, &why);
    if (err == SH_E_MEMORY)
        return sh_fail(error, err, "out of memory");
    if (err == SH_OK) {
        settings->origins[index] = SH_ORIGIN_HUB;
        return SH_OK;
    }
    err = sh_setting_parse(row, settings, row->fallback, error);
    return err == SH_OK ? sh_settings_add_warning(settings, "the hub's setting is ignored here: %s",
                                                  why.message)
                        : err;
}

/* Loads one setting. It keeps its default if no source has it. */
static sh_err load_row(size_t index, int program, const sources *s, sh_settings *settings,
                       sh_error *error)
{
    const sh_setting *row = &sh_setting_table[index];
    SH_CLEANUP(sh_source_value_reset) sh_source_value value = {0};
    sh_origin origin = SH_ORIGIN_DEFAULT;
    sh_err err = get_value(s, row, &value, &origin, error);
    if (err == SH_OK && value.text == NULL)
        return load_hub_row(index, program, s, settings, error);
    if (err != SH_OK)
        return err;
    settings->origins[index] = (unsigned char)origin;
    err = note_file(s, row, &value, settings, error);
    return err == SH_OK ? sh_setting_set(row, settings, &value, error) : err;
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
        sh_err err = load_row(i, program, s, settings, error);
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
    sh_setting_replace_text(&settings->override_file, path);
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

static sh_err read_settings_file(int program, sources *s, sh_error *error)
{
    const char *name = program == SH_FOR_PUSHER   ? "pusher"
                       : program == SH_FOR_PULLER ? "puller"
                                                  : "receiver";
    s->settings_file = sh_text_format("%s/%s.env", installed_folder, name);
    if (s->settings_file == NULL)
        return sh_fail(error, SH_E_MEMORY, "out of memory");
    return sh_source_from_env_file(s->settings_file, &s->environment, error);
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
        err = read_settings_file(program, s, error);
        s->from_settings_file = s->environment.count > 0;
        if (s->from_settings_file && credentials == NULL)
            credentials = installed_credentials;
    }
    if (err == SH_OK && credentials != NULL)
        err = sh_source_from_credentials(credentials, program, &s->credentials, error);
    return err;
}

static sh_err load_settings(int program, load_part part, char *const environment[],
                            const sh_source *hub, sh_settings *ret, sh_error *error)
{
    SH_CLEANUP(sources_reset) sources s = {.hub = hub};
    *ret = (sh_settings){0};
    sh_err err = set_defaults(program, ret, error);
    if (err == SH_OK)
        sh_setting_replace_text(&ret->override_file, strdup(""));
    if (err == SH_OK && ret->override_file == NULL)
        err = sh_fail(error, SH_E_MEMORY, "out of memory");
    if (err == SH_OK)
        err = read_environment(program, environment, &s, error);
    if (err != SH_OK)
        return err;
    err = load_app_conf(&s, ret, error);
    sh_err rows_err = load_rows(program, part, &s, ret, error);
    sh_settings_choose_console(ret);
    if (err == SH_OK)
        err = rows_err;
    if (err != SH_OK || part == LOAD_PROBE)
        return err;
    err = sh_source_warn_about_unused(&s.environment, ret);
    if (err == SH_OK)
        err = sh_source_warn_about_unused(&s.app_conf, ret);
    if (err == SH_OK)
        err = sh_source_warn_about_unused(&s.override, ret);
    if (err == SH_OK)
        err = sh_settings_warn(ret, program, find_variable(environment, "TZ"));
    if (err != SH_OK)
        return sh_fail(error, err, "out of memory");
    return part == LOAD_WHOLE ? sh_settings_require(ret, program, error) : SH_OK;
}

sh_err sh_settings_load(int program, char *const environment[], sh_settings *ret, sh_error *error)
{
    return load_settings(program, LOAD_WHOLE, environment, NULL, ret, error);
}

sh_err sh_settings_load_with_hub(int program, char *const environment[], const sh_source *hub,
                                 sh_settings *ret, sh_error *error)
{
    return load_settings(program, LOAD_WHOLE, environment, hub, ret, error);
}

sh_err sh_settings_load_part(int program, char *const environment[], sh_settings *ret,
                             sh_error *error)
{
    return load_settings(program, LOAD_NO_SECRETS, environment, NULL, ret, error);
}

sh_err sh_settings_load_probe(int program, char *const environment[], sh_settings *ret,
                              sh_error *error)
{
    return load_settings(program, LOAD_PROBE, environment, NULL, ret, error);
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
            sh_setting_replace_text(field, NULL);
    }
    sh_setting_replace_text(&settings->override_file, NULL);
    sh_list_reset(&settings->secret_files);
    sh_list_reset(&settings->warnings);
}
