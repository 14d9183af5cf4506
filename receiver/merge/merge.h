/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_MERGE_H
#define RECEIVER_MERGE_H

#include "libcommon/base/error.h"
#include "libcommon/config/settings.h"
#include "receiver/hub/hub_secrets.h"
#include "receiver/merge/node_metrics_reader.h"

#include <stdbool.h>

/*
 * The loop that takes entries from the queue, merges them into the database, commits, and
 * acknowledges. Only merge writes to the database.
 */
typedef struct merge merge;

/* Opens the database. SH_E_IO, SH_E_CONFIG and the others of store_open(). */
sh_err merge_new(const sh_settings *settings, const hub_secrets *keys, merge **ret,
                 sh_error *error);
void merge_free(merge *m); /* NULL is accepted */

/* The metrics of nodes, which live until merge_free(). */
node_metrics *merge_node_metrics(const merge *m);

/*
 * Runs until the program must stop; while Redis or the database is down it waits and retries, and
 * reports that to health. until_empty (--once): ends once the queue is empty; false if something
 * failed.
 */
bool merge_run(merge *m, bool until_empty);

#endif
