/* SPDX-License-Identifier: Apache-2.0 */
#include "pusher/backoff.h"

#include <assert.h>

int64_t sh_backoff_ms(int64_t base_ms, int64_t max_ms, unsigned attempt, uint64_t random)
{
    assert(base_ms > 0 && max_ms > 0);
    int64_t ceiling_ms = base_ms;
    for (unsigned i = 1; i < attempt && ceiling_ms < max_ms; i++)
        ceiling_ms = ceiling_ms > max_ms / 2 ? max_ms : ceiling_ms * 2;
    if (ceiling_ms > max_ms)
        ceiling_ms = max_ms;
    return (int64_t)(random % ((uint64_t)ceiling_ms + 1));
}
