/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/ingest/new_node_rate.h"

#include "libcommon/base/clock.h"
#include "libcommon/base/limits.h"
#include "receiver/ingest/token_bucket.h"

#include <pthread.h>
#include <stdlib.h>

struct new_node_rate {
    pthread_mutex_t lock;
    sh_token_bucket bucket;
};

sh_err new_node_rate_new(int64_t names_max, new_node_rate **ret, sh_error *error)
{
    new_node_rate *n = calloc(1, sizeof *n);
    if (n == NULL)
        return sh_fail(error, SH_E_MEMORY, "no memory to count new nodes");
    double burst = (double)names_max / SH_NAMES_BURST_SHARE;
    double per_s = (double)names_max / SH_NAMES_REFILL_S;
    n->bucket = sh_token_bucket_of(burst < 1 ? 1 : burst, per_s, sh_clock_monotonic_ms());
    (void)pthread_mutex_init(&n->lock, NULL);
    *ret = n;
    return SH_OK;
}

void new_node_rate_free(new_node_rate *n)
{
    if (n == NULL)
        return;
    (void)pthread_mutex_destroy(&n->lock);
    free(n);
}

bool new_node_rate_may_come(new_node_rate *n)
{
    (void)pthread_mutex_lock(&n->lock);
    bool may = sh_token_bucket_has(&n->bucket, sh_clock_monotonic_ms());
    (void)pthread_mutex_unlock(&n->lock);
    return may;
}

void new_node_rate_count(new_node_rate *n)
{
    (void)pthread_mutex_lock(&n->lock);
    sh_token_bucket_take(&n->bucket, sh_clock_monotonic_ms());
    (void)pthread_mutex_unlock(&n->lock);
}
