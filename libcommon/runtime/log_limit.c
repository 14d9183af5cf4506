/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/runtime/log_limit.h"

#include "libcommon/base/limits.h"

#include <assert.h>
#include <pthread.h>
#include <string.h>
#include <sys/random.h>

#define SUBJECTS 512
#define PEERS 256
#define PLACES 256 /* more than a program has log calls */
#define PROBES 8   /* slots where a key can be */

struct sh_log_count {
    uint64_t key; /* 0: free */
    int64_t begin_ms, used_ms;
    unsigned written;
    uint64_t held; /* lines suppressed since the last report */
    int64_t held_since_ms;
    bool flooded; /* lines were suppressed in the previous window */
    int level;
    size_t sample_len;
    char sample[SH_LOG_SAMPLE_BYTES];
};

static sh_log_count subjects[SUBJECTS], peers[PEERS], places[PLACES];
static size_t open_count; /* counts with held > 0 */

static const struct {
    sh_log_count *counts;
    size_t len;
} tables[] = {{subjects, SUBJECTS}, {peers, PEERS}, {places, PLACES}};

#define TABLES (sizeof tables / sizeof tables[0])

/* --- Hash ------------------------------------------------------------------------------------ */

static uint64_t mix(uint64_t a, uint64_t b)
{
    a ^= 0x9e3779b97f4a7c15U;
    b ^= 0xe7037ed1a0b428dbU;
#ifdef __SIZEOF_INT128__
    __extension__ typedef unsigned __int128 wide;
    wide product = (wide)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
#else /* 32-bit processors: the same result */
    uint64_t a0 = (uint32_t)a, a1 = a >> 32, b0 = (uint32_t)b, b1 = b >> 32;
    uint64_t low = a0 * b0, middle = a1 * b0 + (low >> 32), rest = a0 * b1 + (uint32_t)middle;
    uint64_t high = a1 * b1 + (middle >> 32) + (rest >> 32);
    return (rest << 32 | (uint32_t)low) ^ high;
#endif
}

static uint64_t secret[2];

static void make_secret(void)
{
    if (getrandom(secret, sizeof secret, 0) != (ssize_t)sizeof secret)
        secret[0] = (uintptr_t)&secret; /* also random: address space layout randomization */
}

uint64_t sh_log_hash(uint64_t seed, const void *bytes, size_t len)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    const uint8_t *at = bytes;
    (void)pthread_once(&once, make_secret); /* lines are hashed without a lock */
    uint64_t h = mix(seed ^ secret[0], len ^ secret[1]);
    for (; len > 0; len -= len < 8 ? len : 8, at += 8) {
        uint64_t word = 0;
        memcpy(&word, at, len < 8 ? len : 8);
        h = mix(h ^ word, secret[1]);
    }
    return h == 0 ? 1 : h;
}

/* --- Counts ---------------------------------------------------------------------------------- */

static void close_count(sh_log_count *c, int64_t now_ms, sh_log_repeats *ret)
{
    assert(c->held > 0 && c->sample_len <= sizeof ret->sample);
    ret->count = c->held;
    ret->seconds = (now_ms - c->held_since_ms + 999) / 1000;
    if (ret->seconds < 1)
        ret->seconds = 1;
    ret->level = c->level;
    ret->same = c >= subjects && c < subjects + SUBJECTS;
    ret->sample_len = c->sample_len;
    memcpy(ret->sample, c->sample, c->sample_len);
    c->held = 0;
    c->sample_len = 0;
    open_count--;
}

/*
 * Finds or adds the key's count. If its slots are in use, replaces the least recently used one;
 * *due is the report of that one.
 */
static sh_log_count *find(size_t table, uint64_t key, int64_t now_ms, sh_log_repeats *due)
{
    sh_log_count *oldest = NULL;
    for (size_t i = 0; i < PROBES; i++) {
        sh_log_count *c = &tables[table].counts[(key + i) % tables[table].len];
        if (c->key == key)
            return c;
        if (oldest == NULL || (c->key == 0 && oldest->key != 0) ||
            (oldest->key != 0 && c->used_ms < oldest->used_ms))
            oldest = c;
    }
    if (oldest->held > 0)
        close_count(oldest, now_ms, due);
    memset(oldest, 0, sizeof *oldest);
    oldest->key = key;
    oldest->begin_ms = now_ms;
    return oldest;
}

/* Starts a new window if the last one is over. */
static void roll(sh_log_count *c, int64_t now_ms)
{
    int64_t age_ms = now_ms - c->begin_ms;
    if (age_ms < SH_LOG_WINDOW_MS)
        return;
    /* While a flood continues, one line of each window is written. */
    c->flooded = c->written == UINT32_MAX && age_ms < 2 * SH_LOG_WINDOW_MS;
    c->begin_ms = now_ms;
    c->written = 0;
}

static bool has_room(const sh_log_count *c, unsigned burst)
{
    return c->written < (c->flooded ? 1 : burst);
}

static void hold(sh_log_count *c, int64_t now_ms, sh_log_count **sample)
{
    *sample = c->held == 0 ? c : NULL;
    if (c->held == 0) {
        c->held_since_ms = now_ms;
        open_count++;
    }
    c->held++;
    c->written = UINT32_MAX; /* this window is over its limit */
}

bool sh_log_limit_take(const sh_log_key *key, int64_t now_ms, sh_log_repeats due[SH_LOG_DUE_MAX],
                       sh_log_count **sample)
{
    static_assert(TABLES == SH_LOG_DUE_MAX, "each table may have something to report");
    uint64_t keys[TABLES] = {key->subject, key->peer, key->place};
    unsigned bursts[TABLES] = {key->burst, SH_LOG_PEER_BURST, SH_LOG_SITE_BURST};
    sh_log_count *counts[TABLES] = {NULL};
    *sample = NULL;
    for (size_t i = 0; i < TABLES; i++)
        due[i].count = 0;
    for (size_t i = 0; i < TABLES; i++) {
        if (keys[i] == 0)
            continue;
        counts[i] = find(i, keys[i], now_ms, &due[i]);
        counts[i]->used_ms = now_ms;
        roll(counts[i], now_ms);
        if (!has_room(counts[i], bursts[i])) {
            hold(counts[i], now_ms, sample);
            return false;
        }
    }
    for (size_t i = 0; i < TABLES; i++)
        if (counts[i] != NULL)
            counts[i]->written++;
    return true;
}

void sh_log_limit_sample(sh_log_count *count, int level, const char *text, size_t len)
{
    count->level = level;
    count->sample_len = len < sizeof count->sample ? len : sizeof count->sample;
    memcpy(count->sample, text, count->sample_len);
}

bool sh_log_limit_next(int64_t now_ms, bool all, sh_log_repeats *ret)
{
    for (size_t t = 0; open_count > 0 && t < TABLES; t++) {
        for (size_t i = 0; i < tables[t].len; i++) {
            sh_log_count *c = &tables[t].counts[i];
            if (c->held == 0 || (!all && now_ms - c->held_since_ms < SH_LOG_WINDOW_MS))
                continue;
            close_count(c, now_ms, ret);
            return true;
        }
    }
    return false;
}

bool sh_log_limit_is_open(void)
{
    return open_count > 0;
}

void sh_log_limit_reset(void)
{
    memset(subjects, 0, sizeof subjects);
    memset(peers, 0, sizeof peers);
    memset(places, 0, sizeof places);
    open_count = 0;
}
