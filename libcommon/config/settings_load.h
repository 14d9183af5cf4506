/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_SETTINGS_LOAD_H
#define SH_SETTINGS_LOAD_H

#include "libcommon/base/error.h"
#include "libcommon/config/settings.h"
#include "libcommon/config/settings_source.h"

/*
 * Loads and validates the settings of one program (SH_FOR_…), and checks that those it requires are
 * set. Precedence: environment, SYNC_config_file, default. Names are case-insensitive; `X_FILE`
 * reads the value of X from a file; API_TOKEN is an alias of SYNC_api_token; secrets can also be
 * systemd credentials in CREDENTIALS_DIRECTORY (see settings_table.c). An empty value counts as
 * unset.
 *
 * environment is a NULL-terminated array of `NAME=value`, borrowed during the call. Opens X_FILE,
 * SYNC_config_file and the files of SYNC_tls_….
 *
 * SH_E_CONFIG (the message has the setting, its value unless secret, and the remedy), SH_E_MEMORY.
 * After a failure *ret has the settings that were read, with NULL strings only after SH_E_MEMORY;
 * release it with sh_settings_reset() in any case.
 */
sh_err sh_settings_load(int program, char *const environment[], sh_settings *ret, sh_error *error);

/*
 * The same, with what was made on the hub (settings_made_on_hub.h) between SYNC_config_file and the
 * default; NULL: nothing. A value that this program cannot use causes a warning and keeps the
 * default. Borrows hub during the call.
 */
sh_err sh_settings_load_with_hub(int program, char *const environment[], const sh_source *hub,
                                 sh_settings *ret, sh_error *error);

/*
 * The same as sh_settings_load() for a subcommand that needs no secrets: does not read
 * SYNC_api_token and SYNC_encryption_key, and does not require any setting.
 */
sh_err sh_settings_load_part(int program, char *const environment[], sh_settings *ret,
                             sh_error *error);

/*
 * Sets the folders of an installed service: if the environment has none of our variables, read
 * SETTINGS/receiver.env (pusher.env, puller.env) and the systemd credentials instead, so that a
 * subcommand in a shell uses the settings of the service. Call from main() before loading; NULL: no
 * folder.
 */
void sh_settings_set_folders(const char *settings, const char *credentials);

/* Loads only what a health check needs to find the running program: it runs every few seconds. */
sh_err sh_settings_load_probe(int program, char *const environment[], sh_settings *ret,
                              sh_error *error);
void sh_settings_reset(sh_settings *settings); /* wipes the secrets */

#endif
