/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_NAME_INDEX_H
#define RECEIVER_NAME_INDEX_H

#include "libcommon/base/error.h"
#include "libcommon/base/limits.h"
#include "libcommon/queue/queue.h"

#include <stdbool.h>

/*
 * The names of nodes from which this hub has accepted data, at most SH_NAMES_KNOWN_MAX; names that
 * peers without a key claim are not among them. Logs once when a name is easily confused with
 * another one (name_lookalike.h). Thread-safe.
 */
typedef struct name_index name_index;

sh_err name_index_new(name_index **ret, sh_error *error);
void name_index_free(name_index *ix); /* NULL is accepted */

/* Adds the names that Redis knows, once; later calls do nothing. Errors are the queue's. */
sh_err name_index_load(name_index *ix, sh_queue *queue, sh_error *error);
bool name_index_is_loaded(const name_index *ix);

bool name_index_knows(name_index *ix, const char *node);
/* Adds a node from which data was accepted. Ignores names over the limit. */
void name_index_add(name_index *ix, const char *node);

#endif
