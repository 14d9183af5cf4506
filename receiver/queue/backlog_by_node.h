/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_BACKLOG_BY_NODE_H
#define RECEIVER_BACKLOG_BY_NODE_H

#include "libcommon/queue/queue.h"

/* The number of entries of each node in the queue, at one point in time. */
typedef struct backlog_by_node backlog_by_node;

sh_err backlog_by_node_count(sh_queue *queue, backlog_by_node **ret, sh_error *error);
int64_t backlog_by_node_of(const backlog_by_node *waiting, const char *node);
void backlog_by_node_free(backlog_by_node *waiting); /* NULL is accepted */

#endif
