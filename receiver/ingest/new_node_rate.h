/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_NEW_NODE_RATE_H
#define RECEIVER_NEW_NODE_RATE_H

#include "libcommon/base/error.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * Limits the rate at which this process accepts new node names: a holder of the shared token can
 * invent any number of them. Thread-safe.
 */
typedef struct new_node_rate new_node_rate;

/* names_max: SYNC_max_nodes. SH_E_MEMORY. */
sh_err new_node_rate_new(int64_t names_max, new_node_rate **ret, sh_error *error);
void new_node_rate_free(new_node_rate *n); /* NULL is accepted */

/* Whether another new node may be accepted now. */
bool new_node_rate_may_come(new_node_rate *n);
/* Counts an accepted new node. */
void new_node_rate_count(new_node_rate *n);

#endif
