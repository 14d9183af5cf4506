/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_HTTP_BATCHES_H
#define SH_HTTP_BATCHES_H

#include "libcommon/http/http_server.h"

/*
 * What the workers of the HTTP server do next: a FIFO for each class, and the rule by which a
 * worker that is free takes the next batch. Pure; the caller has a lock around all calls.
 */

/* An exchange that waits for a worker, or that one has. */
typedef struct sh_http_waiting {
    struct sh_http_waiting *next;
    sh_http_class class; /* not SH_HTTP_IMMEDIATE */
    const void *group;   /* one batch may hold several of one group; NULL: it is handled alone */
} sh_http_waiting;

typedef struct {
    struct {
        sh_http_waiting *first, **end;
        size_t count;
        bool busy; /* a worker has a batch; of serial classes alone */
    } classes[SH_HTTP_CLASSES];
    sh_http_class last; /* of the batch that was taken last */
} sh_http_batches;

void sh_http_batches_init(sh_http_batches *batches);
void sh_http_batches_add(sh_http_batches *batches, sh_http_waiting *waiting);
/* Whether a worker is needed for this class: not where the one that has it will come back. */
bool sh_http_batches_need_worker(const sh_http_batches *batches, sh_http_class class);
/* Whether a worker would find a batch. */
bool sh_http_batches_are_ready(const sh_http_batches *batches);
/*
 * Takes the next batch, of the classes in turn; how many it holds, 0 where there is nothing to do.
 * idle is the number of other workers that are free: they are left their share. All of a batch have
 * one class and, where it holds more than one, one group.
 */
size_t sh_http_batches_next(sh_http_batches *batches, size_t idle,
                            sh_http_waiting *ret[SH_HTTP_TOGETHER_MAX]);
/* The worker that took a batch of this class has done with it. */
void sh_http_batches_end(sh_http_batches *batches, sh_http_class class);
/* Takes one, of whatever class, that no worker shall have; NULL where there is none. */
sh_http_waiting *sh_http_batches_drop(sh_http_batches *batches);

#endif
