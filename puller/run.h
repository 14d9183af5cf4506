/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PULLER_RUN_H
#define PULLER_RUN_H

#include "puller/pull_run.h"

#include <stdbool.h>
#include <stdint.h>

#define PULLER_PARALLEL_MAX 1024  /* exchanges at once, where so many files may be open */
#define PULLER_RESERVED_FILES 128 /* descriptors for all that is no exchange */

/*
 * Asks all nodes in parallel, queues what is new, and logs a line for each node that was pulled or
 * failed and one for the run. Skips nodes that another puller fetches, or has fetched within the
 * last within_ms. False where a node or Redis failed.
 */
bool puller_run(puller *p, int64_t within_ms);

#endif
