/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/store/node_lateness.h"

#define MINUTE_MS 60000
#define SILENT_INTERVALS 3
#define LATE_INTERVALS 2

static int64_t longer_of(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

int64_t node_silent_after_ms(const node_contact *contact, const node_thresholds *thresholds)
{
    return contact->set_ms > 0
               ? contact->set_ms
               : longer_of(SILENT_INTERVALS * contact->interval_ms, thresholds->silent_ms);
}

/* Milliseconds since the last contact; -1 if it is in the future, or there was none. */
static int64_t age_of(const node_contact *contact, int64_t now_ms)
{
    if (contact->last_ms <= 0 || contact->last_ms > now_ms + MINUTE_MS)
        return -1;
    return contact->last_ms > now_ms ? 0 : now_ms - contact->last_ms;
}

bool node_is_silent(const node_contact *contact, const node_thresholds *thresholds, int64_t now_ms)
{
    int64_t age_ms = age_of(contact, now_ms);
    return age_ms < 0 || age_ms > node_silent_after_ms(contact, thresholds);
}

bool node_is_late(const node_contact *contact, const node_thresholds *thresholds, int64_t now_ms)
{
    int64_t late_ms =
        longer_of(LATE_INTERVALS * contact->interval_ms + MINUTE_MS, thresholds->late_ms);
    return contact->interval_ms > 0 && age_of(contact, now_ms) > late_ms;
}
