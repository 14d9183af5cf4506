/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_TOKEN_BUCKET_H
#define SH_TOKEN_BUCKET_H

#include <stdbool.h>
#include <stdint.h>

/*
 * A rate limit: a bucket of at most `capacity` tokens that gets per_s of them a second. Pure: times
 * are monotonic milliseconds that the caller gives. Not thread-safe.
 */
typedef struct {
    double tokens, capacity, per_ms;
    int64_t filled_ms;
} sh_token_bucket;

/* A full one. */
sh_token_bucket sh_token_bucket_of(double capacity, double per_s, int64_t now_ms);
/* Whether there is a whole token. */
bool sh_token_bucket_has(sh_token_bucket *bucket, int64_t now_ms);
/* Takes one, also where there is none: what happened meanwhile counts, too. */
void sh_token_bucket_take(sh_token_bucket *bucket, int64_t now_ms);

#endif
