/* SPDX-License-Identifier: Apache-2.0 */
#include "pusher/push_scheduler.h"

#include "libcommon/base/clock.h"
#include "libcommon/os/file.h"
#include "libcommon/runtime/log.h"
#include "pusher/heartbeat.h"
#include "pusher/job.h"
#include "pusher/push.h"
#include "pusher/push_state.h"
#include "pusher/result_sender.h"
#include "pusher/sender.h"
#include "pusher/spool.h"
#include "pusher/table_sender.h"

#include <stdlib.h>

/* The scheduler of the two senders: what is due, and in which order it is sent. */

struct work {
    sender sender;
    table_sender table;
    result_sender results;
    bool only_new; /* SYNC_RUN=on_new_device: results are due only with a new device */
    job *jobs;     /* the device table first, if has_table */
    size_t count;
    bool has_table;
    heartbeat heartbeat;
    bool heartbeat_due; /* a contact with the hub is due by the schedule */
    bool no_heartbeats; /* the hub does not know them */
    const char **paths;
    spool *spool; /* NULL: unusable and not needed */
};

static void log_notice(const char *sentence)
{
    sh_log_error("%s", sentence);
}

static sh_err jobs_make(work *w, sh_error *error)
{
    const sh_settings *settings = w->sender.settings;
    w->has_table = settings->devices || w->only_new;
    size_t room = settings->plugins.count + 1;
    w->jobs = calloc(room, sizeof w->jobs[0]);
    w->paths = calloc(room, sizeof w->paths[0]);
    if (w->jobs == NULL || w->paths == NULL)
        return sh_fail(error, SH_E_MEMORY, "no memory for the sources");
    sh_err err = SH_OK;
    if (w->has_table)
        err = source_init_devices(&w->jobs[w->count++].source, settings->devices_file, error);
    for (size_t i = 0; err == SH_OK && i < settings->plugins.count; i++)
        err = source_init_plugin(&w->jobs[w->count++].source, settings->plugins_dir,
                                 settings->plugins.items[i], error);
    for (size_t i = 0; err == SH_OK && i < w->count; i++)
        w->paths[i] = w->jobs[i].source.path;
    return err;
}

/* Without it the hub does not notice that two nodes have one name. */
static void load_instance(work *w)
{
    sh_error error = {0};
    if (heartbeat_instance_load(w->sender.settings->spool_dir, w->heartbeat.instance, &error) !=
        SH_OK)
        sh_log_warning("%s; the hub cannot distinguish this instance from others", error.message);
}

/* Device tables do not need the spool; the hub recognizes an unchanged table. */
static sh_err open_spool(work *w, sh_error *error)
{
    sh_error reason = {0};
    sh_err err = spool_open(w->sender.settings->spool_dir, log_notice, &w->spool, &reason);
    if (err == SH_OK) {
        load_instance(w);
        return SH_OK;
    }
    if (w->sender.settings->plugins.count > 0 || w->only_new)
        return sh_fail(error, err, "SYNC_spool_dir cannot be used: %s; %s", reason.message,
                       w->only_new ? "SYNC_RUN=on_new_device stores there what was pushed"
                                   : "plugin results are stored there until the hub accepts them");
    sh_log_warning("SYNC_spool_dir cannot be used: %s; continuing without it, so pushes are not "
                   "remembered across restarts",
                   reason.message);
    heartbeat_problem_set(&w->heartbeat, PROBLEM_SPOOL, "spool_unusable", reason.message);
    return SH_OK;
}

static sh_err recall_state(work *w, sh_error *error)
{
    const sh_settings *settings = w->sender.settings;
    sh_error reason = {0};
    sh_err err = state_open(w->spool != NULL ? settings->spool_dir : NULL, settings->node_name,
                            settings->hub_url, &w->sender.state, &reason);
    if (w->sender.state == NULL)
        return sh_fail(error, err, "%s", reason.message);
    if (err != SH_OK)
        sh_log_warning("%s; starting with an empty state", reason.message);
    return SH_OK;
}

sh_err work_new(const sh_settings *settings, const sh_node_key *key, const work_options *options,
                work **ret, sh_error *error)
{
    *ret = NULL;
    work *w = calloc(1, sizeof *w);
    if (w == NULL)
        return sh_fail(error, SH_E_MEMORY, "no memory for the sources");
    w->sender =
        (sender){.settings = settings, .key = key, .once = options->once, .wait = options->wait};
    w->sender.heartbeat = &w->heartbeat;
    heartbeat_init(&w->heartbeat, options->once ? NULL : &settings->cron);
    w->only_new = settings->run == SH_RUN_ON_NEW_DEVICE && !options->once;
    sh_err err = jobs_make(w, error);
    if (err == SH_OK)
        err = open_spool(w, error);
    if (err == SH_OK)
        err = recall_state(w, error);
    if (err == SH_OK)
        err = result_sender_init(&w->results, &w->sender, w->spool, error);
    if (err == SH_OK)
        err = table_sender_init(&w->table, &w->sender, w->only_new, error);
    if (err == SH_OK)
        err = push_new(settings, key, options->stop_fd, &w->sender.push, error);
    if (err != SH_OK) {
        work_free(w);
        return err;
    }
    push_set_heartbeat(w->sender.push, &w->heartbeat);
    *ret = w;
    return SH_OK;
}

