/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_NODE_METRICS_READER_H
#define RECEIVER_NODE_METRICS_READER_H

#include "libcommon/base/shared_text.h"
#include "receiver/store/store.h"

/*
 * The metrics of nodes for GET /metrics (node_metrics.h), read from the database by a thread
 * of its own with a read-only connection when they are asked for, so that neither merging nor a
 * scrape waits for it. Scrapes within NODE_METRICS_FRESH_MS share one reading, and reading takes at
 * most a fiftieth of the time. Thread-safe.
 */
typedef struct node_metrics node_metrics;

#define NODE_METRICS_FRESH_MS 10000

/* Borrows db (SYNC_db). SH_E_MEMORY. */
sh_err node_metrics_new(const char *db, node_metrics **ret, sh_error *error);
void node_metrics_free(node_metrics *n); /* NULL is accepted */

/*
 * Permits this receiver to expose them until then, by the monotonic clock; 0: no longer. Of several
 * receivers that merge into one database one shows them, so that no node has two series.
 */
void node_metrics_permit(node_metrics *n, int64_t until_ms);

/* The next scrape reads the database again: the states of nodes may have changed. */
void node_metrics_forget(node_metrics *n);

/*
 * The text, for which the caller unreferences it; NULL if this receiver is not permitted to show
 * it, or it is too old because the database does not answer. Waits for a reading, but not long.
 */
sh_shared_text *node_metrics_get(node_metrics *n);

#endif
