/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_TOKEN_BUCKET_H
#define SH_TOKEN_BUCKET_H

#include <stdbool.h>
#include <stdint.h>

/*
 * A token bucket: holds at most `capacity` tokens and gains per_s of them a second. Pure: the
 * caller passes the time in monotonic milliseconds. Not thread-safe.
 */
typedef struct {
    double tokens, capacity, per_ms;
    int64_t filled_ms;
} sh_token_bucket;

/* A full bucket. */
sh_token_bucket sh_token_bucket_of(double capacity, double per_s, int64_t now_ms);
/* Whether there is a whole token. */
bool sh_token_bucket_has(sh_token_bucket *bucket, int64_t now_ms);
/* Takes a token, even if none is left: the debt delays the next one. */
void sh_token_bucket_take(sh_token_bucket *bucket, int64_t now_ms);

#endif
