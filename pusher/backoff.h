/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_BACKOFF_H
#define SH_BACKOFF_H

#include <stdint.h>

/*
 * Exponential back-off with full jitter: how long to wait before the next try, so that many who
 * failed together do not come back together. Pure.
 *
 * attempt counts failures so far, from 1; the wait lies between 0 and base_ms doubled for each
 * failure after the first, but never over max_ms. random is a number drawn evenly from all of 64
 * bits. base_ms and max_ms are positive.
 */
int64_t sh_backoff_ms(int64_t base_ms, int64_t max_ms, unsigned attempt, uint64_t random);

#endif
