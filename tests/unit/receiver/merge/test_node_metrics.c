/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/merge/node_metrics.h"

#include "libcommon/base/cleanup.h"
#include "libcommon/base/limits.h"
#include "tests/unit/unit.h"

#include <stdio.h>
#include <string.h>

#define NOW_MS INT64_C(1700000000000)

/* A node that was in contact so long ago, every ten minutes. */
static store_node_summary node_seen(const char *name, int64_t age_ms)
{
    store_node_summary node = {
        .is_recorded = true,
        .contact = {.last_ms = NOW_MS - age_ms, .interval_ms = 600000},
        .merged_ms = NOW_MS - age_ms,
        .rows = 7,
        .present = 5,
    };
    (void)snprintf(node.node, sizeof node.node, "%s", name);
    return node;
}

/* The exposition of these nodes, for the caller to reset. */
static sh_buf written(const store_node_summary nodes[], size_t count)
{
    node_metrics_text text;
    sh_buf ret = SH_BUF_INIT(4 * SH_MIB);
    static const node_thresholds thresholds = {.silent_ms = 900000, .late_ms = 60000};
    node_metrics_text_init(&text, NOW_MS, &thresholds);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(node_metrics_text_add(&text, &nodes[i]), SH_OK);
    assert_int_equal(node_metrics_text_write(&text, &ret), SH_OK);
    node_metrics_text_reset(&text);
    return ret;
}

static void nodes_have_series(void **state)
{
    (void)state;
    store_node_summary nodes[] = {node_seen("a\"b", 1500),
                                  node_seen("Lost", 86400000),
                                  {.node = "New", .has_credentials = true, .present = 0},
                                  {.node = "Old", .has_credentials = true, .is_revoked = true}};
    SH_CLEANUP(sh_buf_reset) sh_buf text = written(nodes, 4);
    const char *series = strstr(text.data, "# HELP synchub_node_last_contact");
    assert_non_null(series);
    *strstr(text.data, "# HELP synchub_nodes_without") = '\0';
    assert_string_equal(text.data, "# HELP synchub_nodes Nodes in each state.\n"
                                   "# TYPE synchub_nodes gauge\n"
                                   "synchub_nodes{state=\"revoked\"} 0\n"
                                   "synchub_nodes{state=\"failing\"} 0\n"
                                   "synchub_nodes{state=\"silent\"} 1\n"
                                   "synchub_nodes{state=\"late\"} 0\n"
                                   "synchub_nodes{state=\"never\"} 1\n"
                                   "synchub_nodes{state=\"gone\"} 0\n"
                                   "synchub_nodes{state=\"online\"} 1\n");
    static const char contacts[] =
        "synchub_node_last_contact_timestamp_seconds{node=\"a\\\"b\"} 1699999998.500\n"
        "synchub_node_last_contact_timestamp_seconds{node=\"Lost\"} 1699913600.000\n# HELP";
    static const char rest[] = "synchub_node_rows{node=\"a\\\"b\"} 7\n"
                               "synchub_node_rows{node=\"Lost\"} 7\n# HELP";
    static const char present[] = "gauge\nsynchub_node_present{node=\"a\\\"b\"} 5\n# HELP";
    static const char states[] = "gauge\n"
                                 "synchub_node_state{node=\"a\\\"b\",state=\"online\"} 1\n"
                                 "synchub_node_state{node=\"Lost\",state=\"silent\"} 1\n"
                                 "synchub_node_state{node=\"New\",state=\"never\"} 1\n";
    assert_non_null(strstr(series, contacts));
    assert_non_null(strstr(series, rest));
    assert_non_null(strstr(series, present));
    assert_string_equal(series + strlen(series) - strlen(states), states);
}

static node_state state_of(const store_node_summary *node)
{
    SH_CLEANUP(sh_buf_reset) sh_buf text = written(node, 1);
    const char *found = strstr(text.data, ",state=\"");
    char name[16];
    assert_non_null(found);
    (void)snprintf(name, sizeof name, "%.*s", (int)strcspn(found + 8, "\""), found + 8);
    return node_state_of_name(name);
}

static void a_contact_may_be_recorded_later(void **state)
{
    (void)state;
    const int64_t late_ms = 2 * 600000 + 60000, later_ms = 70000;
    store_node_summary node = node_seen("N", late_ms + later_ms);
    assert_int_equal(state_of(&node), NODE_ONLINE);
    node = node_seen("N", late_ms + later_ms + 1);
    assert_int_equal(state_of(&node), NODE_LATE);
    node = node_seen("N", 1800000 + later_ms);
    assert_int_equal(state_of(&node), NODE_LATE);
    node = node_seen("N", 1800000 + later_ms + 1);
    assert_int_equal(state_of(&node), NODE_SILENT);
    node.ephemeral = 1;
    assert_int_equal(state_of(&node), NODE_GONE);
    node = node_seen("N", -3600000); /* the clock was set back */
    assert_int_equal(state_of(&node), NODE_SILENT);
    node = node_seen("N", 86400000);
    node.problem_ms = node.problem_seen_ms = node.contact.last_ms + 1;
    assert_int_equal(state_of(&node), NODE_FAILING);
}

static void above_the_limit_there_are_only_counts(void **state)
{
    (void)state;
    static store_node_summary nodes[SH_NODE_METRICS_MAX + 1];
    char name[SH_NODE_NAME_MAX + 1];
    memset(name, '"', 50); /* the longest names, and the longest when they are escaped */
    for (size_t i = 0; i < SH_NODE_METRICS_MAX + 1; i++) {
        (void)snprintf(name + 50, sizeof name - 50, "%0150zu", i);
        nodes[i] = node_seen(name, 0);
    }
    SH_CLEANUP(sh_buf_reset) sh_buf at_limit = written(nodes, SH_NODE_METRICS_MAX);
    assert_non_null(strstr(at_limit.data, "synchub_nodes_without_series 0\n"));
    assert_non_null(strstr(at_limit.data, "999\",state=\"online\"} 1\n"));
    SH_CLEANUP(sh_buf_reset) sh_buf over = written(nodes, SH_NODE_METRICS_MAX + 1);
    assert_non_null(strstr(over.data, "synchub_nodes_without_series 1001\n"));
    assert_non_null(strstr(over.data, "synchub_nodes{state=\"online\"} 1001\n"));
    assert_null(strstr(over.data, "synchub_node_"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nodes_have_series),
        cmocka_unit_test(a_contact_may_be_recorded_later),
        cmocka_unit_test(above_the_limit_there_are_only_counts),
    };
    return cmocka_run_group_tests_name("node_metrics_text", tests, NULL, NULL);
}
