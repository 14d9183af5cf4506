/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_PRESENCE_FINGERPRINT_H
#define RECEIVER_PRESENCE_FINGERPRINT_H

#include "receiver/merge/sightings.h"

/*
 * Identifies what a whole table says about presence: its devices in their order, with states and
 * addresses. 0 if the range is not a whole table. Not cryptographic, as a node can only deceive
 * itself. The database keeps it (store_node.presence_fingerprint); another algorithm costs each
 * node one comparison.
 */
int64_t presence_fingerprint(const sightings *from, const sightings_range *range);

#endif
