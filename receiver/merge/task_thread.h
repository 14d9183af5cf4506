/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_SIDE_THREAD_H
#define RECEIVER_SIDE_THREAD_H

#include "libcommon/base/error.h"

#include <stdbool.h>

/* A thread that does what its owner gives it, one task after the other, beside the owner's work. */
typedef struct side_thread side_thread;

#define SIDE_TASKS_MAX 16 /* that may be under way at once */

typedef struct {
    void (*run)(void *context);
    void *context;
    bool done; /* the thread's own */
} side_task;

/* SH_E_MEMORY, also where the system gives no thread. */
sh_err side_thread_new(side_thread **ret, sh_error *error);
void side_thread_free(side_thread *t); /* NULL is accepted; no task may be under way */

/* Does a task at once, in the caller's thread. */
void side_task_run(side_task *task);

/* Adds a task behind those under way. It is borrowed until a wait for it is over. */
void side_thread_start(side_thread *t, side_task *task);
/* Waits until a task that was started is done; what it wrote is then the caller's to read. */
void side_thread_wait(side_thread *t, const side_task *task);
/* Waits until all are. */
void side_thread_wait_all(side_thread *t);

#endif
