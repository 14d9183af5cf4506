/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_CONSOLE_JOB_RUNNER_H
#define RECEIVER_CONSOLE_JOB_RUNNER_H

#include "libcommon/config/settings.h"

/*
 * A thread that runs the steps of jobs (receiver/queue/dead_jobs.h), also of those that another
 * process began and left: any console of the hub goes on with them.
 */
typedef struct console_job_runner console_job_runner;

/* The settings must outlive it. SH_E_MEMORY. */
sh_err console_job_runner_new(const sh_settings *settings, console_job_runner **ret,
                              sh_error *error);
/* Ends it after the current step. NULL is accepted. */
void console_job_runner_free(console_job_runner *runner);

/* Looks for jobs at once. Any thread. */
void console_job_runner_wake(console_job_runner *runner);

#endif
