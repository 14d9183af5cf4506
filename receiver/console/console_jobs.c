/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/console/console_jobs.h"

#include "libcommon/base/cleanup.h"
#include "libcommon/base/node_name.h"
#include "libcommon/json/json_write.h"
#include "libcommon/runtime/log.h"
#include "receiver/console/console_body.h"
#include "receiver/console/console_reply.h"
#include "receiver/operate/json_time.h"
#include "receiver/queue/dead_jobs.h"

#include <stdio.h>
#include <string.h>

#define JSON_JOB_MAX (4 * SH_KIB)

static sh_err open_queue(const console_request *request, sh_queue **ret, sh_error *error)
{
    const sh_queue_options options = sh_queue_options_of(request->console->settings);
    return sh_queue_open(&options, ret, error);
}

/* --- A job as JSON --------------------------------------------------------------------------- */

static sh_err write_text_or_null(sh_buf *json, const char *key, const char *text)
{
    return text != NULL ? sh_json_write_member_text(json, key, text)
                        : sh_buf_append_format(json, ",\"%s\":null", key);
}

static sh_err write_counts(sh_buf *json, const dead_job *job)
{
    bool done = job->state == DEAD_JOB_DONE && job->done < job->total;
    sh_err err = sh_json_write_member_integer(json, "total", job->total);
    if (err == SH_OK)
        err = sh_json_write_member_integer(json, "done", job->done);
    return err == SH_OK
               ? sh_json_write_member_integer(json, "missing", done ? job->total - job->done : 0)
               : err;
}

static sh_err write_job(sh_buf *json, const dead_job *job)
{
    bool waits = job->state == DEAD_JOB_WAITING;
    sh_err err = sh_buf_append_text(json, "{");
    if (err == SH_OK)
        err = sh_json_write_member_text(json, "id", job->id);
    if (err == SH_OK)
        err = sh_json_write_member_text(json, "action", dead_job_action_name(job->action));
    if (err == SH_OK)
        err = write_text_or_null(json, "node", job->node[0] == '\0' ? NULL : job->node);
    if (err == SH_OK)
        err = sh_json_write_member_text(json, "state", dead_job_state_name(job->state));
    if (err == SH_OK)
        err = write_counts(json, job);
    if (err == SH_OK)
        err = write_text_or_null(json, "message",
                                 waits ? "The queue is full: it goes on when merge has caught up"
                                       : NULL);
    if (err == SH_OK)
        err = json_time_write(json, "started", job->began_ms);
    if (err == SH_OK)
        err = json_time_write(json, "changed", job->changed_ms);
    return err == SH_OK ? sh_buf_append_text(json, "}") : err;
}

/* --- Handlers -------------------------------------------------------------------------------- */

static sh_err read_job(const console_request *request, dead_job *ret, sh_error *error)
{
    const char *action = "", *node = NULL;
    bool all = false;
    sh_error reason = {.code = SH_OK};
    const console_body_field fields[] = {
        {"action", CONSOLE_BODY_TEXT, &action, .required = true},
        {"node", CONSOLE_BODY_TEXT, &node, .required = false},
        {"all", CONSOLE_BODY_FLAG, &all, .required = false},
    };
    sh_err err = console_body_read(request->body, fields, sizeof fields / sizeof fields[0], error);
    if (err != SH_OK)
        return err;
    bool drops = strcmp(action, "drop") == 0;
    if (!drops && strcmp(action, "retry") != 0)
        return sh_fail(error, SH_E_FORMAT, "`action` takes retry or drop");
    if (all == (node != NULL))
        return sh_fail(error, SH_E_FORMAT, "either `all` is true, or `node` is a name");
    if (node != NULL && sh_node_name_check(sh_slice_of(node), &reason) != SH_OK)
        return sh_fail(error, SH_E_FORMAT, "%s", reason.message);
    *ret = (dead_job){.action = drops ? DEAD_JOB_DROP : DEAD_JOB_RETRY};
    (void)snprintf(ret->node, sizeof ret->node, "%s", node == NULL ? "" : node);
    return SH_OK;
}

