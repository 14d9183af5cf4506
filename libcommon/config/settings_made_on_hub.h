/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_SETTINGS_MADE_ON_HUB_H
#define SH_SETTINGS_MADE_ON_HUB_H

#include "libcommon/base/buffer.h"
#include "libcommon/config/settings_table.h"

/*
 * Settings made on the hub: stored in its database, published in Redis as a JSON object of texts,
 * and a source of values for the programs in the rows' `hub`.
 */

/* The row of a setting that can be made on the hub, by its name in any case; or NULL. */
const sh_setting *sh_setting_find_hub(const char *name);

/*
 * The row of any setting by its name in any case: the one for the hub if there is one, otherwise
 * the receiver's, the puller's or the pusher's; or NULL.
 */
const sh_setting *sh_setting_find_shown(const char *name);

/*
 * Checks a value as at the start of a program and appends it in its normal form, which is valid,
 * too. SH_E_CONFIG with the words of a program's start; SH_E_LIMIT, SH_E_MEMORY.
 */
sh_err sh_setting_normalize(const sh_setting *row, const char *text, sh_buf *ret, sh_error *error);

/*
 * Appends a program's settings as an array of {"name":…,"value":…,"origin":…}: the values as
 * sh_setting_print() does, without those longer than SH_SETTING_REPORTED_MAX, which are null. live:
 * settings loaded later, of which those are in use that can be made on the hub and that neither
 * environment nor file has; or NULL. SH_E_LIMIT, SH_E_MEMORY.
 */
sh_err sh_settings_report(const sh_settings *settings, const sh_settings *live, int program,
                          sh_buf *ret);

/* Whether neither environment nor file has this setting, and this program takes it from the hub. */
bool sh_setting_is_open(const sh_setting *row, const sh_settings *settings, int program);

#endif
