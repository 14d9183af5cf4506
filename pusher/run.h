/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PUSHER_RUN_H
#define PUSHER_RUN_H

#include "libcommon/base/error.h"
#include "libcommon/config/settings.h"

#include <stdbool.h>

/* Whether this node pushes at all: SYNC_hub_url is set, and something to push. */
bool run_is_active(const sh_settings *settings);

/* What a pusher needs beyond what the settings check themselves; SH_E_CONFIG says what to set. */
sh_err run_check(const sh_settings *settings, sh_error *error);

/*
 * The pusher's work, as SYNC_RUN says, until it is asked to stop; with `once` one run. Returns the
 * exit code: after a single run SH_EXIT_DONE only where all was delivered or unchanged.
 */
int run_pusher(const sh_settings *settings, bool once);

#endif