static void reply_begun(console_request *request, const dead_job *job)
{
    SH_CLEANUP(sh_buf_reset) sh_buf json = SH_BUF_INIT(JSON_JOB_MAX);
    char location[sizeof "/api/v1/jobs/" + SH_ID_HEX_BYTES];
    sh_error error = {.code = SH_OK};
    sh_err err = write_job(&json, job);
    if (err != SH_OK) {
        console_reply_json(request->exchange, err, &json, &error);
        return;
    }
    (void)snprintf(location, sizeof location, "/api/v1/jobs/%s", job->id);
    sh_http_reply_header(request->exchange, "Location", location);
    console_reply_body(request->exchange, 202, "application/json", (sh_slice){json.data, json.len});
}

void console_begin_job(console_request *request)
{
    dead_job job = {.action = DEAD_JOB_RETRY};
    sh_error error = {.code = SH_OK};
    sh_queue *queue = NULL;
    sh_err err = read_job(request, &job, &error);
    if (err == SH_OK)
        err = open_queue(request, &queue, &error);
    if (err == SH_OK)
        err = dead_jobs_begin(queue, &job, &error);
    sh_queue_free(queue);
    if (err != SH_OK) {
        console_reply_failure(request->exchange, &error);
        return;
    }
    sh_log_info("console: %s: job %s, %s of the dead letters %s%s", request->user, job.id,
                dead_job_action_name(job.action), job.node[0] == '\0' ? "of all nodes" : "of node ",
                job.node);
    reply_begun(request, &job);
    console_job_runner_wake(request->console->jobs);
}

void console_list_jobs(console_request *request)
{
    SH_CLEANUP(sh_buf_reset) sh_buf json = SH_BUF_INIT(DEAD_JOBS_MAX * JSON_JOB_MAX);
    dead_job jobs[DEAD_JOBS_MAX];
    size_t count = 0;
    sh_error error = {.code = SH_OK};
    sh_queue *queue = NULL;
    sh_err err = open_queue(request, &queue, &error);
    if (err == SH_OK)
        err = dead_jobs_list(queue, jobs, &count, &error);
    sh_queue_free(queue);
    if (err == SH_OK)
        err = sh_buf_append_text(&json, "{\"items\":[");
    for (size_t i = 0; i < count && err == SH_OK; i++) {
        err = sh_buf_append_text(&json, i == 0 ? "" : ",\n");
        if (err == SH_OK)
            err = write_job(&json, &jobs[i]);
    }
    if (err == SH_OK)
        err = sh_buf_append_text(&json, "],\"next\":null}\n");
    console_reply_json(request->exchange, err, &json, &error);
}

/* Whoever asks for a job wants it to go on, also if the console that began it is gone. */
void console_show_job(console_request *request)
{
    SH_CLEANUP(sh_buf_reset) sh_buf json = SH_BUF_INIT(JSON_JOB_MAX);
    dead_job job = {.state = DEAD_JOB_DONE};
    sh_error error = {.code = SH_OK};
    sh_queue *queue = NULL;
    sh_err err = open_queue(request, &queue, &error);
    if (err == SH_OK)
        err = dead_jobs_get(queue, request->parts[1], &job, &error);
    sh_queue_free(queue);
    if (err == SH_OK && dead_job_is_active(&job))
        console_job_runner_wake(request->console->jobs);
    if (err == SH_OK)
        err = write_job(&json, &job);
    console_reply_json(request->exchange, err, &json, &error);
}

void console_cancel_job(console_request *request)
{
    sh_error error = {.code = SH_OK};
    sh_queue *queue = NULL;
    sh_err err = open_queue(request, &queue, &error);
    if (err == SH_OK)
        err = dead_jobs_cancel(queue, request->parts[1], &error);
    sh_queue_free(queue);
    if (err != SH_OK)
        console_reply_failure(request->exchange, &error);
    else
        console_reply_empty(request->exchange, 204);
}
