/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_HUB_SETTINGS_H
#define SH_HUB_SETTINGS_H

#include "libcommon/base/buffer.h"
#include "libcommon/config/settings.h"

#include <stdbool.h>

/*
 * Settings made on the hub, between the thread that reads them from Redis (hub_settings_redis.h)
 * and the one that uses them (settings_reload.h), and this process's report of its own settings.
 * Knows no Redis, as programs without it have it, too. Thread-safe.
 */

#define SH_PROGRAM_ID_BYTES 17 /* of this process, in hex, and a NUL */

/* --- For hub_settings_redis.c */

/* Whether a version that was published is another than that of the text. */
bool sh_hub_settings_is_newer(const char *version);
/* Takes over *text, which then is empty; applies the log level unless this process has its own. */
void sh_hub_settings_put(const char *version, sh_buf *text);
/* Appends the report to *ret if it is due, every few seconds. */
bool sh_hub_settings_report_due(sh_buf *ret, char id[static SH_PROGRAM_ID_BYTES]);
/* Whether there may be a report of this process in Redis, which is to be deleted. */
bool sh_hub_settings_report_end(char id[static SH_PROGRAM_ID_BYTES]);

/* --- For settings_reload.c */

/* The settings in use decide who sets the log level. */
void sh_hub_settings_use(const sh_settings *settings, int program);
/* Replaces the text of the report. */
void sh_hub_settings_set_report(const sh_buf *report);
/*
 * Replaces *text by the JSON of what was published last and sets *taken, the caller's number of the
 * last one, 0 at first. False, with *text unchanged, if nothing newer was published.
 */
bool sh_hub_settings_take(unsigned *taken, sh_buf *text);

#endif
