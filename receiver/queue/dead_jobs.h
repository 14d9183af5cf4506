/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_DEAD_JOBS_H
#define RECEIVER_DEAD_JOBS_H

#include "libcommon/queue/queue.h"

#include <stdbool.h>

/*
 * Retrying or dropping many dead letters. A job is a record in Redis, and each of its steps is one
 * script that changes some letters and records how far it came: whoever runs the steps may be
 * killed between any two of them, and several may run steps of the same job. It concerns the
 * letters that are there when it begins, so that one that fails again is not retried again.
 */
typedef enum { DEAD_JOB_RETRY, DEAD_JOB_DROP } dead_job_action;
typedef enum {
    DEAD_JOB_RUNNING,
    DEAD_JOB_WAITING, /* for room in the queue */
    DEAD_JOB_DONE,
    DEAD_JOB_CANCELLED,
    DEAD_JOB_STATES
} dead_job_state;

typedef struct {
    char id[SH_ID_HEX_BYTES];
    dead_job_action action;
    dead_job_state state;
    int64_t total; /* letters when it began */
    int64_t done;  /* changed so far */
    int64_t began_ms, changed_ms;
    char node[SH_NODE_NAME_MAX + 1]; /* only of this one; "": of all */
} dead_job;

const char *dead_job_action_name(dead_job_action action);
const char *dead_job_state_name(dead_job_state state);
/* Whether it has further steps. */
bool dead_job_is_active(const dead_job *job);

/* Parses a record of Redis. False if it is not one. */
bool dead_job_read(sh_slice id, sh_slice text, dead_job *ret);

/*
 * Begins a job with the action and node of *job, and sets the rest. If one with the same action and
 * node is active, *job becomes that one. SH_E_REFUSED: another is active, which *job becomes.
 */
sh_err dead_jobs_begin(sh_queue *queue, dead_job *job, sh_error *error);

/* SH_E_NOT_FOUND. */
sh_err dead_jobs_get(sh_queue *queue, const char *id, dead_job *ret, sh_error *error);

/* All that are known, the latest first. */
#define DEAD_JOBS_MAX 20
sh_err dead_jobs_list(sh_queue *queue, dead_job ret[static DEAD_JOBS_MAX], size_t *count,
                      sh_error *error);

/*
 * Runs one step of a job, of some hundred letters, and sets *state. SH_E_NOT_FOUND: it was
 * forgotten. SH_E_BUSY: Redis has no memory for it now.
 */
sh_err dead_jobs_step(sh_queue *queue, const dead_job *job, dead_job_state *state, sh_error *error);

/* Ends it, unless it has ended; what it changed stays so. SH_E_NOT_FOUND. */
sh_err dead_jobs_cancel(sh_queue *queue, const char *id, sh_error *error);

#endif
