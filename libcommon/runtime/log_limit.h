/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_LOG_LIMIT_H
#define SH_LOG_LIMIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Which log lines are written, and which are counted to be summed up. Not thread-safe; log.c has it
 * under a lock. Times are monotonic.
 *
 * A line is held against three counts: of lines about the same subject from the same place in the
 * code, of lines about one peer from there, and of all lines from there. So a peer that varies what
 * it says still gets a bounded number of lines, and nobody's first line is hidden by another's.
 */

#define SH_LOG_SAMPLE_BYTES 320 /* of a line that stands for those summed up */

typedef struct {
    uint64_t place;   /* in the code */
    uint64_t subject; /* of node, plugin, peer, or the text */
    uint64_t peer;    /* 0: none, or the line is no peer's doing */
    unsigned burst;   /* lines of one subject within SH_LOG_WINDOW_MS */
} sh_log_key;

/* Lines that were not written. */
typedef struct {
    uint64_t count;
    int64_t seconds; /* within that time */
    int level;
    bool same;                        /* all about one subject; else they are of one kind only */
    char sample[SH_LOG_SAMPLE_BYTES]; /* of the first one, as sh_log_limit_sample() was given it */
    size_t sample_len;
} sh_log_repeats;

typedef struct sh_log_count sh_log_count;

#define SH_LOG_DUE_MAX 3

/*
 * Whether a line may be written. Else it is counted, and *sample is where it may be described, once
 * for each window; NULL where that was done. due has what must be reported before, for counts that
 * made room; those with count 0 are none.
 */
bool sh_log_limit_take(const sh_log_key *key, int64_t now_ms, sh_log_repeats due[SH_LOG_DUE_MAX],
                       sh_log_count **sample);
void sh_log_limit_sample(sh_log_count *count, int level, const char *text, size_t len);

/* Gives one report that is due at now_ms, or of those that are open where all is true; false where
   there is none. */
bool sh_log_limit_next(int64_t now_ms, bool all, sh_log_repeats *ret);
/* Whether lines are counted that are not reported yet. */
bool sh_log_limit_is_open(void);
/* Forgets everything. */
void sh_log_limit_reset(void);

/* A hash for keys, not to be foretold by a peer. Chained by `seed`. */
uint64_t sh_log_hash(uint64_t seed, const void *bytes, size_t len);

#endif
