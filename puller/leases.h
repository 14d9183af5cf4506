/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PULLER_LEASES_H
#define PULLER_LEASES_H

#include "libcommon/base/error.h"
#include "libcommon/base/limits.h"
#include "libcommon/queue/queue.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Leases in Redis, so that only one puller at a time fetches a node; and the last results. */

typedef enum {
    LEASE_TAKEN, /* the caller's: fetch, then call leases_end() */
    LEASE_HELD,  /* another puller is fetching it now */
    LEASE_DONE,  /* another puller fetched it within within_ms */
} lease;

#define LEASES_MAX 32 /* in one call, as each write waits for Redis's disk */

typedef struct {
    const char *const *urls;
    size_t count;
    int64_t within_ms; /* except nodes fetched within this time; 0: no exception */
    int64_t hold_ms;
} lease_request;

/*
 * Takes a lease on each node, named by its URL; ret has room for request->count. count is 1 to
 * LEASES_MAX, also for leases_end(). All times are by Redis's clock, so that pullers on several
 * hosts agree. A time in the future was recorded before that clock was set back, and is ignored.
 */
sh_err leases_take(sh_queue *queue, const lease_request *request, lease ret[], sh_error *error);

typedef struct {
    const char *url;
    bool fetched;     /* record the fetch, for within_ms */
    const char *name; /* of the node that answered, to be recorded; NULL: unchanged */
} lease_end;

/* Releases leases. */
sh_err leases_end(sh_queue *queue, const lease_end turns[], size_t count, sh_error *error);

/* The node name in the last answer from url. SH_E_NOT_FOUND if there is none. */
sh_err leases_name_get(sh_queue *queue, const char *url, char ret[SH_NODE_NAME_MAX + 1],
                       sh_error *error);

#endif
