/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PULLER_RUN_H
#define PULLER_RUN_H

#include "libcommon/config/settings.h"

#include <stdbool.h>

/* The puller's work, once or on a schedule until a stop. Returns the exit code. */
int puller_main(const sh_settings *settings, bool once);

#endif
