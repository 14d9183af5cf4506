/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_QUEUE_WATCH_H
#define SH_QUEUE_WATCH_H

#include "libcommon/base/error.h"
#include "libcommon/queue/queue.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * A thread that checks the queue once a second, so that the program notices an unfit Redis before a
 * node pushes, and GET /readyz and GET /metrics cost Redis nothing, however frequent they are.
 */
typedef struct sh_queue_watch sh_queue_watch;

typedef struct {
    sh_err err;           /* of sh_queue_check(); SH_E_BUSY before the first one */
    sh_error error;       /* its message */
    bool answers;         /* Redis is reachable, fit or not */
    sh_queue_keeps keeps; /* keeps_message explains all but SH_KEEPS_ALL */
    char keeps_message[SH_ERROR_MESSAGE_BYTES];
    sh_queue_server server;
    bool has_depth;
    sh_queue_depth depth;
} sh_queue_state;

typedef struct {
    void *context;
    /*
     * Called in the thread after each check whose err, keeps or server differs from the previous
     * one.
     */
    void (*changed)(void *context, const sh_queue_state *state);
    /* Called in the thread after each check, for other regular tasks on the queue; may be NULL. */
    void (*each)(void *context, sh_queue *queue);
    /* Called in the thread when it ends, if Redis answered the last check; may be NULL. */
    void (*ended)(void *context, sh_queue *queue);
} sh_queue_watch_calls;

/* What options point to must outlive the watch. SH_E_MEMORY, SH_E_CONFIG. */
sh_err sh_queue_watch_new(const sh_queue_options *options, const sh_queue_watch_calls *calls,
                          sh_queue_watch **ret, sh_error *error);
/* Asks the thread to end and does not wait for it. The last state stays readable. */
void sh_queue_watch_stop(sh_queue_watch *watch);
/* Ends the thread, waits for it and frees the watch. NULL is accepted. */
void sh_queue_watch_free(sh_queue_watch *watch);

/*
 * As sh_queue_watch_get(), but from a check within the last SH_QUEUE_FRESH_MS: requests one if
 * necessary and waits for it briefly. Concurrent callers share one check. Thread-safe.
 */
#define SH_QUEUE_FRESH_MS 100
void sh_queue_watch_get_fresh(sh_queue_watch *watch, sh_queue_state *ret);

/* Marks the last state as outdated, after a call to Redis failed. Thread-safe. */
void sh_queue_watch_doubt(sh_queue_watch *watch);

/*
 * The result of the last check. If that is long ago because Redis hangs, err is SH_E_NETWORK.
 * Thread-safe.
 */
void sh_queue_watch_get(sh_queue_watch *watch, sh_queue_state *ret);

#endif
