/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/store/node_lateness.h"

#define MINUTE_MS 60000
#define SILENT_AFTER_LEAST_MS (15 * (int64_t)MINUTE_MS)
#define SILENT_INTERVALS 3

int64_t node_silent_after_ms(int64_t interval_ms)
{
    int64_t after_ms = SILENT_INTERVALS * interval_ms;
    return after_ms > SILENT_AFTER_LEAST_MS ? after_ms : SILENT_AFTER_LEAST_MS;
}

/* Milliseconds since the last contact; -1 if it is in the future, or there was none. */
static int64_t age_of(int64_t last_contact_ms, int64_t now_ms)
{
    if (last_contact_ms <= 0 || last_contact_ms > now_ms + MINUTE_MS)
        return -1;
    return last_contact_ms > now_ms ? 0 : now_ms - last_contact_ms;
}

bool node_is_silent(int64_t last_contact_ms, int64_t silent_after_ms, int64_t now_ms)
{
    int64_t age_ms = age_of(last_contact_ms, now_ms);
    return age_ms < 0 || age_ms > silent_after_ms;
}

/* The view SyncHub_NodePresence has the same rule in SQL: OR_LATE_OR_FAILING. */
bool node_is_late(int64_t last_contact_ms, int64_t interval_ms, int64_t now_ms)
{
    return interval_ms > 0 && age_of(last_contact_ms, now_ms) > 2 * interval_ms + MINUTE_MS;
}
