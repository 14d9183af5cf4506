/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PUSHER_SHUTDOWN_DEADLINE_H
#define PUSHER_SHUTDOWN_DEADLINE_H

#include "libcommon/base/error.h"

#include <stdint.h>

/*
 * A descriptor that becomes readable ms after stop_fd does: a running exchange may end within this
 * time, and is aborted after it.
 */
typedef struct shutdown_deadline shutdown_deadline;

/* SH_E_IO, SH_E_MEMORY. stop_fd must outlive it. */
sh_err shutdown_deadline_new(int stop_fd, int64_t ms, shutdown_deadline **ret, sh_error *error);
void shutdown_deadline_free(shutdown_deadline *g); /* NULL is accepted */

int shutdown_deadline_fd(const shutdown_deadline *g);

#endif
