/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/ingest/last_contact.h"

#include "libcommon/base/clock.h"
#include "libcommon/base/hash.h"
#include "libcommon/base/limits.h"
#include "libcommon/queue/queue.h"
#include "libcommon/runtime/log.h"
#include "receiver/hub/steady_clock.h"
#include "receiver/ingest/node_reports.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SLOTS 16384 /* a power of two */
#define FILL_MAX (SLOTS / 4 * 3)
#define INTERVAL_S 1
#define FORGET_INTERVAL_MS (60 * 1000)

typedef struct {
    size_t count;
    sh_queue_seen slots[SLOTS]; /* by hash of the node; an empty name is a free slot */
} table;

struct last_contact {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t ending;
    bool ended;
    steady_clock clock;
    int64_t forgot_ms; /* when, by the monotonic clock */
    bool failing;      /* so that an outage is logged once */
    sh_queue *queue;
    table *filling, *writing;
};

/* Only known nodes are recorded, so equal hashes of names are not an attack. */
static size_t slot_of(const char *node)
{
    return sh_hash_fnv1a(sh_slice_of(node)) % SLOTS;
}

void last_contact_note(last_contact *c, const char *node)
{
    int64_t now_ms = sh_clock_unix_ms();
    (void)pthread_mutex_lock(&c->lock);
    table *t = c->filling;
    size_t at = slot_of(node);
    while (t->slots[at].node[0] != '\0' && strcmp(t->slots[at].node, node) != 0)
        at = (at + 1) % SLOTS;
    bool there = t->slots[at].node[0] != '\0';
    if (there || t->count < FILL_MAX) {
        (void)snprintf(t->slots[at].node, sizeof t->slots[at].node, "%s", node);
        t->slots[at].ms = now_ms;
        t->count += there ? 0 : 1;
    }
    (void)pthread_mutex_unlock(&c->lock);
}

/* Writes the table that is not being filled to Redis, and empties it. */
static void write_table(last_contact *c)
{
    table *t = c->writing;
    sh_error error = {0};
    size_t count = 0;
    for (size_t i = 0; i < SLOTS && count < t->count; i++)
        if (t->slots[i].node[0] != '\0')
            t->slots[count++] = t->slots[i]; /* moved to the front, in place */
    sh_err err = count > 0 ? sh_queue_seen_put(c->queue, t->slots, count, "push", &error) : SH_OK;
    memset(t, 0, sizeof *t);
    if (err == SH_OK) /* after the contacts, as problems are newer */
        err = node_reports_flush(c->queue, &error);
    if (err != SH_OK && !c->failing)
        sh_log_warning("cannot record the nodes' last contacts: %s", error.message);
    c->failing = err != SH_OK;
}

static void forget_silent(last_contact *c)
{
    int64_t now_ms = sh_clock_monotonic_ms();
    int64_t gone = 0;
    bool steady = steady_clock_update(&c->clock, sh_clock_unix_ms(), now_ms);
    if (!steady || (c->forgot_ms != 0 && now_ms - c->forgot_ms < FORGET_INTERVAL_MS))
        return;
    c->forgot_ms = now_ms;
    int64_t before_ms = sh_clock_unix_ms() - SH_NAMES_IDLE_S * 1000LL;
    if (sh_queue_names_forget(c->queue, before_ms, &gone, NULL) == SH_OK && gone > 0)
        sh_log_warning("forgot %" PRId64 " nodes that were silent for two days, because nearly "
                       "SYNC_max_nodes nodes are known",
                       gone);
}

static void *write_contacts(void *context)
{
    last_contact *c = context;
    (void)pthread_mutex_lock(&c->lock);
    for (bool last = false; !last;) {
        struct timespec until;
        (void)clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_sec += INTERVAL_S;
        int waited = 0;
        while (!c->ended && waited != ETIMEDOUT)
            waited = pthread_cond_timedwait(&c->ending, &c->lock, &until);
        last = c->ended;
        table *full = c->filling;
        c->filling = c->writing;
        c->writing = full;
        (void)pthread_mutex_unlock(&c->lock);
        write_table(c);
        if (!last)
            forget_silent(c);
        (void)pthread_mutex_lock(&c->lock);
    }
    (void)pthread_mutex_unlock(&c->lock);
    return NULL;
}

static void free_parts(last_contact *c)
{
    sh_queue_free(c->queue);
    free(c->filling);
    free(c->writing);
    free(c);
}

sh_err last_contact_new(const sh_queue_options *options, last_contact **ret, sh_error *error)
{
    last_contact *c = calloc(1, sizeof *c);
    if (c == NULL)
        return sh_fail(error, SH_E_MEMORY, "no memory to record contacts");
    c->filling = calloc(1, sizeof *c->filling);
    c->writing = calloc(1, sizeof *c->writing);
    sh_err err = sh_queue_open(options, &c->queue, error);
    if (err == SH_OK && (c->filling == NULL || c->writing == NULL))
        err = sh_fail(error, SH_E_MEMORY, "no memory to record contacts");
    if (err != SH_OK) {
        free_parts(c);
        return err;
    }
    (void)pthread_mutex_init(&c->lock, NULL);
    pthread_condattr_t attributes;
    (void)pthread_condattr_init(&attributes);
    (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&c->ending, &attributes);
    (void)pthread_condattr_destroy(&attributes);
    if (pthread_create(&c->thread, NULL, write_contacts, c) != 0) {
        free_parts(c);
        return sh_fail(error, SH_E_MEMORY, "cannot start a thread to record contacts");
    }
    *ret = c;
    return SH_OK;
}

void last_contact_free(last_contact *c)
{
    if (c == NULL)
        return;
    (void)pthread_mutex_lock(&c->lock);
    c->ended = true;
    (void)pthread_cond_broadcast(&c->ending);
    (void)pthread_mutex_unlock(&c->lock);
    (void)pthread_join(c->thread, NULL);
    free_parts(c);
}
