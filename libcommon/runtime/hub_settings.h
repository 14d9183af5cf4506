/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_HUB_SETTINGS_H
#define SH_HUB_SETTINGS_H

#include "libcommon/base/buffer.h"
#include "libcommon/config/settings.h"
#include "libcommon/queue/queue.h"

#include <stdbool.h>

/*
 * Settings made on the hub, between the thread that reads them from Redis and the one that uses
 * them (settings_reload.h), and this process's report of its own settings. Thread-safe.
 */

/*
 * Asks Redis whether the settings were published anew, reads them, applies the log level unless the
 * environment or a file has it, and reports this process's settings every few seconds. Call it
 * about once a second; while Redis does not answer, everything stays.
 */
void sh_hub_settings_refresh(sh_queue *queue);

/* Deletes this process's report, as it ends. */
void sh_hub_settings_leave(sh_queue *queue);

/* For settings_reload.c: the settings in use decide who sets the log level. */
void sh_hub_settings_use(const sh_settings *settings, int program);
/* Replaces the text of the report. */
void sh_hub_settings_set_report(const sh_buf *report);
/*
 * Replaces *text by the JSON of what was published last and sets *taken, the caller's number of the
 * last one, 0 at first. False, with *text unchanged, if nothing newer was published.
 */
bool sh_hub_settings_take(unsigned *taken, sh_buf *text);

#endif
