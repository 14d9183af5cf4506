/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_SETTINGS_LOAD_H
#define SH_SETTINGS_LOAD_H

#include "libcommon/base/error.h"
#include "libcommon/config/settings.h"

/*
 * Loads the settings of one program (`who` is one SH_FOR_…): environment over SYNC_config_file over
 * default, with `X_FILE` for each X, names without regard to case, API_TOKEN as an alias of
 * SYNC_api_token, and systemd's credentials in CREDENTIALS_DIRECTORY (see the table) as another
 * place for secrets. Then checks what that program needs to work at all (token, key, …).
 * SH_E_CONFIG names the setting, what it holds unless secret, and what would be right.
 * environment is a NULL-terminated array of `NAME=value`, borrowed during the call.
 * An empty value counts as not set. Does file I/O only for X_FILE, SYNC_config_file and
 * the files of SYNC_tls_…. After a failure *ret holds what could be read, without NULL strings
 * unless memory ran out; the caller releases it with sh_settings_reset() then too.
 */
sh_err sh_settings_load(int who, char *const environment[], sh_settings *ret, sh_error *error);

/*
 * As above for a subcommand that needs only part of it: a bad value is an error, a missing one is
 * none, and SYNC_api_token and SYNC_encryption_key are not read.
 */
sh_err sh_settings_load_part(int who, char *const environment[], sh_settings *ret, sh_error *error);

/*
 * Where an environment without any of our variables is looked up, so that subcommands in a shell
 * find what the service is given: FOLDER/receiver.env (pusher.env, puller.env), read as systemd
 * reads it, with the credentials in a folder. For main(), before any loading; NULL: nowhere.
 */
void sh_settings_set_folders(const char *settings, const char *credentials);

/*
 * As above for a health check, which comes every few seconds: what it needs to find the program
 * that runs is read, and nothing else.
 */
sh_err sh_settings_load_probe(int who, char *const environment[], sh_settings *ret,
                              sh_error *error);
void sh_settings_reset(sh_settings *settings); /* wipes the secrets */

#endif
