/* SPDX-License-Identifier: Apache-2.0 */
#include "pusher/sender.h"

#include "libcommon/base/clock.h"
#include "libcommon/base/hex.h"
#include "libcommon/runtime/log.h"
#include "pusher/pusher_metrics.h"

void sender_job_failed(const sender *s, job *j, const sh_error *error, push_report *report)
{
    report->failed = true;
    job_failed(j, error, s->once || s->settings->run == SH_RUN_SCHEDULE);
}

bool sender_save_state(const sender *s)
{
    sh_error error = {0};
    if (state_save(s->state, &error) == SH_OK) {
        heartbeat_problem_clear(s->heartbeat, PROBLEM_STATE);
        return true;
    }
    if (error.code != SH_E_MEMORY)
        heartbeat_problem_set(s->heartbeat, PROBLEM_STATE, "spool_unusable", error.message);
    sh_log_error("%s; the record of what was pushed is not saved", error.message);
    return false;
}

static void add_failure(const push_result *result, push_report *report)
{
    report->failed = true;
    report->later |= result->verdict == PUSH_LATER;
    report->foreign |= result->verdict == PUSH_FOREIGN;
    report->needs_operator |= result->verdict == PUSH_MISCONFIGURED;
    if (result->retry_after_s > report->retry_after_s)
        report->retry_after_s = result->retry_after_s;
}

static sh_log_level level_of(push_verdict verdict)
{
    return verdict == PUSH_LATER     ? SH_LOG_WARNING
           : verdict == PUSH_STOPPED ? SH_LOG_INFO
                                     : SH_LOG_ERROR;
}

/* Logs what the hub says about this node, once for as long as it says so. */
static void report_notice(const sender *s, const push_result *result)
{
    bool has_notice = result->notice[0] != '\0';
    if (has_notice && !s->heartbeat->has_notice)
        sh_log_event(
            SH_LOG_WARNING,
            SH_LOG_FIELDS(SH_LOG_NODE(s->settings->node_name), SH_LOG_REASON(result->notice)),
            "the hub has a notice for this node");
    if (push_is_success(result->verdict))
        s->heartbeat->has_notice = has_notice;
}

void sender_report(const sender *s, const push_item *item, const push_result *result,
                   const sh_error *error, push_report *report)
{
    sh_metric *counters = item->kind == SH_KIND_DEVICES ? metric_tables : metric_plugins;
    sh_metric_add(&counters[result->verdict], 1);
    report_notice(s, result);
    char id[SH_ID_HEX_BYTES];
    sh_hex_encode(item->id, SH_ID_BYTES, id);
    const char *reason = push_is_success(result->verdict) ? NULL : error->message;
    const sh_log_field *fields = SH_LOG_FIELDS(
        SH_LOG_NODE(s->settings->node_name), SH_LOG_BYTES(result->sent_bytes), SH_LOG_ENTRY(id),
        SH_LOG_NUMBER("ms", result->duration_ms), SH_LOG_REASON(reason));
    if (reason == NULL) {
        sh_metric_set(&metric_last_success_s, sh_clock_unix_ms() / 1000);
        sh_log_event(SH_LOG_INFO, fields, "%s: %s", item->subject,
                     push_verdict_name(result->verdict));
        return;
    }
    add_failure(result, report);
    sh_log_event(level_of(result->verdict), fields, "%s not delivered", item->subject);
}

void sender_report_heartbeat(const sender *s, const push_result *result, const sh_error *error,
                             push_report *report)
{
    const char *reason = push_is_success(result->verdict) ? NULL : error->message;
    const sh_log_field *fields =
        SH_LOG_FIELDS(SH_LOG_NODE(s->settings->node_name), SH_LOG_NUMBER("ms", result->duration_ms),
                      SH_LOG_REASON(reason));
    report_notice(s, result);
    if (reason == NULL) {
        sh_metric_set(&metric_last_success_s, sh_clock_unix_ms() / 1000);
        sh_log_event(SH_LOG_DEBUG, fields, "heartbeat");
    } else if (result->verdict == PUSH_REFUSED) {
        sh_log_event(SH_LOG_INFO, fields, "no heartbeats are sent");
    } else {
        add_failure(result, report);
        sh_log_event(level_of(result->verdict), fields, "heartbeat not delivered");
    }
}

push_result sender_push(const sender *s, const push_item *item, push_report *report,
                        sh_error *error)
{
    push_result result = push_send(s->push, item, error);
    if (result.verdict == PUSH_FOREIGN)
        heartbeat_problem_set(s->heartbeat, PROBLEM_INTERMEDIARY, "intermediary", error->message);
    else if (result.verdict != PUSH_LATER && result.verdict != PUSH_STOPPED)
        heartbeat_problem_clear(s->heartbeat, PROBLEM_INTERMEDIARY);
    sender_report(s, item, &result, error, report);
    return result;
}
