/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_IDLE_TIME_REPAIR_H
#define RECEIVER_IDLE_TIME_REPAIR_H

#include "libcommon/queue/queue.h"
#include "receiver/queue/queue_batch.h"

/* Where the next call continues; zero-initialized. */
typedef struct {
    char from[QUEUE_ENTRY_ID_BYTES + 2]; /* "(" and an entry's id */
} idle_time_cursor;

/*
 * Repairs the idle times of pending entries that were delivered before Redis's clock was set back.
 * Each call examines some of the pending entries; repeated calls examine all of them.
 * SH_E_NOT_FOUND if there is no group.
 */
sh_err queue_repair_idle_times(sh_queue *queue, idle_time_cursor *cursor, sh_error *error);

#endif
