/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_LOG_LIMIT_H
#define SH_LOG_LIMIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Decides which log lines are written, and which are only counted for a summary. Not thread-safe:
 * log.c calls it with a lock held. Times are monotonic.
 *
 * A line is checked against three counts: lines about the same subject from the same place in the
 * code, lines about one peer from there, and all lines from there. So a peer that varies its input
 * still causes a bounded number of lines, and no peer hides another one's first line.
 */

#define SH_LOG_SAMPLE_BYTES 320 /* of the text that represents suppressed lines */

typedef struct {
    uint64_t place;   /* file and line of the call */
    uint64_t subject; /* hash of node, plugin, peer, or the text */
    uint64_t peer;    /* 0: not caused by a peer */
    unsigned burst;   /* lines of one subject within SH_LOG_WINDOW_MS */
} sh_log_key;

/* A summary of suppressed lines. */
typedef struct {
    uint64_t count;
    int64_t seconds; /* period in which they occurred */
    int level;
    bool same;                        /* all about one subject; otherwise only from one place */
    char sample[SH_LOG_SAMPLE_BYTES]; /* text of the first one */
    size_t sample_len;
} sh_log_repeats;

typedef struct sh_log_count sh_log_count;

#define SH_LOG_DUE_MAX 3

/*
 * Whether to write a line. Otherwise counts it, and *sample is where the caller describes it, or
 * NULL if a line of this window was described already. due receives the reports of counts that were
 * replaced, to be written first; entries with count 0 are empty.
 */
bool sh_log_limit_take(const sh_log_key *key, int64_t now_ms, sh_log_repeats due[SH_LOG_DUE_MAX],
                       sh_log_count **sample);
void sh_log_limit_sample(sh_log_count *count, int level, const char *text, size_t len);

/*
 * Returns one report that is due at now_ms, or any open one if all is true; false if there is none.
 */
bool sh_log_limit_next(int64_t now_ms, bool all, sh_log_repeats *ret);
/* Whether there are suppressed lines that were not reported yet. */
bool sh_log_limit_is_open(void);
/* Discards all counts. */
void sh_log_limit_reset(void);

/* A hash for keys that a peer cannot predict. `seed` chains calls. */
uint64_t sh_log_hash(uint64_t seed, const void *bytes, size_t len);

#endif
