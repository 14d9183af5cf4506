/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_SETTINGS_SOURCE_H
#define SH_SETTINGS_SOURCE_H

#include "libcommon/base/error.h"
#include "libcommon/config/settings_table.h"

#include <stdbool.h>
#include <stddef.h>

/* A place that settings come from, as names and values: the environment, a file, or credentials. */
typedef struct {
    char *name;
    char *value; /* may be a secret */
    bool is_list;
} sh_source_entry;

typedef struct {
    sh_source_entry *entries;
    size_t count;
} sh_source;

/* What a source says of one setting. */
typedef struct {
    char *text;     /* NULL where it says nothing; may be a secret */
    bool is_list;   /* a list's literal text of an app.conf */
    bool from_file; /* by X_FILE */
    bool from_app_conf;
    bool had_return; /* it ended with a carriage return, which was left out */
} sh_source_value;

void sh_source_reset(sh_source *source); /* wipes; zeroed is accepted */
void sh_source_value_reset(sh_source_value *value);

/* Takes what begins with SYNC_, and API_TOKEN. SH_E_MEMORY. */
sh_err sh_source_from_environment(char *const environment[], sh_source *ret, sh_error *error);

/*
 * Reads a file of NAME=value lines (env_file.h) for names as above. A file that is not there is
 * empty. SH_E_CONFIG names the file and what is wrong; SH_E_MEMORY.
 */
sh_err sh_source_from_env_file(const char *path, sh_source *ret, sh_error *error);

/*
 * What systemd's credentials in a folder say of settings of `who`: X_FILE for each that is there.
 * SH_E_MEMORY.
 */
sh_err sh_source_from_credentials(const char *folder, int who, sh_source *ret, sh_error *error);

/* Reads an app.conf. SH_E_CONFIG names SYNC_config_file and what is wrong; SH_E_MEMORY. */
sh_err sh_source_from_app_conf(const char *path, sh_source *ret, sh_error *error);

/*
 * The value of a setting: by its name or alias in any case, or from the file that X_FILE names.
 * Empty values count as not set. SH_E_CONFIG where two of these differ, or the file is unfit.
 */
sh_err sh_source_get(const sh_source *source, const sh_setting *row, sh_source_value *ret,
                     sh_error *error);

/* Adds a warning for each name that is no setting of any program. SH_E_MEMORY. */
sh_err sh_source_warn_of_unknown(const sh_source *source, sh_settings *settings);

#endif
