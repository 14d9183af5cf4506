/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_WAITING_ENTRIES_H
#define RECEIVER_WAITING_ENTRIES_H

#include "libcommon/queue/queue.h"

/* The number of entries of each node in the queue, at one point in time. */
typedef struct waiting_entries waiting_entries;

sh_err waiting_entries_count(sh_queue *queue, waiting_entries **ret, sh_error *error);
int64_t waiting_entries_of(const waiting_entries *waiting, const char *node);
void waiting_entries_free(waiting_entries *waiting); /* NULL is accepted */

#endif
