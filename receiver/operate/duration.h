/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_DURATION_H
#define RECEIVER_DURATION_H

#include <stdbool.h>
#include <stdint.h>

/* Parses a whole number with s, m, h or d, such as 7d; false for another text or over the maximum.
 */
bool duration_read(const char *text, int64_t max_s, int64_t *ret_ms);

#endif
