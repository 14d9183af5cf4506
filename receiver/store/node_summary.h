/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_NODE_SUMMARY_H
#define RECEIVER_NODE_SUMMARY_H

#include "receiver/store/store.h"

/* Part of store.h: the state of all nodes at little cost, for metrics. */

/* What the metrics of a node need: of its record, of its credentials, and of presence. */
typedef struct {
    char node[SH_NODE_NAME_MAX + 1];
    bool is_recorded; /* else only its credentials are known */
    node_contact contact;
    int64_t problem_ms, problem_seen_ms, problem_status;
    char problem_kind[SH_PROBLEM_KIND_MAX + 1];
    int64_t ephemeral;
    int64_t merged_ms, rows; /* when its last table was merged, 0: never; its rows */
    int64_t present;         /* devices; -1: not counted */
    bool has_credentials, is_revoked;
} store_node_summary;

typedef sh_err (*store_node_summary_each)(void *context, const store_node_summary *node,
                                          sh_error *error);
/*
 * Passes all nodes that are recorded or have credentials to each(), by name, read by one statement
 * (PostgreSQL: one for each 16,384). Devices are counted if there are at most count_max nodes and
 * the database stores presence.
 */
sh_err store_node_summaries(store *s, int64_t count_max, store_node_summary_each each,
                            void *context, sh_error *error);

#endif
