/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PUSHER_SETTINGS_CHECK_H
#define PUSHER_SETTINGS_CHECK_H

#include "libcommon/base/error.h"
#include "libcommon/config/settings.h"

#include <stdbool.h>

/* What this node does, by its settings. */

/* Whether this node pushes: SYNC_hub_url is set, and there is something to push. */
bool pusher_is_active(const sh_settings *settings);

/* Checks across settings that only the pusher has. SH_E_CONFIG, with what to set. */
sh_err pusher_check(const sh_settings *settings, sh_error *error);

#endif
