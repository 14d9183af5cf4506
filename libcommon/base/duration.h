/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_DURATION_H
#define SH_DURATION_H

#include <stdbool.h>
#include <stdint.h>

/* Durations as people write them: a whole number with s, m, h or d, such as 7d. */

/* False for another text or over the maximum. */
bool sh_duration_read(const char *text, int64_t max_s, int64_t *ret_ms);

#define SH_DURATION_BYTES 24

/* Writes whole seconds in the largest unit that keeps them whole: 900 is 15m, 90 is 90s. */
void sh_duration_write(int64_t seconds, char ret[static SH_DURATION_BYTES]);

#endif
