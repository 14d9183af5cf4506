/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_SETTINGS_SOURCE_H
#define SH_SETTINGS_SOURCE_H

#include "libcommon/base/error.h"
#include "libcommon/config/settings_table.h"

#include <stdbool.h>
#include <stddef.h>

/* A source of settings as names and values: the environment, a file, or systemd credentials. */
typedef struct {
    char *name;
    char *value; /* may be a secret */
    bool is_list;
    char *invalid; /* NULL, or why there is no value: an error where the setting is used */
} sh_source_entry;

typedef struct {
    sh_source_entry *entries;
    size_t count;
} sh_source;

/* A setting's value in one source. */
typedef struct {
    char *text;   /* NULL: the source does not have the setting; may be a secret */
    bool is_list; /* the literal text of a list in app.conf */
    char *file;   /* path of the file named by X_FILE from which it was read; or NULL */
    bool from_app_conf;
    bool had_cr; /* a trailing carriage return was removed */
} sh_source_value;

void sh_source_reset(sh_source *source); /* wipes; accepts a zeroed source */
void sh_source_value_reset(sh_source_value *value);

/* Reads the variables SYNC_* and API_TOKEN. SH_E_MEMORY. */
sh_err sh_source_from_environment(char *const environment[], sh_source *ret, sh_error *error);

/*
 * Reads the same names from a file of NAME=value lines (env_file.h). Succeeds if there is no such
 * file. SH_E_CONFIG, SH_E_MEMORY.
 */
sh_err sh_source_from_env_file(const char *path, sh_source *ret, sh_error *error);

/*
 * Adds X_FILE for each setting X of a program for which the folder has a systemd credential.
 * SH_E_MEMORY.
 */
sh_err sh_source_from_credentials(const char *folder, int program, sh_source *ret, sh_error *error);

/*
 * Reads an app.conf; *stamp is that of the content read. SH_E_CONFIG, whose message has
 * SYNC_config_file and the reason; SH_E_MEMORY. An invalid literal is an error only in a setting
 * that sh_source_get() is asked for.
 */
sh_err sh_source_from_app_conf(const char *path, sh_source *ret, sh_file_stamp *stamp,
                               sh_error *error);

/*
 * Reads the app_conf_override.json that NetAlertX's container writes from APP_CONF_OVERRIDE: an
 * object of settings, whose values are converted to text. A missing file counts as empty. A file
 * with anything else is ignored, as NetAlertX ignores it, and *why is the reason. SH_E_CONFIG if it
 * cannot be read; SH_E_MEMORY.
 */
sh_err sh_source_from_override(const char *path, sh_source *ret, sh_file_stamp *stamp,
                               sh_error *why, sh_error *error);

/*
 * Reads a JSON object of settings, whose values are converted to text; ignores other names.
 * SH_E_FORMAT, SH_E_LIMIT, SH_E_MEMORY; then release *ret, too.
 */
sh_err sh_source_from_json(sh_slice text, sh_source *ret, sh_error *error);

/*
 * Gets a setting's value by its name or alias in any case, or from the file named by X_FILE.
 * Ignores empty values. SH_E_CONFIG if there are different values, if the value is invalid, or if
 * the file is unusable; SH_E_MEMORY.
 */
sh_err sh_source_get(const sh_source *source, const sh_setting *row, sh_source_value *ret,
                     sh_error *error);

/* For the parsers of these files: sets a value, replacing an earlier one. SH_E_MEMORY. */
sh_err sh_source_set(sh_source *source, sh_slice name, sh_slice value, bool is_list,
                     sh_error *error);
/* The same for an invalid value; why says where it is and what is wrong. SH_E_MEMORY. */
sh_err sh_source_set_invalid(sh_source *source, sh_slice name, const char *why, sh_error *error);
/* Whether a name may be a setting's: SYNC_…, API_TOKEN, API_TOKEN_FILE. */
bool sh_source_is_setting_name(sh_slice name);

/*
 * Adds a warning for each name that is not a setting of any program, and for each invalid value: it
 * is of a setting that this program does not use, or that another source has. SH_E_MEMORY.
 */
sh_err sh_source_warn_about_unused(const sh_source *source, sh_settings *settings);

#endif
