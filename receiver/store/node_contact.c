/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/store/node_contact.h"

#define MINUTE_MS 60000
#define SILENT_AFTER_LEAST_MS (15 * (int64_t)MINUTE_MS)
#define SILENT_INTERVALS 3
#define INTERVAL_MOST_MS (366 * 24 * 60 * (int64_t)MINUTE_MS)
#define GAP_MOST_INTERVALS 4 /* maximum weight of a single gap */

int64_t node_silent_after_ms(int64_t interval_ms)
{
    int64_t after_ms = SILENT_INTERVALS * interval_ms;
    return after_ms > SILENT_AFTER_LEAST_MS ? after_ms : SILENT_AFTER_LEAST_MS;
}

static int64_t clamp(int64_t value, int64_t least, int64_t most)
{
    if (value < least)
        return least;
    return value > most ? most : value;
}

static int64_t next_interval(const node_contact *before, int64_t now_ms)
{
    if (before->last_ms <= 0 || before->last_ms >= now_ms)
        return before->interval_ms;
    int64_t gap_ms = now_ms - before->last_ms;
    if (before->interval_ms <= 0)
        return clamp(gap_ms, 0, INTERVAL_MOST_MS);
    /*
     * Moves half of the way to the gap, so that a few pushes in a row, or an outage, change it
     * little.
     */
    int64_t most_ms = clamp(before->interval_ms, MINUTE_MS, INTERVAL_MOST_MS) * GAP_MOST_INTERVALS;
    return (before->interval_ms + clamp(gap_ms, 0, most_ms)) / 2;
}

node_contact node_contact_next(const node_contact *before, int64_t now_ms)
{
    node_contact next = {.last_ms = now_ms, .interval_ms = next_interval(before, now_ms)};
    next.silent_after_ms = node_silent_after_ms(next.interval_ms);
    return next;
}

bool node_is_silent(const node_contact *contact, int64_t now_ms)
{
    return contact->last_ms <= 0 || contact->last_ms > now_ms ||
           now_ms - contact->last_ms > contact->silent_after_ms;
}
