/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_CLOCK_H
#define SH_CLOCK_H

#include <stdint.h>

#define SH_DATETIME_BYTES 20 /* `YYYY-MM-DD HH:MM:SS` and NUL */

int64_t sh_clock_unix_ms(void);      /* since 1970, may jump */
int64_t sh_clock_monotonic_ms(void); /* never goes back */

/*
 * Since 1970 in ns: now, and what the kernel stamps a file with that is written now, which stands
 * still for a tick of 1 to 10 ms (CLOCK_REALTIME_COARSE).
 */
int64_t sh_clock_unix_ns(void);
int64_t sh_clock_file_ns(void);
int64_t sh_clock_file_tick_ns(void);

#define SH_RFC3339_BYTES 21 /* `YYYY-MM-DDTHH:MM:SSZ` and NUL */

/* UTC, for people and programs. */
void sh_clock_rfc3339(int64_t unix_ms, char ret[static SH_RFC3339_BYTES]);

/* Local time (TZ) as NetAlertX writes it, for its formats and databases alone. */
void sh_clock_datetime(int64_t unix_ms, char ret[static SH_DATETIME_BYTES]);

#endif
