/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_NODE_LATENESS_H
#define RECEIVER_NODE_LATENESS_H

#include <stdbool.h>
#include <stdint.h>

/*
 * When a node is late, and when it is silent. Pure. Times are Unix times of this hub in ms, 0:
 * never; a last contact in the future was recorded before the clock was set back. Clocks of the
 * hub's machines may differ by a minute.
 */

/* A node with this interval is silent after three of them, but not before 15 minutes. */
int64_t node_silent_after_ms(int64_t interval_ms);

/*
 * Whether a node is late: after two intervals and a minute. interval_ms 0: not known, never late.
 * The views of presence contain the same rule in SQL, with another minute, so that a change of it
 * needs a migration, too.
 */
bool node_is_late(int64_t last_contact_ms, int64_t interval_ms, int64_t now_ms);

/* Whether a node is silent; a node without a contact is. */
bool node_is_silent(int64_t last_contact_ms, int64_t silent_after_ms, int64_t now_ms);

#endif
