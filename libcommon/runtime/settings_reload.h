/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_SETTINGS_RELOAD_H
#define SH_SETTINGS_RELOAD_H

#include "libcommon/config/settings.h"
#include "libcommon/runtime/service.h"

#include <stdbool.h>

/*
 * Reads settings again that NetAlertX's settings page (or somebody else) changed in
 * SYNC_config_file while the program runs. For service.c; for the thread of run() alone.
 */

/* From here on changes of the files that these settings were read from are noticed. */
void sh_settings_reload_begin(const sh_service *service, const sh_settings *settings);

/* Gives the new settings after SH_RELOAD_DUE, in place of the old ones, which are released. */
void sh_settings_reload_take(sh_settings *settings);

void sh_settings_reload_end(void);

#endif
