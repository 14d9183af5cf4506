/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_RETRY_POLICY_H
#define RECEIVER_RETRY_POLICY_H

#include "receiver/merge/merge_entry.h"

#include <stdint.h>

/* What happens to an entry, by how often it came and what came of it. Pure. */

typedef enum {
    RETRY_MERGE, /* merge it, in one transaction with others */
    RETRY_ALONE, /* merge it in a transaction of its own, and count the try before */
    RETRY_AGAIN, /* roll back, and merge all of the transaction again, so that it can be undone */
    RETRY_CONTINUE,    /* commit what was merged of it, and go on in a later transaction */
    RETRY_WAIT,        /* roll back and wait: what failed is not the entry's fault */
    RETRY_ACK,         /* done: acknowledge it */
    RETRY_DEAD_LETTER, /* it can never be merged: to the dead letters */
} retry_action;

/*
 * Before a try: deliveries is how often the entry was given out to any receiver, failures how often
 * its tries were counted and did not come to an end, this one included; 0: it is not counted yet.
 */
retry_action retry_before(int64_t deliveries, int64_t failures);

/* After a try. */
retry_action retry_after(entry_outcome outcome);

#endif
