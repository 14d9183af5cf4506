/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_HUB_SETTINGS_REDIS_H
#define SH_HUB_SETTINGS_REDIS_H

#include "libcommon/queue/queue.h"

/*
 * Asks Redis whether the settings were published anew, reads them, applies the log level unless the
 * environment or a file has it, and reports this process's settings every few seconds. Call it
 * about once a second; while Redis does not answer, everything stays.
 */
void sh_hub_settings_refresh(sh_queue *queue);

/* Deletes this process's report, as it ends. */
void sh_hub_settings_leave(sh_queue *queue);

#endif
