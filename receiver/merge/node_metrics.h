/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_NODE_METRICS_H
#define RECEIVER_NODE_METRICS_H

#include "libcommon/base/buffer.h"
#include "receiver/store/node_state.h"
#include "receiver/store/node_summary.h"

/*
 * The metrics of nodes in Prometheus text format: series of each node if there are at most
 * SH_NODE_METRICS_MAX of them, and how many are in each state. No I/O.
 */

/* Metrics with series of their own for each node, in the order of their exposition. */
typedef enum {
    NODE_METRIC_LAST_CONTACT,
    NODE_METRIC_ROWS,
    NODE_METRIC_PRESENT,
    NODE_METRIC_STATE,
    NODE_METRICS
} node_metric;

#define NODE_METRICS_BYTES_MAX (1 * SH_MIB) /* of one metric: 1,000 names of 200 bytes fit */

typedef struct {
    int64_t now_ms;
    node_thresholds thresholds;
    int64_t nodes, states[NODE_STATES];
    sh_buf series[NODE_METRICS];
} node_metrics_text;

void node_metrics_text_init(node_metrics_text *text, int64_t now_ms,
                            const node_thresholds *thresholds);
void node_metrics_text_reset(node_metrics_text *text);

/* Adds a node. Skips one that was revoked and forgotten. SH_E_MEMORY. */
sh_err node_metrics_text_add(node_metrics_text *text, const store_node_summary *node);

/* Appends the exposition. SH_E_LIMIT, SH_E_MEMORY. */
sh_err node_metrics_text_write(const node_metrics_text *text, sh_buf *ret);

#endif
