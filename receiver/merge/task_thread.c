/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/merge/task_thread.h"

#include <assert.h>
#include <pthread.h>
#include <stddef.h>
#include <stdlib.h>

struct task_thread {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t started_one, finished_one;
    side_task *tasks[SIDE_TASKS_MAX]; /* a ring */
    size_t started, finished;         /* total numbers */
    bool runs_one, ending;
};

static void *run(void *context)
{
    task_thread *t = context;
    (void)pthread_mutex_lock(&t->lock);
    for (;;) {
        while (t->started == t->finished && !t->ending)
            (void)pthread_cond_wait(&t->started_one, &t->lock);
        if (t->ending)
            break;
        side_task *task = t->tasks[t->finished % SIDE_TASKS_MAX];
        t->runs_one = true;
        (void)pthread_mutex_unlock(&t->lock);
        task->run(task->context);
        (void)pthread_mutex_lock(&t->lock);
        t->runs_one = false;
        task->done = true;
        t->finished++;
        (void)pthread_cond_signal(&t->finished_one);
    }
    (void)pthread_mutex_unlock(&t->lock);
    return NULL;
}

static void destroy(task_thread *t)
{
    (void)pthread_cond_destroy(&t->started_one);
    (void)pthread_cond_destroy(&t->finished_one);
    (void)pthread_mutex_destroy(&t->lock);
    free(t);
}

sh_err task_thread_new(task_thread **ret, sh_error *error)
{
    task_thread *t = calloc(1, sizeof *t);
    if (t == NULL)
        return sh_fail(error, SH_E_MEMORY, "no memory for a thread");
    (void)pthread_mutex_init(&t->lock, NULL);
    (void)pthread_cond_init(&t->started_one, NULL);
    (void)pthread_cond_init(&t->finished_one, NULL);
    if (pthread_create(&t->thread, NULL, run, t) != 0) {
        destroy(t);
        return sh_fail(error, SH_E_MEMORY, "cannot start a thread to read tables");
    }
    *ret = t;
    return SH_OK;
}

void task_thread_free(task_thread *t)
{
    if (t == NULL)
        return;
    (void)pthread_mutex_lock(&t->lock);
    assert(t->started == t->finished);
    t->ending = true;
    (void)pthread_cond_signal(&t->started_one);
    (void)pthread_mutex_unlock(&t->lock);
    (void)pthread_join(t->thread, NULL);
    destroy(t);
}

void side_task_run(side_task *task)
{
    task->run(task->context);
    task->done = true;
}

void task_thread_start(task_thread *t, side_task *task)
{
    (void)pthread_mutex_lock(&t->lock);
    assert(t->started - t->finished < SIDE_TASKS_MAX);
    task->done = false;
    t->tasks[t->started++ % SIDE_TASKS_MAX] = task;
    (void)pthread_cond_signal(&t->started_one);
    (void)pthread_mutex_unlock(&t->lock);
}

bool task_thread_take_back(task_thread *t, const side_task *task)
{
    bool found = false;
    (void)pthread_mutex_lock(&t->lock);
    for (size_t i = t->finished + (t->runs_one ? 1 : 0); i < t->started; i++) {
        if (found)
            t->tasks[(i - 1) % SIDE_TASKS_MAX] = t->tasks[i % SIDE_TASKS_MAX];
        found = found || t->tasks[i % SIDE_TASKS_MAX] == task;
    }
    t->started -= found ? 1 : 0;
    (void)pthread_mutex_unlock(&t->lock);
    return found;
}

bool task_thread_is_done(task_thread *t, const side_task *task)
{
    (void)pthread_mutex_lock(&t->lock);
    bool done = task->done;
    (void)pthread_mutex_unlock(&t->lock);
    return done;
}

void task_thread_wait(task_thread *t, const side_task *task)
{
    (void)pthread_mutex_lock(&t->lock);
    while (!task->done)
        (void)pthread_cond_wait(&t->finished_one, &t->lock);
    (void)pthread_mutex_unlock(&t->lock);
}

void task_thread_wait_all(task_thread *t)
{
    (void)pthread_mutex_lock(&t->lock);
    while (t->started != t->finished)
        (void)pthread_cond_wait(&t->finished_one, &t->lock);
    (void)pthread_mutex_unlock(&t->lock);
}
