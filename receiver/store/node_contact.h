/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_NODE_CONTACT_H
#define RECEIVER_NODE_CONTACT_H

#include <stdbool.h>
#include <stdint.h>

/*
 * When a node was last in contact, and from when on it counts as silent. Pure. While a node is
 * silent, nothing is known of the presence of its devices.
 */
typedef struct {
    int64_t last_ms;         /* Unix time of this hub; 0: never */
    int64_t interval_ms;     /* estimated, between contacts; 0: not known yet */
    int64_t silent_after_ms; /* since the last contact */
} node_contact;

/* A node that has this interval is silent after three of them, at least after 15 minutes. */
int64_t node_silent_after_ms(int64_t interval_ms);

/*
 * The state after a contact. The estimated interval follows the gaps between contacts, of which one
 * alone counts four intervals at most. A last contact in the future, from a clock that was set
 * back, counts as none.
 */
node_contact node_contact_next(const node_contact *before, int64_t now_ms);

bool node_is_silent(const node_contact *contact, int64_t now_ms);

#endif
