/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_SETTINGS_RELOAD_H
#define SH_SETTINGS_RELOAD_H

#include "libcommon/config/settings.h"
#include "libcommon/runtime/service.h"

#include <stdbool.h>

/*
 * Reloads settings that NetAlertX's settings page, or somebody else, changed in SYNC_config_file
 * while the program runs. For the thread of sh_service.run() only.
 */

/*
 * Whether SYNC_config_file, or the override beside it, was changed since the settings were read. To
 * be called every few seconds and before each piece of work that settings decide. Changes that
 * cannot be used are logged, and the old settings stay.
 */
typedef enum {
    SH_RELOAD_NONE,
    SH_RELOAD_SETTLING, /* it is being written: work that can wait for a second should */
    SH_RELOAD_DUE,      /* run() should return SH_RUN_AGAIN */
} sh_reload_state;
sh_reload_state sh_service_reload_state(void);

/* Watches the files that these settings were read from. For service_main.c, as the next two. */
void sh_settings_reload_begin(const sh_service *service, const sh_settings *settings);

/* After SH_RELOAD_DUE, replaces *settings by the new ones and releases the old ones. */
void sh_settings_reload_take(sh_settings *settings);

void sh_settings_reload_end(void);

#endif
