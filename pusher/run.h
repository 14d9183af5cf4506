/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PUSHER_RUN_H
#define PUSHER_RUN_H

#include "libcommon/config/settings.h"

#include <stdbool.h>

/*
 * The pusher's work, as SYNC_RUN says, until it is asked to stop; with `once` one run. Returns the
 * exit code: after a single run SH_EXIT_DONE only where all was delivered or unchanged.
 */
int run_pusher(const sh_settings *settings, bool once);

#endif
