/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_NAME_INDEX_H
#define RECEIVER_NAME_INDEX_H

#include "libcommon/base/error.h"
#include "libcommon/base/limits.h"
#include "libcommon/queue/queue.h"

#include <stdbool.h>

/*
 * The names of nodes that this hub has taken something of, at most SH_NAMES_KNOWN_MAX: what a peer
 * claims to be without a key is not among them. The first time that one is easily confused with
 * another (name.h), that is logged. Thread-safe.
 */
typedef struct name_index name_index;

sh_err name_index_new(name_index **ret, sh_error *error);
void name_index_free(name_index *ix); /* NULL is accepted */

/* Adds the names that Redis knows, once; later calls do nothing. Errors are the queue's. */
sh_err name_index_load(name_index *ix, sh_queue *queue, sh_error *error);
bool name_index_is_loaded(const name_index *ix);

bool name_index_knows(name_index *ix, const char *node);
/* Adds a node of which something good has come. What is over the limit is left out. */
void name_index_add(name_index *ix, const char *node);

#endif
