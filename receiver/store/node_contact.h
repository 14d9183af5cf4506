/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_NODE_CONTACT_H
#define RECEIVER_NODE_CONTACT_H

#include <stdbool.h>
#include <stdint.h>

/*
 * A node's last contact, and when it counts as silent. Pure. While a node is silent, the presence
 * of its devices is unknown.
 */
typedef struct {
    int64_t last_ms;         /* Unix time of this hub; 0: never */
    int64_t interval_ms;     /* estimated, between contacts; 0: not known yet */
    int64_t silent_after_ms; /* since the last contact */
} node_contact;

/* A node with this interval is silent after three of them, but not before 15 minutes. */
int64_t node_silent_after_ms(int64_t interval_ms);

/*
 * The state after a contact. The estimated interval follows the gaps between contacts, each limited
 * to four intervals. A last contact in the future, from a clock that was set back, is ignored.
 */
node_contact node_contact_next(const node_contact *before, int64_t now_ms);

bool node_is_silent(const node_contact *contact, int64_t now_ms);

#endif
