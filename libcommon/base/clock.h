/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_CLOCK_H
#define SH_CLOCK_H

#include <stdint.h>

#define SH_DATETIME_BYTES 20 /* `YYYY-MM-DD HH:MM:SS` and NUL */

int64_t sh_clock_unix_ms(void);      /* Unix time; can jump */
int64_t sh_clock_monotonic_ms(void); /* never goes back; for waits and durations */

int64_t sh_clock_unix_ns(void); /* Unix time */
/*
 * The clock from which the kernel takes a file's mtime (CLOCK_REALTIME_COARSE), and its resolution:
 * a tick of 1 to 10 ms.
 */
int64_t sh_clock_file_ns(void);
int64_t sh_clock_file_tick_ns(void);

#define SH_RFC3339_BYTES 21 /* `YYYY-MM-DDTHH:MM:SSZ` and NUL */

/* Formats a time as UTC, for logs, output and our own formats. */
void sh_clock_rfc3339(int64_t unix_ms, char ret[static SH_RFC3339_BYTES]);

/* Formats a time as local time (TZ), as NetAlertX does; for its formats and database only. */
void sh_clock_datetime(int64_t unix_ms, char ret[static SH_DATETIME_BYTES]);

#endif
