/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/store/node_contact.h"

#define MINUTE_MS 60000
#define GAP_MOST_INTERVALS 4 /* maximum weight of a single gap */

static int64_t clamp(int64_t value, int64_t least, int64_t most)
{
    if (value < least)
        return least;
    return value > most ? most : value;
}

static int64_t next_interval(const node_contact *before, int64_t now_ms)
{
    if (before->reported_ms > 0)
        return clamp(before->reported_ms, 0, NODE_INTERVAL_MAX_MS);
    if (before->last_ms <= 0 || before->last_ms >= now_ms)
        return before->interval_ms;
    int64_t gap_ms = now_ms - before->last_ms;
    if (before->interval_ms <= 0)
        return clamp(gap_ms, 0, NODE_INTERVAL_MAX_MS);
    /*
     * Moves half of the way to the gap, so that a few pushes in a row, or an outage, change it
     * little.
     */
    int64_t most_ms =
        clamp(before->interval_ms, MINUTE_MS, NODE_INTERVAL_MAX_MS) * GAP_MOST_INTERVALS;
    return (before->interval_ms + clamp(gap_ms, 0, most_ms)) / 2;
}

node_contact node_contact_next(const node_contact *before, int64_t now_ms)
{
    node_contact next = *before;
    next.last_ms = now_ms;
    next.interval_ms = next_interval(before, now_ms);
    return next;
}
