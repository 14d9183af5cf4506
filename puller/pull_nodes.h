/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PULLER_PULL_NODES_H
#define PULLER_PULL_NODES_H

#include "puller/pull_run.h"

#include <stdbool.h>
#include <stdint.h>

#define PULLER_PARALLEL_MAX 1024  /* concurrent exchanges, if RLIMIT_NOFILE allows it */
#define PULLER_RESERVED_FILES 128 /* descriptors for other purposes than exchanges */

/*
 * Fetches from all nodes in parallel, queues new tables, and logs a line for each node that was
 * pulled or failed and one for the run. Skips nodes that another puller fetches, or has fetched
 * within the last within_ms. False if a node or Redis failed.
 */
bool puller_run(puller *p, int64_t within_ms);

#endif
