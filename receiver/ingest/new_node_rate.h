/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_NEWCOMERS_H
#define RECEIVER_NEWCOMERS_H

#include "libcommon/base/error.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * Limits the rate at which this process accepts new node names: a holder of the shared token can
 * invent any number of them. Thread-safe.
 */
typedef struct newcomers newcomers;

/* names_max: SYNC_max_nodes. SH_E_MEMORY. */
sh_err newcomers_new(int64_t names_max, newcomers **ret, sh_error *error);
void newcomers_free(newcomers *n); /* NULL is accepted */

/* Whether another new node may be accepted now. */
bool newcomers_may_come(newcomers *n);
/* Counts an accepted new node. */
void newcomers_count(newcomers *n);

#endif
