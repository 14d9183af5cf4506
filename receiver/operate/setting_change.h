/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_SETTING_CHANGE_H
#define RECEIVER_SETTING_CHANGE_H

#include "libcommon/config/settings_table.h"
#include "receiver/operate/hub_connections.h"

/*
 * The row of a setting by its name. SH_E_NOT_FOUND, whose message names the nearest one.
 */
sh_err setting_find(const char *name, const sh_setting **ret, sh_error *error);

/*
 * Stores a setting on the hub and publishes it; text NULL: deletes it, so that the default is used.
 * SH_E_REFUSED if it cannot be changed there, SH_E_CONFIG with the words of a program's start if
 * the value is invalid; errors of database and Redis.
 */
sh_err setting_change(const sh_settings *settings, const hub_connections *hub,
                      const sh_setting *row, const char *text, sh_error *error);

#endif
