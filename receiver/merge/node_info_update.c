/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/merge/node_info_update.h"

#include "receiver/store/node_state.h"

#include <stdio.h>
#include <string.h>

bool node_info_has_content_problem(const store_node_info *info)
{
    return info->problem_ms > 0 &&
           node_problem_is_content(info->problem_kind, info->problem_status);
}

static void clear_problem(store_node_info *info)
{
    info->problem_ms = info->problem_seen_ms = info->problem_status = 0;
    info->problem_kind[0] = info->problem_text[0] = '\0';
}

/* A recorded contact in the future means that the clock was set back. */
void node_info_contact(store_node_info *info, const char mode[static 8], int64_t contact_ms,
                       int64_t now_ms)
{
    int64_t ms = contact_ms < now_ms ? contact_ms : now_ms;
    if (info->first_contact_ms == 0)
        info->first_contact_ms = ms;
    if (info->problem_seen_ms < ms && !node_info_has_content_problem(info))
        clear_problem(info);
    if (info->contact.last_ms >= ms && info->contact.last_ms <= now_ms)
        return;
    info->contact = node_contact_next(&info->contact, ms);
    memcpy(info->mode, mode, sizeof info->mode);
}

void node_info_agent(store_node_info *info, const sh_queue_report *report)
{
    info->contact.reported_ms = report->interval_s * 1000;
    if (info->contact.reported_ms > 0)
        info->contact.interval_ms = info->contact.reported_ms;
    memcpy(info->agent, report->agent, sizeof info->agent);
    memcpy(info->instance, report->instance, sizeof info->instance);
    (void)snprintf(info->protocol, sizeof info->protocol, "%s", report->protocol);
}

void node_info_conflict(store_node_info *info, const sh_queue_report *report, int64_t now_ms)
{
    info->conflict_ms = report->ms < now_ms ? report->ms : now_ms;
    memcpy(info->conflict_text, report->conflict, sizeof info->conflict_text);
}

void node_info_problem(store_node_info *info, const sh_queue_report *report, int64_t now_ms)
{
    int64_t ms = report->problem_ms < now_ms ? report->problem_ms : now_ms;
    if (ms < info->contact.last_ms && info->contact.last_ms <= now_ms)
        return; /* a good contact came later */
    bool same = info->problem_ms > 0 && strcmp(info->problem_kind, report->kind) == 0;
    if (same && node_info_has_content_problem(info)) { /* the node asked about the same table */
        info->problem_seen_ms = ms;
        return;
    }
    if (node_info_has_content_problem(info) && node_problem_is_own(report->kind, report->status))
        return;
    info->problem_ms = same && info->problem_ms < ms ? info->problem_ms : ms;
    info->problem_seen_ms = ms;
    info->problem_status = report->status;
    memcpy(info->problem_kind, report->kind, sizeof info->problem_kind);
    memcpy(info->problem_text, report->text, sizeof info->problem_text);
}
