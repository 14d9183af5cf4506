/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_STEADY_CLOCK_H
#define RECEIVER_STEADY_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Decides whether ages that come from the wall clock can be trusted. A clock that was set, on a
 * machine without a battery-backed clock or by an operator, makes everything look days older than
 * it is. Nothing is deleted because of its age before the wall clock has kept pace with the
 * monotonic clock for STEADY_CLOCK_MS: active nodes have been in contact again by then.
 */
#define STEADY_CLOCK_MS (3600LL * 1000)
#define STEADY_CLOCK_STEP_MS                                                                       \
    10000LL /* a larger difference between two calls is a clock that was set */

/* Zero-initialized before the first call. */
typedef struct {
    bool begun;
    int64_t since_ms;  /* monotonic */
    int64_t offset_ms; /* wall clock minus monotonic clock, at the last call */
} steady_clock;

/* Takes the time of both clocks, in milliseconds. Call it regularly: steps between two calls are
 * found, whatever their direction. The time before the first call is not known to be steady. */
bool steady_clock_update(steady_clock *c, int64_t unix_ms, int64_t monotonic_ms);

#endif
