/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/merge/claim_keeper.h"

#include "libcommon/base/clock.h"
#include "libcommon/queue/queue.h"
#include "libcommon/runtime/log.h"
#include "receiver/merge/consumer_name.h"
#include "receiver/queue/claims.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define RENEWALS 4 /* per claim_idle_ms, so that one or two may be late */

struct claim_keeper {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t ended;
    sh_queue *queue; /* for the thread only */
    char consumer[CONSUMER_NAME_BYTES];
    int64_t interval_ms;
    int64_t active_until_ms; /* monotonic; 0: do not renew claims */
    bool ending;
};

/* Waits for the next renewal; false when the thread must end. */
static bool wait_for_turn(claim_keeper *k, bool *renew)
{
    struct timespec until;
    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += k->interval_ms / 1000;
    until.tv_nsec += (long)(k->interval_ms % 1000) * 1000000L;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    (void)pthread_mutex_lock(&k->lock);
    while (!k->ending && pthread_cond_timedwait(&k->ended, &k->lock, &until) == 0)
        ;
    bool goes_on = !k->ending;
    *renew = sh_clock_monotonic_ms() < k->active_until_ms;
    (void)pthread_mutex_unlock(&k->lock);
    return goes_on;
}

static void *keep_claims(void *context)
{
    claim_keeper *k = context;
    bool failed = false;
    bool renew = false;
    while (wait_for_turn(k, &renew)) {
        sh_error error = {.code = SH_OK};
        if (!renew)
            continue;
        sh_err err = queue_claims_renew(k->queue, k->consumer, &error);
        if (err != SH_OK && !failed)
            sh_log_warning(
                "cannot renew claims on entries, so another receiver may merge them again: %s",
                error.message);
        failed = err != SH_OK;
    }
    return NULL;
}

static void destroy(claim_keeper *k)
{
    (void)pthread_cond_destroy(&k->ended);
    (void)pthread_mutex_destroy(&k->lock);
    sh_queue_free(k->queue);
    free(k);
}

sh_err claim_keeper_new(const sh_queue_options *redis, const char *consumer, int64_t claim_idle_ms,
                        claim_keeper **ret, sh_error *error)
{
    claim_keeper *k = calloc(1, sizeof *k);
    if (k == NULL)
        return sh_fail(error, SH_E_MEMORY, "no memory to renew claims");
    sh_err err = sh_queue_open(redis, &k->queue, error);
    if (err != SH_OK) {
        free(k);
        return err;
    }
    (void)snprintf(k->consumer, sizeof k->consumer, "%s", consumer);
    k->interval_ms = claim_idle_ms / RENEWALS;
    pthread_condattr_t monotonic;
    (void)pthread_condattr_init(&monotonic);
    (void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&k->ended, &monotonic);
    (void)pthread_condattr_destroy(&monotonic);
    (void)pthread_mutex_init(&k->lock, NULL);
    if (pthread_create(&k->thread, NULL, keep_claims, k) != 0) {
        destroy(k);
        return sh_fail(error, SH_E_MEMORY, "cannot start a thread to renew claims");
    }
    *ret = k;
    return SH_OK;
}

void claim_keeper_free(claim_keeper *k)
{
    if (k == NULL)
        return;
    (void)pthread_mutex_lock(&k->lock);
    k->ending = true;
    (void)pthread_cond_signal(&k->ended);
    (void)pthread_mutex_unlock(&k->lock);
    (void)pthread_join(k->thread, NULL);
    destroy(k);
}

static void set_active(claim_keeper *k, int64_t until_ms)
{
    (void)pthread_mutex_lock(&k->lock);
    k->active_until_ms = until_ms;
    (void)pthread_mutex_unlock(&k->lock);
}

void claim_keeper_active(claim_keeper *k)
{
    set_active(k, sh_clock_monotonic_ms() + CLAIM_ACTIVE_MAX_MS);
}

void claim_keeper_waits(claim_keeper *k)
{
    set_active(k, 0);
}
