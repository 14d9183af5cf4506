/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PULLER_PULL_STATE_H
#define PULLER_PULL_STATE_H

#include <stdbool.h>

/* Where one node is in one run. Pure: the caller acts, this says what follows. */

typedef enum {
    PULL_NEW,      /* before its lease */
    PULL_ASKED,    /* a request is on its way */
    PULL_RETRY,    /* to be asked again */
    PULL_ENQUEUED, /* its table, or its contact, waits for Redis */
    /* The ends, in the order of puller_outcome. */
    PULL_END_PULLED,
    PULL_END_UNCHANGED,
    PULL_END_FAILED,
    PULL_END_SKIPPED
} pull_state;

typedef enum {
    PULL_LEASED,         /* ours to fetch, and the request is ready */
    PULL_TAKEN,          /* another puller fetches it, or has for this run */
    PULL_ANSWERED,       /* a table, or that there is nothing new */
    PULL_CUT,            /* a table that is half-written */
    PULL_TOKEN_REFUSED,  /* and the node may know another one */
    PULL_WRITTEN,        /* the table is in the queue */
    PULL_WRITTEN_BEFORE, /* the hub has that table already */
    PULL_ERROR,          /* of the node, of Redis, of ours */
    PULL_STOPPED         /* the program stops */
} pull_event;

/*
 * The state after event. tries_left: a half-written table may be fetched again. Events that cannot
 * occur in a state are a caller's fault (assert).
 */
pull_state pull_state_next(pull_state state, pull_event event, bool tries_left);

static inline bool pull_state_is_end(pull_state state)
{
    return state >= PULL_END_PULLED;
}

#endif
