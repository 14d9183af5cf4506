/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/merge/node_metrics.h"

#include "libcommon/base/limits.h"
#include "libcommon/base/metrics.h"

#include <inttypes.h>

/*
 * A contact is in the database up to this much later: contacts are recorded in passes, one every
 * 10 s unless there are very many, and one that is less than a minute newer is not recorded.
 */
#define RECORDED_LATER_MS 70000

static const struct {
    const char *name, *help;
} metrics[NODE_METRICS] = {
    [NODE_METRIC_LAST_CONTACT] = {"synchub_node_last_contact_timestamp_seconds",
                                  "When a node was last in contact (Unix time)."},
    [NODE_METRIC_ROWS] = {"synchub_node_rows", "Rows of a node's last table."},
    [NODE_METRIC_PRESENT] = {"synchub_node_present",
                             "Devices that are present at a node; no value while that is unknown."},
    [NODE_METRIC_STATE] = {"synchub_node_state", "1 for the current state of a node."},
};

void node_metrics_text_init(node_metrics_text *text, int64_t now_ms,
                            const node_thresholds *thresholds)
{
    *text = (node_metrics_text){.now_ms = now_ms, .thresholds = *thresholds};
    for (size_t i = 0; i < NODE_METRICS; i++)
        text->series[i] = SH_BUF_INIT(NODE_METRICS_BYTES_MAX);
}

void node_metrics_text_reset(node_metrics_text *text)
{
    for (size_t i = 0; i < NODE_METRICS; i++)
        sh_buf_reset(&text->series[i]);
}

/* As in the output of `nodes`, for contacts that are recorded later. */
static node_state state_of(const node_metrics_text *text, const store_node_summary *node)
{
    node_facts facts = {
        .contact = node->contact,
        .thresholds = text->thresholds,
        .problem_ms = node->problem_ms,
        .problem_seen_ms = node->problem_seen_ms,
        .problem_status = node->problem_status,
        .problem_kind = node->problem_kind,
        .credentials = !node->has_credentials ? NODE_CREDENTIALS_SHARED
                       : node->is_revoked     ? NODE_CREDENTIALS_REVOKED
                                              : NODE_CREDENTIALS_OWN,
        .ephemeral = node->ephemeral != 0,
    };
    node_state state = node_state_of(&facts, text->now_ms);
    if (state != NODE_LATE && state != NODE_SILENT && state != NODE_GONE)
        return state;
    facts.contact.last_ms += RECORDED_LATER_MS;
    return node_state_of(&facts, text->now_ms);
}

static sh_err append_series(node_metrics_text *text, node_metric metric, const char *node,
                            const char *state)
{
    sh_buf *to = &text->series[metric];
    sh_err err = sh_buf_append_format(to, "%s{node=", metrics[metric].name);
    if (err == SH_OK)
        err = sh_metric_append_label_value(sh_slice_of(node), to);
    if (err == SH_OK && state != NULL)
        err = sh_buf_append_format(to, ",state=\"%s\"", state);
    return err == SH_OK ? sh_buf_append_text(to, "} ") : err;
}

static sh_err append_number(node_metrics_text *text, node_metric metric, const char *node,
                            int64_t number)
{
    sh_err err = append_series(text, metric, node, NULL);
    return err == SH_OK ? sh_buf_append_format(&text->series[metric], "%" PRId64 "\n", number)
                        : err;
}

static sh_err append_node(node_metrics_text *text, const store_node_summary *node, node_state state)
{
    sh_err err = append_series(text, NODE_METRIC_STATE, node->node, node_state_name(state));
    if (err == SH_OK)
        err = sh_buf_append_text(&text->series[NODE_METRIC_STATE], "1\n");
    if (err == SH_OK && node->contact.last_ms > 0) {
        err = append_series(text, NODE_METRIC_LAST_CONTACT, node->node, NULL);
        if (err == SH_OK)
            err = sh_buf_append_format(&text->series[NODE_METRIC_LAST_CONTACT], "%.3f\n",
                                       (double)node->contact.last_ms / 1000);
    }
    if (err != SH_OK || node->merged_ms <= 0)
        return err;
    err = append_number(text, NODE_METRIC_ROWS, node->node, node->rows);
    if (err == SH_OK && node->present >= 0 && (state == NODE_ONLINE || state == NODE_REVOKED))
        err = append_number(text, NODE_METRIC_PRESENT, node->node, node->present);
    return err;
}

sh_err node_metrics_text_add(node_metrics_text *text, const store_node_summary *node)
{
    node_state state = state_of(text, node);
    if (state == NODE_REVOKED && !node->is_recorded)
        return SH_OK;
    text->states[state]++;
    text->nodes++;
    return text->nodes <= SH_NODE_METRICS_MAX ? append_node(text, node, state) : SH_OK;
}

static sh_err append_states(const node_metrics_text *text, sh_buf *ret)
{
    sh_err err = sh_metric_append_head("synchub_nodes", "gauge", "Nodes in each state.", ret);
    for (node_state state = 0; err == SH_OK && state < NODE_STATES; state++)
        err = sh_buf_append_format(ret, "synchub_nodes{state=\"%s\"} %" PRId64 "\n",
                                   node_state_name(state), text->states[state]);
    return err;
}

sh_err node_metrics_text_write(const node_metrics_text *text, sh_buf *ret)
{
    bool shown = text->nodes <= SH_NODE_METRICS_MAX;
    sh_err err = append_states(text, ret);
    if (err == SH_OK)
        err = sh_metric_append_head("synchub_nodes_without_series", "gauge",
                                    "Nodes without series of their own: all if there are too many.",
                                    ret);
    if (err == SH_OK)
        err = sh_buf_append_format(ret, "synchub_nodes_without_series %" PRId64 "\n",
                                   shown ? 0 : text->nodes);
    for (size_t i = 0; err == SH_OK && shown && i < NODE_METRICS; i++) {
        const sh_buf *series = &text->series[i];
        if (series->len == 0)
            continue;
        err = sh_metric_append_head(metrics[i].name, "gauge", metrics[i].help, ret);
        if (err == SH_OK)
            err = sh_buf_append(ret, series->data, series->len);
    }
    return err;
}
