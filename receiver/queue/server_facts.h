/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_SERVER_FACTS_H
#define RECEIVER_SERVER_FACTS_H

#include "libcommon/queue/queue.h"

/* What `doctor` and metrics show of the Redis server. */
typedef struct {
    bool has_info; /* false: its user may not run INFO, and the fields of it are empty */
    char version[32];
    int64_t used_memory, maxmemory; /* bytes; maxmemory 0: no limit */
    int64_t now_ms;                 /* its clock; 0: its user may not run TIME */
    int64_t oldest_ms;              /* when the oldest entry was queued, by that clock; 0: none */
} server_facts;

/* The errors of queue.h. */
sh_err server_facts_get(sh_queue *queue, server_facts *ret, sh_error *error);

/* For how many ms the oldest entry has waited, by the server's clock; 0 if there is none. */
sh_err queue_oldest_age(sh_queue *queue, int64_t *ret, sh_error *error);

#endif
