/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_SETTINGS_RELOAD_H
#define SH_SETTINGS_RELOAD_H

#include "libcommon/config/settings.h"
#include "libcommon/runtime/service.h"

#include <stdbool.h>

/*
 * Reloads settings while the program runs: when SYNC_config_file is changed, for example by
 * NetAlertX's settings page, or settings are made on the hub (hub_settings.h). For the thread of
 * sh_service.run() only.
 */

/*
 * Whether SYNC_config_file, or the override beside it, was changed since the settings were read, or
 * settings on the hub. Call it every second and before each task that depends on settings. An
 * invalid change is logged, and the old settings stay in use. The receiver runs on with all that
 * can be made on the hub: the log level is set, merge reads SYNC_skip_macs from the database.
 */
typedef enum {
    SH_RELOAD_NONE,
    SH_RELOAD_SETTLING, /* being written: delay work that can wait for a second */
    SH_RELOAD_DUE,      /* run() should return SH_RUN_AGAIN */
} sh_reload_state;
sh_reload_state sh_service_reload_state(void);

/*
 * Watches the hub and, if wanted, the files from which these settings were read. For
 * service_main.c, as are the next two.
 */
void sh_settings_reload_begin(const sh_service *service, const sh_settings *settings,
                              bool watches_files);

/* After SH_RELOAD_DUE: replaces *settings by the new settings and frees the old ones. */
void sh_settings_reload_take(sh_settings *settings);

void sh_settings_reload_end(void);

#endif
