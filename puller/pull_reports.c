/* SPDX-License-Identifier: Apache-2.0 */
#include "puller/pull_reports.h"

#include "libcommon/base/clock.h"
#include "libcommon/runtime/log.h"
#include "puller/leases.h"

#include <stdio.h>
#include <string.h>

#define TELL_AGAIN_MS (3600 * INT64_C(1000)) /* an agent, as a database may be restored */

void pull_reports_init(pull_reports *reports, sh_queue *queue, bool is_netalertx,
                       int64_t interval_s)
{
    *reports =
        (pull_reports){.queue = queue, .is_netalertx = is_netalertx, .interval_s = interval_s};
}

void pull_reports_flush(pull_reports *reports)
{
    sh_error error = {.code = SH_OK};
    size_t count = reports->count;
    reports->count = 0;
    if (count == 0 || reports->failed)
        return;
    if (sh_queue_reports_put(reports->queue, reports->pending, count, NULL, &error) == SH_OK)
        return;
    reports->failed = true;
    sh_log_warning("the hub's record of its nodes is not updated by this run: %s", error.message);
}

/* A new report of a node, valid until the next one. */
static sh_queue_report *add(pull_reports *reports, const char *node)
{
    if (reports->count == SH_REPORTS_AT_ONCE)
        pull_reports_flush(reports);
    sh_queue_report *report = &reports->pending[reports->count++];
    *report = (sh_queue_report){.ms = sh_clock_unix_ms(), .mode = "pull"};
    (void)snprintf(report->node, sizeof report->node, "%s", node);
    return report;
}

static void add_problem(pull_reports *reports, const char *node, int status, const char *kind,
                        const char *text)
{
    sh_queue_report *report = add(reports, node);
    report->problem_ms = report->ms;
    report->status = status;
    (void)snprintf(report->kind, sizeof report->kind, "%s", kind);
    (void)snprintf(report->text, sizeof report->text, "%s", text);
}

void pull_reports_failed(pull_reports *reports, const reported_node *node, int status,
                         const char *text)
{
    char name[SH_NODE_NAME_MAX + 1];
    (void)snprintf(name, sizeof name, "%s", node->name);
    if (name[0] == '\0' && leases_name_get(reports->queue, node->node->url, name, NULL) != SH_OK)
        name[0] = '\0';
    bool is_named = name[0] != '\0';
    if (!is_named && strlen(node->node->url) > SH_NODE_NAME_MAX)
        return; /* two long URLs could be cut to the same name */
    node->last->under_url = node->last->under_url || !is_named;
    add_problem(reports, is_named ? name : node->node->url, status, "pull", text);
}

void pull_reports_good(pull_reports *reports, const reported_node *node)
{
    last_report *last = node->last;
    int64_t now_ms = sh_clock_monotonic_ms();
    if (node->name[0] == '\0')
        return;
    if (last->under_url || node->name_new) {
        add_problem(reports, node->node->url, 0, "forget", "it has answered with its name");
        last->under_url = false;
    }
    if (node->problem->kind[0] != '\0') /* newer than the contact, which ends the last one */
        add_problem(reports, node->name, 0, node->problem->kind, node->problem->text);
    const char *agent = reports->is_netalertx ? "NetAlertX" : node->agent;
    if (last->reported_ms != 0 && strcmp(last->agent, agent) == 0 &&
        last->interval_s == reports->interval_s && now_ms - last->reported_ms < TELL_AGAIN_MS)
        return;
    sh_queue_report *report = add(reports, node->name);
    report->interval_s = reports->interval_s;
    report->protocol = reports->is_netalertx ? "netalertx" : "native";
    (void)snprintf(report->agent, sizeof report->agent, "%s", agent);
    (void)snprintf(last->agent, sizeof last->agent, "%s", agent);
    last->interval_s = reports->interval_s;
    last->reported_ms = now_ms;
}

void pull_reports_conflict(pull_reports *reports, const char *name, const char *url,
                           const char *other_url)
{
    sh_queue_report *report = add(reports, name);
    report->has_conflict = true;
    (void)snprintf(
        report->conflict, sizeof report->conflict,
        "%.100s and %.100s both answer with this name: give each a name of its own, with "
        "SYNC_node_name there or name=URL in SYNC_nodes",
        url, other_url);
}
