/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_NODE_LATENESS_H
#define RECEIVER_NODE_LATENESS_H

#include "receiver/store/node_contact.h"

#include <stdbool.h>

/*
 * When a node is late, and when it is silent. Pure. Times are Unix times of this hub in ms; a last
 * contact in the future was recorded before the clock was set back. Clocks of the hub's machines
 * may differ by a minute. The views of presence contain the same rules in SQL, so that a change of
 * them needs a migration, too.
 */

/* SYNC_silent_after, SYNC_late_after and SYNC_never_after, in ms, as store_thresholds.h has them.
 */
typedef struct {
    int64_t silent_ms, late_ms, never_ms;
} node_thresholds;

/*
 * After how long without contact a node is silent: as set by the operator, otherwise after three
 * intervals, but not before the threshold.
 */
int64_t node_silent_after_ms(const node_contact *contact, const node_thresholds *thresholds);

/*
 * Whether a node is late: after two intervals and a minute, but not before the threshold. It never
 * is while its interval is not known. The views allow it another minute.
 */
bool node_is_late(const node_contact *contact, const node_thresholds *thresholds, int64_t now_ms);

/* Whether a node is silent; a node without a contact is. */
bool node_is_silent(const node_contact *contact, const node_thresholds *thresholds, int64_t now_ms);

#endif
