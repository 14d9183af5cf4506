/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/hub/steady_clock.h"

#include <stdlib.h>

bool steady_clock_update(steady_clock *c, int64_t unix_ms, int64_t monotonic_ms)
{
    int64_t offset_ms = unix_ms - monotonic_ms;
    if (!c->begun || llabs(offset_ms - c->offset_ms) > STEADY_CLOCK_STEP_MS)
        c->since_ms = monotonic_ms;
    c->begun = true;
    c->offset_ms = offset_ms;
    return monotonic_ms - c->since_ms >= STEADY_CLOCK_MS;
}
