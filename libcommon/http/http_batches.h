/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_HTTP_BATCHES_H
#define SH_HTTP_BATCHES_H

#include "libcommon/http/http_server.h"

/*
 * Chooses what a worker of the HTTP server does next: a FIFO for each class, and the rule by which
 * a free worker takes the next batch. Pure; the caller holds a lock during all calls.
 */

/* An exchange that waits for a worker or is with one. */
typedef struct sh_http_waiting {
    struct sh_http_waiting *next;
    sh_http_class class; /* not SH_HTTP_IMMEDIATE */
    const void *group;   /* a batch may contain several of one group; NULL: handled alone */
} sh_http_waiting;

typedef struct {
    struct {
        sh_http_waiting *first, **end;
        size_t count;
        bool busy; /* a worker has a batch of this class; for serial classes only */
    } classes[SH_HTTP_CLASSES];
    sh_http_class last; /* of the last batch taken */
} sh_http_batches;

void sh_http_batches_init(sh_http_batches *batches);
void sh_http_batches_add(sh_http_batches *batches, sh_http_waiting *waiting);
/*
 * Whether a worker must be woken for this class: not if the worker that has the class will take the
 * next batch itself.
 */
bool sh_http_batches_need_worker(const sh_http_batches *batches, sh_http_class class);
/* Whether a worker would find a batch. */
bool sh_http_batches_are_ready(const sh_http_batches *batches);
/*
 * Takes the next batch, round-robin over the classes. Returns its size, 0 if there is nothing to
 * do. idle is the number of other free workers, for which it leaves a share. All exchanges of a
 * batch have the same class and, if there is more than one, the same group.
 */
size_t sh_http_batches_next(sh_http_batches *batches, size_t idle,
                            sh_http_waiting *ret[SH_HTTP_TOGETHER_MAX]);
/* Reports that a worker has finished a batch of this class. */
void sh_http_batches_end(sh_http_batches *batches, sh_http_class class);
/* Removes an exchange of any class that no worker will handle; NULL if there is none. */
sh_http_waiting *sh_http_batches_drop(sh_http_batches *batches);

#endif
