/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_QUEUE_OUTCOME_H
#define RECEIVER_QUEUE_OUTCOME_H

#include "libcommon/base/limits.h"
#include "libcommon/native/envelope.h"
#include "receiver/queue/queue_reader.h"

/* Ends the work on entries that were merged, and counts failures; see also dead_letter_add.h. */

/* An entry that was merged and committed. */
typedef struct {
    const queue_entry *entry;
    const char *node;      /* whose digest to publish; NULL: none */
    const uint8_t *digest; /* SH_DIGEST_BYTES */
    int64_t merged_ms;
} queue_done;

/* Acknowledges and deletes count entries and publishes their digests, all atomically. */
sh_err queue_ack(queue_reader *reader, const queue_done done[], size_t count, sh_error *error);

/* Counts a failed merge of an entry; *times is the new count. */
sh_err queue_failed(sh_queue *queue, const char *entry_id, int64_t *times, sh_error *error);
/* Undoes one count, as the entry did not cause the failure. */
sh_err queue_failed_undo(sh_queue *queue, const char *entry_id, sh_error *error);

#endif
