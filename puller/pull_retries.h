/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PULLER_PULL_RETRIES_H
#define PULLER_PULL_RETRIES_H

#include <stdbool.h>

/*
 * The state machine of one node in one run, and which requests are repeated. Pure: the caller acts.
 */

#define PULL_TRIES 3           /* fetches of a table that is half-written (NetAlertX) */
#define PULL_RETRY_WAIT_MS 500 /* before the requests of all nodes in PULL_RETRY are repeated */

typedef enum {
    PULL_NEW,      /* before its lease */
    PULL_ASKED,    /* a request was sent */
    PULL_RETRY,    /* will be requested again */
    PULL_ENQUEUED, /* its table or contact waits for Redis */
    /* The ends, in the order of puller_outcome. */
    PULL_END_PULLED,
    PULL_END_UNCHANGED,
    PULL_END_FAILED,
    PULL_END_SKIPPED
} pull_state;

typedef enum {
    PULL_LEASED,         /* this puller has the lease, and the request is ready */
    PULL_TAKEN,          /* another puller fetches it, or has fetched it for this run */
    PULL_ANSWERED,       /* with a table, or unchanged */
    PULL_CUT,            /* with a half-written table */
    PULL_TOKEN_REFUSED,  /* and there is another token to try */
    PULL_WRITTEN,        /* the table is in the queue */
    PULL_WRITTEN_BEFORE, /* the hub has that table already */
    PULL_ERROR,          /* any other error */
    PULL_STOPPED         /* the program stops */
} pull_event;

/*
 * The state after event. tries_left: a half-written table may be fetched again. An event that
 * cannot occur in the state is a bug of the caller (assert).
 */
pull_state pull_state_next(pull_state state, pull_event event, bool tries_left);

static inline bool pull_state_is_end(pull_state state)
{
    return state >= PULL_END_PULLED;
}

#endif