void work_free(work *w)
{
    if (w == NULL)
        return;
    for (size_t i = 0; i < w->count; i++)
        source_reset(&w->jobs[i].source);
    free(w->jobs);
    free(w->paths);
    table_sender_reset(&w->table);
    push_free(w->sender.push);
    spool_close(w->spool);
    state_free(w->sender.state);
    free(w);
}

const char *const *work_paths(const work *w, size_t *count)
{
    *count = w->count;
    return w->paths;
}

const char *work_spool_folder(const work *w)
{
    return w->spool != NULL ? spool_folder(w->spool) : NULL;
}

void work_all_due(work *w)
{
    for (size_t i = 0; i < w->count; i++)
        w->jobs[i].due = true;
}

void work_contact_due(work *w)
{
    w->heartbeat_due = w->sender.settings->protocol == SH_PROTOCOL_NATIVE;
    if (w->heartbeat_due && w->has_table)
        w->jobs[0].due = true;
}

/* Whether a contact with the hub is due, even if there is nothing to send. */
static bool heartbeat_is_due(const work *w)
{
    return w->sender.settings->protocol == SH_PROTOCOL_NATIVE && !w->no_heartbeats &&
           (w->heartbeat_due || heartbeat_has_changed(&w->heartbeat));
}

void work_changed_due(work *w)
{
    /* With only_new, plugin results are due only when a new device appears. */
    size_t checked = w->only_new ? 1 : w->count;
    for (size_t i = 0; i < checked; i++)
        job_check(&w->jobs[i]);
}

void work_rescan(work *w)
{
    sh_error error = {0};
    if (w->spool != NULL && spool_rescan(w->spool, &error) != SH_OK)
        sh_log_debug("%s", error.message);
}

bool work_is_due(const work *w)
{
    for (size_t i = 0; i < w->count; i++)
        if (w->jobs[i].due)
            return true;
    if (heartbeat_is_due(w))
        return true;
    return w->spool != NULL && spool_count(w->spool) > 0;
}

static void collect_results(work *w, push_report *report)
{
    for (size_t i = w->has_table ? 1 : 0; i < w->count; i++)
        if (w->jobs[i].due)
            result_sender_collect(&w->results, &w->jobs[i], report);
}

static void send_table(work *w, push_report *report)
{
    bool changed;
    table_sender_run(&w->table, &w->jobs[0], &changed, report);
    for (size_t i = 1; changed && i < w->count; i++)
        w->jobs[i].due = true;
}

void work_collect(work *w)
{
    push_report report = {.retry_after_s = -1};
    /* With only_new, results become due in work_attempt(), which reads the table. */
    if (!w->only_new)
        collect_results(w, &report);
}

/* The table's age is reported with the next request, before the table is sent. */
static void check_table_age(work *w)
{
    sh_file_stamp stamp;
    const char *path = w->sender.settings->devices_file;
    if (w->has_table && sh_file_stamp_get(path, &stamp, NULL) == SH_OK)
        heartbeat_table_age(&w->heartbeat, path, &stamp, w->sender.settings->table_max_age_s,
                            sh_clock_unix_ms());
}

/* Ends the problems of plugin results once none of them fails any more. */
static void check_results(work *w)
{
    for (size_t i = w->has_table ? 1 : 0; i < w->count; i++)
        if (w->jobs[i].failed)
            return;
    heartbeat_problem_clear(&w->heartbeat, PROBLEM_RESULT);
    if (w->spool != NULL)
        heartbeat_problem_clear(&w->heartbeat, PROBLEM_SPOOL);
}

static void send_heartbeat(work *w, push_report *report)
{
    sh_error error = {0};
    push_result result = push_heartbeat(w->sender.push, &error);
    sender_report_heartbeat(&w->sender, &result, &error, report);
    if (result.verdict != PUSH_REFUSED)
        return;
    w->no_heartbeats = true;
    w->heartbeat_due = false;
}

push_report work_attempt(work *w)
{
    push_report report = {.retry_after_s = -1};
    size_t exchanges = push_exchanges(w->sender.push);
    check_table_age(w);
    /* Save results first, as the scanner may overwrite them while the hub makes us wait. */
    collect_results(w, &report);
    check_results(w);
    if (w->has_table && w->jobs[0].due)
        send_table(w, &report);
    if (w->only_new) {
        collect_results(w, &report);
        check_results(w);
    }
    /* If the hub did not accept the table, do not send more now. */
    if (w->spool != NULL && !report.later && !report.needs_operator)
        result_sender_drain(&w->results, &report);
    bool away = report.later || report.foreign;
    bool exchanged = push_exchanges(w->sender.push) > exchanges;
    /*
     * A single run has no later request in which to report its last problems. An intermediary that
     * refuses pushes may let a heartbeat pass.
     */
    bool changed = heartbeat_has_changed(&w->heartbeat) &&
                   (report.foreign || (w->sender.once && !report.needs_operator));
    if ((!exchanged || (changed && !report.later)) && heartbeat_is_due(w))
        send_heartbeat(w, &report);
    away = report.later || report.foreign;
    if (push_exchanges(w->sender.push) > exchanges)
        w->heartbeat_due = w->heartbeat_due && away;
    report.later |= report.foreign;
    return report;
}
