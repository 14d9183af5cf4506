/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/merge/retry_policy.h"

#include "libcommon/base/limits.h"

#include <assert.h>

/*
 * A receiver that crashes leaves no reason. An entry that is redelivered often may crash receivers,
 * so it is merged separately; it is given up only if receivers still crash.
 */
retry_action retry_before(int64_t deliveries, int64_t failures)
{
    if (failures > SH_MERGE_ATTEMPTS_MAX)
        return RETRY_DEAD_LETTER;
    return deliveries >= SH_QUEUE_SUSPECT_DELIVERIES || failures > 0 ? RETRY_ALONE : RETRY_MERGE;
}

retry_action retry_after(entry_outcome outcome)
{
    switch (outcome) {
    case ENTRY_MERGED:
    case ENTRY_DUPLICATE:
        return RETRY_ACK;
    case ENTRY_PIECE:
        return RETRY_CONTINUE;
    case ENTRY_POISON:
        return RETRY_DEAD_LETTER;
    case ENTRY_NO_SAVEPOINT:
        return RETRY_AGAIN;
    case ENTRY_STORE:
        return RETRY_WAIT;
    }
    assert(false && "an outcome without an action");
    return RETRY_WAIT;
}
