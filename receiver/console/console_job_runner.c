/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/console/console_job_runner.h"

#include "libcommon/base/clock.h"
#include "libcommon/runtime/log.h"
#include "receiver/queue/dead_jobs.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define IDLE_MS 10000   /* without a job, as another console may have left one */
#define WAITING_MS 1000 /* while a job waits for room in the queue */
#define FAILED_MS 5000

struct console_job_runner {
    const sh_settings *settings;
    sh_queue *queue; /* of the thread only, as is `failed` */
    bool failed;     /* the last attempt, which was logged */
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool woken, ending;
};

/* --- Steps ----------------------------------------------------------------------------------- */

static bool is_ending(console_job_runner *r)
{
    (void)pthread_mutex_lock(&r->lock);
    bool ending = r->ending;
    (void)pthread_mutex_unlock(&r->lock);
    return ending;
}

static void log_end(console_job_runner *r, const dead_job *job)
{
    dead_job now;
    if (dead_jobs_get(r->queue, job->id, &now, NULL) != SH_OK)
        return;
    sh_log_info("console: job %s, %s of the dead letters %s%s, is %s: %" PRId64 " of %" PRId64,
                now.id, dead_job_action_name(now.action),
                now.node[0] == '\0' ? "of all nodes" : "of node ", now.node,
                dead_job_state_name(now.state), now.done, now.total);
}

/* Runs the job until it ends or waits; returns in how many ms to look again. */
static sh_err run_job(console_job_runner *r, const dead_job *job, int64_t *wait_ms, sh_error *error)
{
    dead_job_state state = DEAD_JOB_RUNNING;
    sh_err err = SH_OK;
    while (err == SH_OK && state == DEAD_JOB_RUNNING && !is_ending(r))
        err = dead_jobs_step(r->queue, job, &state, error);
    if (err == SH_E_NOT_FOUND) { /* nothing is left to do */
        sh_error_clear(error);
        return SH_OK;
    }
    if (err == SH_OK && state != DEAD_JOB_RUNNING && state != DEAD_JOB_WAITING)
        log_end(r, job);
    *wait_ms = state == DEAD_JOB_WAITING ? WAITING_MS : IDLE_MS;
    return err;
}

static sh_err run_jobs(console_job_runner *r, int64_t *wait_ms, sh_error *error)
{
    const sh_queue_options options = sh_queue_options_of(r->settings);
    dead_job jobs[DEAD_JOBS_MAX];
    size_t count = 0;
    sh_err err = r->queue != NULL ? SH_OK : sh_queue_open(&options, &r->queue, error);
    if (err == SH_OK)
        err = dead_jobs_list(r->queue, jobs, &count, error);
    for (size_t i = 0; i < count && err == SH_OK; i++)
        if (dead_job_is_active(&jobs[i]))
            return run_job(r, &jobs[i], wait_ms, error); /* only one is active */
    return err;
}

/* Returns in how many ms to look again. A failure is logged when it begins. */
static int64_t look(console_job_runner *r)
{
    sh_error error = {.code = SH_OK};
    int64_t wait_ms = IDLE_MS;
    bool failed = run_jobs(r, &wait_ms, &error) != SH_OK;
    if (failed && !r->failed)
        sh_log_warning("console: jobs wait, as Redis could not be asked for them: %s",
                       error.message);
    r->failed = failed;
    return failed ? FAILED_MS : wait_ms;
}

/* --- The thread ------------------------------------------------------------------------------ */

static struct timespec monotonic_in(int64_t ms)
{
    struct timespec at;
    (void)clock_gettime(CLOCK_MONOTONIC, &at);
    at.tv_sec += ms / 1000;
    at.tv_nsec += (long)(ms % 1000) * 1000000L;
    if (at.tv_nsec >= 1000000000L) {
        at.tv_sec++;
        at.tv_nsec -= 1000000000L;
    }
    return at;
}

static void *run_thread(void *context)
{
    console_job_runner *r = context;
    (void)pthread_mutex_lock(&r->lock);
    while (!r->ending) {
        r->woken = false;
        (void)pthread_mutex_unlock(&r->lock);
        struct timespec until = monotonic_in(look(r));
        (void)pthread_mutex_lock(&r->lock);
        int waited = 0;
        while (!r->ending && !r->woken && waited == 0)
            waited = pthread_cond_timedwait(&r->changed, &r->lock, &until);
    }
    (void)pthread_mutex_unlock(&r->lock);
    return NULL;
}

static void destroy(console_job_runner *r)
{
    (void)pthread_cond_destroy(&r->changed);
    (void)pthread_mutex_destroy(&r->lock);
    sh_queue_free(r->queue);
    free(r);
}

sh_err console_job_runner_new(const sh_settings *settings, console_job_runner **ret,
                              sh_error *error)
{
    pthread_condattr_t monotonic;
    console_job_runner *r = calloc(1, sizeof *r);
    if (r == NULL)
        return sh_fail(error, SH_E_MEMORY, "no memory for the console");
    r->settings = settings;
    (void)pthread_condattr_init(&monotonic);
    (void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    (void)pthread_mutex_init(&r->lock, NULL);
    (void)pthread_cond_init(&r->changed, &monotonic);
    (void)pthread_condattr_destroy(&monotonic);
    if (pthread_create(&r->thread, NULL, run_thread, r) != 0) {
        destroy(r);
        return sh_fail(error, SH_E_MEMORY, "cannot start a thread for the console's jobs");
    }
    *ret = r;
    return SH_OK;
}

static void tell(console_job_runner *r, bool *what)
{
    (void)pthread_mutex_lock(&r->lock);
    *what = true;
    (void)pthread_cond_signal(&r->changed);
    (void)pthread_mutex_unlock(&r->lock);
}

void console_job_runner_wake(console_job_runner *runner)
{
    tell(runner, &runner->woken);
}

void console_job_runner_free(console_job_runner *runner)
{
    if (runner == NULL)
        return;
    tell(runner, &runner->ending);
    (void)pthread_join(runner->thread, NULL);
    destroy(runner);
}
