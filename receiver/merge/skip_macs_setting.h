/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_SKIP_MACS_SETTING_H
#define RECEIVER_SKIP_MACS_SETTING_H

#include "libcommon/config/settings.h"
#include "receiver/store/store_state.h"

/*
 * SYNC_skip_macs as made on the hub. Whoever changes it in the database also gives the blocklist a
 * new version (store_state_touch()) and deletes the digests, so that no receiver that merges uses
 * the former list and records a table as merged.
 */

#define SKIP_SETTING "SYNC_skip_macs"

/*
 * Reads it from the database, unless the environment or a file has it. *found is false if it was
 * not made on the hub: then that of the settings is in use.
 */
sh_err skip_macs_setting_read(const sh_settings *settings, store *s, sh_list *ret, bool *found,
                              sh_error *error);

#endif
