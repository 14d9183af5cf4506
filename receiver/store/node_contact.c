/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/store/node_contact.h"

#define MINUTE_MS 60000
#define SILENT_AFTER_LEAST_MS (15 * (int64_t)MINUTE_MS)
#define SILENT_INTERVALS 3
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

void node_contact_settle(node_contact *contact)
{
    contact->silent_after_ms =
        contact->set_ms > 0 ? contact->set_ms : node_silent_after_ms(contact->interval_ms);
}

node_contact node_contact_next(const node_contact *before, int64_t now_ms)
{
    node_contact next = *before;
    next.last_ms = now_ms;
    next.interval_ms = next_interval(before, now_ms);
    node_contact_settle(&next);
    return next;
}

/* Milliseconds since the last contact; -1 if it is in the future, or there was none. */
static int64_t age_of(const node_contact *contact, int64_t now_ms)
{
    if (contact->last_ms <= 0 || contact->last_ms > now_ms + MINUTE_MS)
        return -1;
    return contact->last_ms > now_ms ? 0 : now_ms - contact->last_ms;
}

bool node_is_silent(const node_contact *contact, int64_t now_ms)
{
    int64_t age_ms = age_of(contact, now_ms);
    return age_ms < 0 || age_ms > contact->silent_after_ms;
}

bool node_is_late(const node_contact *contact, int64_t now_ms)
{
    return contact->interval_ms > 0 &&
           age_of(contact, now_ms) > 2 * contact->interval_ms + MINUTE_MS;
}
