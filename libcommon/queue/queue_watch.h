/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_QUEUE_WATCH_H
#define SH_QUEUE_WATCH_H

#include "libcommon/base/error.h"
#include "libcommon/queue/queue.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * A thread that checks the queue once a second, so that a Redis that became unfit is noticed before
 * anybody pushes, and GET /readyz and GET /metrics cost Redis nothing, however often they come.
 */
typedef struct sh_queue_watch sh_queue_watch;

typedef struct {
    sh_err err;           /* of sh_queue_check(); SH_E_BUSY before the first one */
    sh_error error;       /* its words */
    bool answers;         /* Redis is there, fit or not */
    sh_queue_keeps keeps; /* and keeps_words tells of all but SH_KEEPS_ALL */
    char keeps_words[SH_ERROR_MESSAGE_BYTES];
    bool has_depth;
    sh_queue_depth depth;
} sh_queue_state;

typedef struct {
    void *context;
    /* Called in the thread after each check whose err or keeps differs from the one before. */
    void (*changed)(void *context, const sh_queue_state *state);
    /* Called in the thread after each check, to do more with the queue; may be NULL. */
    void (*each)(void *context, sh_queue *queue);
} sh_queue_watch_calls;

/* What options point to must outlive the watch. SH_E_MEMORY, SH_E_CONFIG. */
sh_err sh_queue_watch_new(const sh_queue_options *options, const sh_queue_watch_calls *calls,
                          sh_queue_watch **ret, sh_error *error);
/* Lets the thread end, without a wait; what was found last is given on. */
void sh_queue_watch_stop(sh_queue_watch *watch);
/* Waits for the thread's end. NULL is accepted. */
void sh_queue_watch_free(sh_queue_watch *watch);

/*
 * The same, but checked within the last SH_QUEUE_FRESH_MS, for which a check is asked for and
 * waited for a moment. However many ask at once, there is one check for all of them.
 */
#define SH_QUEUE_FRESH_MS 100
void sh_queue_watch_get_fresh(sh_queue_watch *watch, sh_queue_state *ret);

/* Something failed meanwhile: what was found last is not fresh any more. Thread-safe. */
void sh_queue_watch_doubt(sh_queue_watch *watch);

/* The last check; where that is long ago, because Redis hangs, err is SH_E_NETWORK. Thread-safe. */
void sh_queue_watch_get(sh_queue_watch *watch, sh_queue_state *ret);

#endif
