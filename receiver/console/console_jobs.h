/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_CONSOLE_JOBS_H
#define RECEIVER_CONSOLE_JOBS_H

#include "receiver/console/console_request.h"

/* Handlers of /api/v1/jobs and /api/v1/dead-letters/bulk. Each answers. */

void console_begin_job(console_request *request);
void console_list_jobs(console_request *request);
void console_show_job(console_request *request);
void console_cancel_job(console_request *request);

#endif
