/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/ingest/combiner.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

struct combiner {
    pthread_mutex_t lock;
    pthread_cond_t ended; /* a call */
    size_t weight_max;
    int64_t patience_ms;
    size_t calls;                /* in progress */
    combiner_part *first, **end; /* those that wait, the oldest first */
};

sh_err combiner_new(size_t weight_max, int64_t patience_ms, combiner **ret, sh_error *error)
{
    pthread_condattr_t monotonic;
    combiner *c = calloc(1, sizeof *c);
    if (c == NULL)
        return sh_fail(error, SH_E_MEMORY, "no memory for pushes");
    (void)pthread_mutex_init(&c->lock, NULL);
    (void)pthread_condattr_init(&monotonic);
    (void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&c->ended, &monotonic);
    (void)pthread_condattr_destroy(&monotonic);
    c->weight_max = weight_max;
    c->patience_ms = patience_ms;
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

/* Where the list has a part that no call has taken. */
static combiner_part **link_of(combiner *c, const combiner_part *part)
{
    combiner_part **link = &c->first;
    while (*link != part)
        link = &(*link)->next;
    return link;
}

/* Takes a part, and those behind it for which there is room, out of the list. */
static combiner_part *take(combiner *c, combiner_part **link)
{
    combiner_part *first = *link, *last = first;
    size_t weight = first->weight;
    first->is_taken = true;
    while (last->next != NULL && weight + last->next->weight <= c->weight_max) {
        last = last->next;
        last->is_taken = true;
        weight += last->weight;
    }
    *link = last->next;
    if (*link == NULL)
        c->end = link;
    last->next = NULL;
    return first;
}

/* Makes the next call, with this thread's part first; with the lock held, but not meanwhile. */
static void lead(combiner *c, const combiner_part *part, combiner_call *call, const void *context)
{
    combiner_part *first = take(c, link_of(c, part));
    c->calls++;
    (void)pthread_mutex_unlock(&c->lock);
    call(context, first);
    (void)pthread_mutex_lock(&c->lock);
    c->calls--;
    for (combiner_part *one = first; one != NULL; one = one->next)
        one->is_done = true;
    (void)pthread_cond_broadcast(&c->ended);
}

static struct timespec end_of_patience(const combiner *c)
{
    struct timespec until;
    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += (time_t)(c->patience_ms / 1000);
    until.tv_nsec += (long)(c->patience_ms % 1000) * 1000000L;
    until.tv_sec += until.tv_nsec / 1000000000L;
    until.tv_nsec %= 1000000000L;
    return until;
}

void combiner_run(combiner *c, combiner_part *part, combiner_call *call, const void *context)
{
    const struct timespec until = end_of_patience(c);
    bool is_patient = true;
    part->next = NULL;
    part->is_taken = part->is_done = false;
    (void)pthread_mutex_lock(&c->lock);
    *c->end = part;
    c->end = &part->next;
    while (!part->is_done) {
        if (part->is_taken)
            (void)pthread_cond_wait(&c->ended, &c->lock);
        else if ((c->calls == 0 && c->first == part) || !is_patient)
            lead(c, part, call, context);
        else
            is_patient = pthread_cond_timedwait(&c->ended, &c->lock, &until) == 0;
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
