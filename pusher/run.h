/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PUSHER_RUN_H
#define PUSHER_RUN_H

#include "libcommon/config/settings.h"

#include <stdbool.h>

/*
 * The pusher's work, according to SYNC_RUN, until a stop; with `once` a single run. Returns the
 * exit code: after a single run SH_EXIT_DONE only if everything was delivered or unchanged.
 */
int run_pusher(const sh_settings *settings, bool once);

#endif
