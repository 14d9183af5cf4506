/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_RESTAMP_H
#define RECEIVER_RESTAMP_H

#include "libcommon/queue/queue.h"
#include "receiver/queue/queue_batch.h"

/* Where to go on; zeroed at first. */
typedef struct {
    char from[QUEUE_ENTRY_ID_BYTES + 2]; /* an entry's id, and "(" before it */
} restamp_cursor;

/*
 * Lets claims that Redis's clock was set back behind count again: looks at some pending entries,
 * and at the others in further calls. SH_E_NOT_FOUND where there is no group.
 */
sh_err queue_restamp(sh_queue *queue, restamp_cursor *cursor, sh_error *error);

#endif
