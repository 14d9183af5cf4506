/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_NEWCOMERS_H
#define RECEIVER_NEWCOMERS_H

#include "libcommon/base/error.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * How fast this process takes nodes that the hub does not know yet: whoever has the shared token
 * can invent names without end. Thread-safe.
 */
typedef struct newcomers newcomers;

/* names_max: SYNC_max_nodes. SH_E_MEMORY. */
sh_err newcomers_new(int64_t names_max, newcomers **ret, sh_error *error);
void newcomers_free(newcomers *n); /* NULL is accepted */

/* Whether one more may come now. */
bool newcomers_may_come(newcomers *n);
/* One came. */
void newcomers_count(newcomers *n);

#endif
