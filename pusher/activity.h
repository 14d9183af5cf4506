/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PUSHER_ACTIVITY_H
#define PUSHER_ACTIVITY_H

#include "libcommon/base/error.h"
#include "libcommon/config/settings.h"

#include <stdbool.h>

/* What the settings ask of this node. */

/* Whether this node pushes at all: SYNC_hub_url is set, and something to push. */
bool pusher_is_active(const sh_settings *settings);

/* What a pusher needs beyond what the settings check themselves; SH_E_CONFIG says what to set. */
sh_err pusher_check(const sh_settings *settings, sh_error *error);

#endif
