/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_STORE_HISTORY_H
#define RECEIVER_STORE_HISTORY_H

#include "receiver/store/store.h"

/*
 * Figures of each hour, of each node and of all nodes together, for SH_HISTORY_HOURS. Hours without
 * any have no row. Errors as in store.h.
 */

typedef struct {
    int64_t hour;     /* hours since 1970 */
    int64_t pushes;   /* tables and results that were merged */
    int64_t inserted; /* new devices */
    /* From the queue to the database. */
    int64_t lag_sum_ms, lag_max_ms;
    int64_t queue_max; /* entries, at most; of all nodes only, otherwise -1 */
} store_figures;

#define STORE_HISTORY_ALL "" /* the name of all nodes together */

/*
 * In a transaction: adds figures to those of their hour. may_add: for a node that has none in this
 * hour yet, too.
 */
sh_err store_history_add(store *s, const char *node, const store_figures *figures, bool may_add,
                         sh_error *error);
/* How many nodes have figures of this hour. */
sh_err store_history_count(store *s, int64_t hour, int64_t *ret, sh_error *error);
/* In a transaction: deletes the figures of hours before this one. */
sh_err store_history_forget(store *s, int64_t hour, sh_error *error);

/* Passes the figures of a node from an hour on, in their order. */
typedef sh_err (*store_figures_each)(void *context, const store_figures *figures, sh_error *error);
sh_err store_history_read(store *s, const char *node, int64_t from_hour, store_figures_each each,
                          void *context, sh_error *error);

#endif
