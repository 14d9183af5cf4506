/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_DEAD_LETTER_ADD_H
#define RECEIVER_DEAD_LETTER_ADD_H

#include "libcommon/base/limits.h"
#include "receiver/queue/queue_reader.h"

/* Moves an entry that cannot be merged to the dead letters, whose number is limited. */

/* Dead letters that were dropped to make room. */
typedef struct {
    int64_t count;
    char id[QUEUE_ENTRY_ID_BYTES]; /* of the first one, as node and reason; "" if count is 0 */
    char node[SH_NODE_NAME_MAX + 1];
    char reason[SH_DEAD_REASON_MAX];
} queue_dropped;

typedef struct {
    const char *reason;
    bool keep; /* the hub caused the failure: never drop it to make room */
    /*
     * SH_DIGEST_BYTES of a device table with invalid content, to be reported to its node; NULL:
     * none
     */
    const uint8_t *digest;
} queue_rejection;

/*
 * Moves an entry to the dead letters with its reason, atomically and durably. Over the limits of
 * its node or of all nodes, drops the oldest dead letters without keep, or this entry itself;
 * *dropped, which may be NULL, says which, also after a failure. SH_E_BUSY if there is no room for
 * an entry with keep, which then stays in the queue.
 */
sh_err queue_dead_letter_add(queue_reader *reader, const queue_entry *entry,
                             const queue_rejection *rejection, queue_dropped *dropped,
                             sh_error *error);

#endif
