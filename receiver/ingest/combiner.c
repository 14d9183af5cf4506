/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/ingest/combiner.h"

#include <pthread.h>
#include <stdlib.h>

struct combiner {
    pthread_mutex_t lock;
    pthread_cond_t ended; /* a call */
    size_t weight_max;
    bool busy;
    combiner_part *first, **end; /* those that wait, the oldest first */
};

sh_err combiner_new(size_t weight_max, combiner **ret, sh_error *error)
{
    combiner *c = calloc(1, sizeof *c);
    if (c == NULL)
        return sh_fail(error, SH_E_MEMORY, "no memory for pushes");
    (void)pthread_mutex_init(&c->lock, NULL);
    (void)pthread_cond_init(&c->ended, NULL);
    c->weight_max = weight_max;
    c->end = &c->first;
    *ret = c;
    return SH_OK;
}

void combiner_free(combiner *c)
{
    if (c == NULL)
        return;
    (void)pthread_cond_destroy(&c->ended);
    (void)pthread_mutex_destroy(&c->lock);
    free(c);
}

/* Takes the parts of the next call; with the lock held. */
static combiner_part *take(combiner *c)
{
    combiner_part *first = c->first, *last = first;
    size_t weight = first->weight;
    while (last->next != NULL && weight + last->next->weight <= c->weight_max) {
        last = last->next;
        weight += last->weight;
    }
    c->first = last->next;
    if (c->first == NULL)
        c->end = &c->first;
    last->next = NULL;
    return first;
}

/* Makes a call for those that wait longest; with the lock held, but not meanwhile. */
static void lead(combiner *c, combiner_call *call, const void *context)
{
    combiner_part *first = take(c);
    c->busy = true;
    (void)pthread_mutex_unlock(&c->lock);
    call(context, first);
    (void)pthread_mutex_lock(&c->lock);
    c->busy = false;
    for (combiner_part *part = first; part != NULL; part = part->next)
        part->is_done = true;
    (void)pthread_cond_broadcast(&c->ended);
}

void combiner_run(combiner *c, combiner_part *part, combiner_call *call, const void *context)
{
    part->next = NULL;
    part->is_done = false;
    (void)pthread_mutex_lock(&c->lock);
    *c->end = part;
    c->end = &part->next;
    while (!part->is_done) {
        if (c->busy)
            (void)pthread_cond_wait(&c->ended, &c->lock);
        else
            lead(c, call, context);
    }
    (void)pthread_mutex_unlock(&c->lock);
}

size_t combiner_waiting(combiner *c)
{
    size_t count = 0;
    (void)pthread_mutex_lock(&c->lock);
    for (const combiner_part *part = c->first; part != NULL; part = part->next)
        count++;
    (void)pthread_mutex_unlock(&c->lock);
    return count;
}
