/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_SETTINGS_VALUE_H
#define SH_SETTINGS_VALUE_H

#include "libcommon/base/error.h"
#include "libcommon/config/settings.h"
#include "libcommon/config/settings_source.h"
#include "libcommon/config/settings_table.h"

/* Converts the text of a value to its field in the settings. For settings_load.c. */

/* Replaces a text, wipes the old one and takes ownership of text, which may be NULL. */
void sh_setting_replace_text(char **field, char *text);

/*
 * Parses text and stores it in the row's field. SH_E_CONFIG without the setting's name,
 * SH_E_MEMORY; or what the row's own check returns.
 */
sh_err sh_setting_parse(const sh_setting *row, sh_settings *settings, const char *text,
                        sh_error *error);

/*
 * Stores a value that a source has, which it trims if the kind allows that, and warns about one
 * that looks like a mistake. The message has the setting's name, its value unless that can be
 * secret, and the reason.
 */
sh_err sh_setting_set(const sh_setting *row, sh_settings *settings, sh_source_value *value,
                      sh_error *error);

#endif
