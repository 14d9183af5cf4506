/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_THRESHOLD_SETTINGS_H
#define RECEIVER_THRESHOLD_SETTINGS_H

#include "libcommon/config/settings_table.h"
#include "receiver/store/store_state.h"

/*
 * The settings that say when a node is late, silent, or missing for too long, on their way to
 * store_thresholds.h. Those of the environment and files of a receiver that merges count before
 * those made on the hub; of several such receivers, the one that started last decides.
 */

typedef struct {
    bool noted;                        /* since the database was opened, for … */
    char version[STORE_VERSION_BYTES]; /* … this version of STORE_SETTINGS */
} threshold_settings;

/*
 * Notes the thresholds in the database if this was not done yet for this version of STORE_SETTINGS;
 * *again: they were read anew, and may be others than before. Call it outside a transaction.
 */
sh_err threshold_settings_note(threshold_settings *t, const sh_settings *settings, store *s,
                               const char *version, bool *again, sh_error *error);

/*
 * In a transaction that changes this setting on the hub: notes its new value, which is valid; NULL:
 * the default. Other settings have no effect.
 */
sh_err threshold_setting_changed(store *s, const sh_setting *row, const char *value,
                                 sh_error *error);

#endif
