/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_NODE_CONTACT_H
#define RECEIVER_NODE_CONTACT_H

#include <stdint.h>

/*
 * A node's last contact and interval. Pure; node_lateness.h says when it is late or silent. While a
 * node is late or silent, the presence of its devices is unknown.
 */
typedef struct {
    int64_t last_ms;     /* Unix time of this hub; 0: never */
    int64_t interval_ms; /* between contacts: as the node reports, else estimated; 0: not known */
    int64_t reported_ms; /* the interval in the node's requests; 0: none */
    int64_t set_ms; /* after how long it is silent, as set by the operator; 0: by the interval */
} node_contact;

#define NODE_INTERVAL_MAX_MS (366 * 24 * 3600 * INT64_C(1000))

/*
 * The state after a contact. The estimated interval follows the gaps between contacts, each limited
 * to four intervals. A last contact in the future, from a clock that was set back, is ignored.
 */
node_contact node_contact_next(const node_contact *before, int64_t now_ms);

#endif
