/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/ingest/token_bucket.h"

sh_token_bucket sh_token_bucket_of(double capacity, double per_s, int64_t now_ms)
{
    return (sh_token_bucket){
        .tokens = capacity, .capacity = capacity, .per_ms = per_s / 1000, .filled_ms = now_ms};
}

static void fill(sh_token_bucket *bucket, int64_t now_ms)
{
    if (now_ms <= bucket->filled_ms)
        return;
    bucket->tokens += (double)(now_ms - bucket->filled_ms) * bucket->per_ms;
    if (bucket->tokens > bucket->capacity)
        bucket->tokens = bucket->capacity;
    bucket->filled_ms = now_ms;
}

bool sh_token_bucket_has(sh_token_bucket *bucket, int64_t now_ms)
{
    fill(bucket, now_ms);
    return bucket->tokens >= 1;
}

void sh_token_bucket_take(sh_token_bucket *bucket, int64_t now_ms)
{
    fill(bucket, now_ms);
    bucket->tokens -= 1;
}
