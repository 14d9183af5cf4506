/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_TASK_THREAD_H
#define RECEIVER_TASK_THREAD_H

#include "libcommon/base/error.h"

#include <stdbool.h>

/* A thread that runs its owner's tasks one after the other, concurrently with the owner. */
typedef struct task_thread task_thread;

#define SIDE_TASKS_MAX 16 /* queued or running tasks at most */

typedef struct {
    void (*run)(void *context);
    void *context;
    bool done; /* used by the thread */
} side_task;

/* SH_E_MEMORY, also if the thread cannot be started. */
sh_err task_thread_new(task_thread **ret, sh_error *error);
void task_thread_free(task_thread *t); /* NULL is accepted; no task may be queued or running */

/* Runs a task at once in the caller's thread. */
void side_task_run(side_task *task);

/* Queues a task, which is borrowed until a wait for it has returned. */
void task_thread_start(task_thread *t, side_task *task);
/* Takes a queued task back, unless the thread runs it or has done so; true if it did. */
bool task_thread_take_back(task_thread *t, const side_task *task);
/* Whether a task is done, without waiting. */
bool task_thread_is_done(task_thread *t, const side_task *task);
/* Waits until a task is done; afterwards the caller may read its results. */
void task_thread_wait(task_thread *t, const side_task *task);
/* Waits until all tasks are done. */
void task_thread_wait_all(task_thread *t);

#endif
