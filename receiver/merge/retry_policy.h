/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_RETRY_POLICY_H
#define RECEIVER_RETRY_POLICY_H

#include "receiver/merge/merge_entry.h"

#include <stdint.h>

/* Decides what happens to an entry, by its deliveries, failures and outcome. Pure. */

typedef enum {
    RETRY_MERGE, /* merge it, in one transaction with others */
    RETRY_ALONE, /* merge it in a transaction of its own, and count the try before */
    RETRY_AGAIN, /* roll back, and merge all of the transaction again, so that it can be undone */
    RETRY_CONTINUE,    /* commit this piece, and continue in a later transaction */
    RETRY_WAIT,        /* roll back and wait: not the entry's fault */
    RETRY_ACK,         /* merged: acknowledge it */
    RETRY_DEAD_LETTER, /* it can never be merged: to the dead letters */
} retry_action;

/*
 * Before an attempt: deliveries to any receiver, and failures: counted attempts without an end,
 * including this one; 0: not counted yet.
 */
retry_action retry_before(int64_t deliveries, int64_t failures);

/* After an attempt. */
retry_action retry_after(entry_outcome outcome);

#endif
