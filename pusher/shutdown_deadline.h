/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PUSHER_GRACE_H
#define PUSHER_GRACE_H

#include "libcommon/base/error.h"

#include <stdint.h>

/*
 * A descriptor that becomes readable ms after stop_fd does: a running exchange may end within this
 * time, and is aborted after it.
 */
typedef struct grace grace;

/* SH_E_IO, SH_E_MEMORY. stop_fd must outlive it. */
sh_err grace_new(int stop_fd, int64_t ms, grace **ret, sh_error *error);
void grace_free(grace *g); /* NULL is accepted */

int grace_fd(const grace *g);

#endif
