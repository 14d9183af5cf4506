/* SPDX-License-Identifier: Apache-2.0 */
#include "pusher/work.h"

#include "libcommon/base/cleanup.h"
#include "libcommon/base/clock.h"
#include "libcommon/base/hex.h"
#include "libcommon/os/file.h"
#include "libcommon/runtime/log.h"
#include "pusher/mac_set.h"
#include "pusher/push.h"
#include "pusher/pusher_metrics.h"
#include "pusher/spool.h"
#include "pusher/state.h"
#include "pusher/table_cut.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Spooled items that were not the hub's to refuse, before it is left alone. */
#define FOREIGN_MAX 3

typedef struct {
    source source;
    bool due;
    bool failed;           /* could not be read or kept: due again at the next look */
    bool handled_once;     /* handled tells something */
    sh_file_stamp handled; /* of what was last sent, kept, or found to be old news */
    char last_error[SH_ERROR_MESSAGE_BYTES];
} job;

struct work {
    const sh_settings *settings;
    const sh_node_key *key;
    work_options options;
    bool only_new; /* the table is sent only when it holds a MAC that was not pushed before */
    job *jobs;     /* the device table first, where has_table */
    size_t count;
    bool has_table;
    const char **paths;
    push *push;
    spool *spool; /* NULL: not usable, and not needed */
    state *state;
    bool kept_is_saved; /* what was kept last stands in the state's file, too */
    mac_set pushed;     /* with only_new */
    char *pushed_path, *owner;
    /* The table whose push has not succeeded yet keeps its id while it stays the same. */
    bool pending;
    uint8_t pending_id[SH_ID_BYTES], pending_digest[SH_DIGEST_BYTES];
    size_t pending_part; /* of a table in parts, the first that the hub has not taken */
};

static void log_notice(const char *sentence)
{
    sh_log_error("%s", sentence);
}

static sh_err jobs_make(work *w, sh_error *error)
{
    const sh_settings *settings = w->settings;
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

/* Without it devices still arrive; the hub knows an unchanged table by itself. */
static sh_err spool_take(work *w, sh_error *error)
{
    sh_error reason = {0};
    sh_err err = spool_open(w->settings->spool_dir, log_notice, &w->spool, &reason);
    if (err == SH_OK)
        return SH_OK;
    if (w->settings->plugins.count > 0 || w->only_new)
        return sh_fail(error, err, "SYNC_spool_dir cannot be used: %s; %s", reason.message,
                       w->only_new ? "SYNC_RUN=on_new_device stores there what was pushed"
                                   : "plugin results are stored there until the hub accepts them");
    sh_log_warning("SYNC_spool_dir cannot be used: %s; continuing without it, so pushes are not "
                   "remembered across restarts",
                   reason.message);
    return SH_OK;
}

static sh_err recall_kept(void *context, const spool_item *item, sh_slice text, sh_error *error)
{
    const work *w = context;
    uint8_t digest[SH_DIGEST_BYTES];
    sh_keyed_hash(NULL, text, digest, sizeof digest);
    return state_plugin_set(w->state, item->plugin, digest, error);
}

static sh_err memory_open(work *w, sh_error *error)
{
    const sh_settings *settings = w->settings;
    sh_error reason = {0};
    sh_err err = state_open(w->spool != NULL ? settings->spool_dir : NULL, settings->node_name,
                            settings->hub_url, &w->state, &reason);
    if (w->state == NULL)
        return sh_fail(error, err, "%s", reason.message);
    if (err != SH_OK)
        sh_log_warning("%s; starting with an empty state", reason.message);
    /* A kill may have come after a result was kept and before the state said so: not twice. */
    err = w->spool == NULL ? SH_OK : spool_each(w->spool, recall_kept, w, error);
    if (err != SH_OK || !w->only_new)
        return err;
    w->pushed_path = sh_text_format("%s/pushed-macs", settings->spool_dir);
    w->owner = sh_text_format("%s %s", settings->hub_url, settings->node_name);
    if (w->pushed_path == NULL || w->owner == NULL)
        return sh_fail(error, SH_E_MEMORY, "no memory for a path");
    sh_error_clear(&reason);
    err = mac_set_load(w->pushed_path, sh_slice_of(w->owner), &w->pushed, &reason);
    if (err == SH_E_MEMORY)
        return sh_fail(error, err, "%s", reason.message);
    if (err != SH_OK)
        sh_log_warning("%s; all devices count as new", reason.message);
    return SH_OK;
}

sh_err work_new(const sh_settings *settings, const sh_node_key *key, const work_options *options,
                work **ret, sh_error *error)
{
    *ret = NULL;
    work *w = calloc(1, sizeof *w);
    if (w == NULL)
        return sh_fail(error, SH_E_MEMORY, "no memory for the sources");
    w->settings = settings;
    w->key = key;
    w->options = *options;
    w->only_new = settings->run == SH_RUN_ON_NEW_DEVICE && !options->once;
    sh_err err = jobs_make(w, error);
    if (err == SH_OK)
        err = spool_take(w, error);
    if (err == SH_OK)
        err = memory_open(w, error);
    if (err == SH_OK)
        err = push_new(settings, key, options->stop_fd, &w->push, error);
    if (err != SH_OK) {
        work_free(w);
        return err;
    }
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
    push_free(w->push);
    spool_close(w->spool);
    state_free(w->state);
    mac_set_reset(&w->pushed);
    free(w->pushed_path);
    free(w->owner);
    free(w);
}

const char *const *work_paths(const work *w, size_t *count)
{
    *count = w->count;
    return w->paths;
}

void work_all_due(work *w)
{
    for (size_t i = 0; i < w->count; i++)
        w->jobs[i].due = true;
}

void work_changed_due(work *w)
{
    /* With only_new, plugin results are due when a new device shows up, and not by themselves. */
    size_t looked_at = w->only_new ? 1 : w->count;
    for (size_t i = 0; i < looked_at; i++) {
        job *j = &w->jobs[i];
        sh_file_stamp now;
        if (j->failed || !j->handled_once ||
            sh_file_stamp_get(j->source.path, &now, NULL) != SH_OK ||
            !sh_file_stamp_equals(&now, &j->handled))
            j->due = true;
    }
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
    return w->spool != NULL && spool_count(w->spool) > 0;
}

static void job_failed(const work *w, job *j, const sh_error *error, work_report *report)
{
    report->failed = true;
    j->due = false;
    j->failed = true;
    if (error->code == SH_E_STOPPED)
        return;
    sh_metric_add(&counter_source_errors, 1);
    bool told_before = strcmp(j->last_error, error->message) == 0;
    if (told_before && !w->options.once && w->settings->run != SH_RUN_SCHEDULE)
        sh_log_debug("%s", error->message);
    else
        sh_log_error("%s", error->message);
    (void)snprintf(j->last_error, sizeof j->last_error, "%s", error->message);
}

static void job_handled(job *j, const sh_file_stamp *stamp)
{
    j->due = false;
    j->failed = false;
    j->last_error[0] = '\0';
    j->handled_once = true;
    j->handled = *stamp;
}

static bool save_state(const work *w)
{
    sh_error error = {0};
    if (state_save(w->state, &error) == SH_OK)
        return true;
    sh_log_error("%s; what was pushed will not be remembered", error.message);
    return false;
}

/* Says what came of a push and counts it; what is its subject, such as `plugin ARPSCAN`. */
static void log_push(const work *w, const push_item *item, const char *what,
                     const push_result *result, const sh_error *error, work_report *report)
{
    sh_metric *counters = item->kind == SH_KIND_DEVICES ? counter_tables : counter_plugins;
    sh_metric_add(&counters[result->verdict], 1);
    char id[SH_ID_HEX_BYTES];
    sh_hex_encode(item->id, SH_ID_BYTES, id);
    const char *reason = push_is_success(result->verdict) ? NULL : error->message;
    const sh_log_field *fields = SH_LOG_FIELDS(
        SH_LOG_NODE(w->settings->node_name), SH_LOG_BYTES(result->sent_bytes), SH_LOG_ENTRY(id),
        SH_LOG_NUMBER("ms", result->duration_ms), SH_LOG_REASON(reason));
    if (reason == NULL) {
        sh_metric_set(&counter_last_success_s, sh_clock_unix_ms() / 1000);
        sh_log_event(SH_LOG_INFO, fields, "%s: %s", what, push_verdict_name(result->verdict));
        return;
    }
    report->failed = true;
    report->later |= result->verdict == PUSH_LATER;
    report->foreign |= result->verdict == PUSH_FOREIGN;
    report->mend |= result->verdict == PUSH_MISCONFIGURED;
    if (result->retry_after_s > report->retry_after_s)
        report->retry_after_s = result->retry_after_s;
    sh_log_level level = result->verdict == PUSH_LATER     ? SH_LOG_WARNING
                         : result->verdict == PUSH_STOPPED ? SH_LOG_INFO
                                                           : SH_LOG_ERROR;
    sh_log_event(level, fields, "%s not delivered", what);
}

/* Keeps a plugin's result in the spool, unless it is the one that was kept last. */
static void collect_plugin(work *w, job *j, work_report *report)
{
    SH_CLEANUP(source_text_reset) source_text text = SOURCE_TEXT_INIT;
    sh_error error = {0};
    if (source_read(&j->source, w->options.wait, &text, &error) != SH_OK) {
        job_failed(w, j, &error, report);
        return;
    }
    sh_slice content = {text.text.data, text.text.len};
    if (content.len == 0) {
        sh_log_debug("%s is empty: nothing to send", j->source.path);
        job_handled(j, &text.stamp);
        return;
    }
    uint8_t digest[SH_DIGEST_BYTES];
    /* Not keyed: whoever mends SYNC_encryption_key must not get all results once more. */
    sh_keyed_hash(NULL, content, digest, sizeof digest);
    if (state_plugin_is(w->state, j->source.plugin, digest)) {
        sh_log_debug("plugin %s: the result is the one that was sent before", j->source.plugin);
        job_handled(j, &text.stamp);
        return;
    }
    if (state_plugin_reserve(w->state, j->source.plugin, &error) != SH_OK ||
        spool_add(w->spool, j->source.plugin, content, sh_clock_unix_ms(), &error) != SH_OK) {
        sh_error told = {0};
        (void)sh_fail(&told, error.code, "plugin %s: the result of %zu bytes is not stored: %s",
                      j->source.plugin, content.len, error.message);
        job_failed(w, j, &told, report);
        return;
    }
    (void)state_plugin_set(w->state, j->source.plugin, digest, NULL); /* has its room */
    w->kept_is_saved = save_state(w);
    job_handled(j, &text.stamp);
}

static void collect_plugins(work *w, work_report *report)
{
    for (size_t i = w->has_table ? 1 : 0; i < w->count; i++)
        if (w->jobs[i].due)
            collect_plugin(w, &w->jobs[i], report);
}

static void remember_pushed(work *w, const mac_set *macs)
{
    if (!w->only_new)
        return;
    sh_error error = {0};
    if (mac_set_merge(&w->pushed, macs, &error) != SH_OK ||
        mac_set_save(w->pushed_path, sh_slice_of(w->owner), &w->pushed, &error) != SH_OK)
        sh_log_error("%s; these devices will be sent again after a restart", error.message);
}

/* Fills in what identifies the table's push: the same id while it is the same table. */
static void table_item(work *w, sh_buf *text, push_item *ret)
{
    *ret = (push_item){
        .kind = SH_KIND_DEVICES, .parts = 1, .file_path = w->settings->devices_file, .text = text};
    sh_digest(w->key, (sh_slice){text->data, text->len}, ret->digest);
    /* A table that is not the one sent last is none that the hub has merged last: no question. */
    ret->ask = w->settings->protocol == SH_PROTOCOL_NATIVE &&
               !state_full_is_due(w->state, sh_clock_unix_ms()) &&
               !state_full_is_other(w->state, ret->digest);
    if (!w->pending || memcmp(w->pending_digest, ret->digest, SH_DIGEST_BYTES) != 0) {
        sh_random(w->pending_id, sizeof w->pending_id);
        w->pending_part = 0;
    }
    w->pending = true;
    memcpy(w->pending_digest, ret->digest, SH_DIGEST_BYTES);
    memcpy(ret->id, w->pending_id, SH_ID_BYTES);
}

static void table_pushed(work *w, job *j, const push_item *item, const push_result *result,
                         const sh_file_stamp *stamp, const mac_set *macs)
{
    if (result->verdict == PUSH_REFUSED)
        w->pending = false;
    if (result->verdict == PUSH_REFUSED || push_is_success(result->verdict))
        job_handled(j, stamp);
    if (!push_is_success(result->verdict))
        return;
    w->pending = false;
    remember_pushed(w, macs);
    if (result->verdict != PUSH_UNCHANGED) {
        state_full_set(w->state, item->digest, sh_clock_unix_ms());
        (void)save_state(w);
    }
}

/* Sends one part. */
static push_result push_part(work *w, const push_item *table, sh_slice rows, const char *what,
                             work_report *report)
{
    SH_CLEANUP(sh_buf_wipe) sh_buf text = SH_BUF_INIT(SH_PART_MAX);
    push_item item = *table;
    push_result result = {.verdict = PUSH_LATER, .retry_after_s = -1};
    sh_error error = {0};
    sh_table_part_id(table->id, item.part, item.id);
    item.ask = table->ask && item.part == 0;
    item.text = &text;
    char words[160];
    (void)snprintf(words, sizeof words, "%s, part %u of %u", what, (unsigned)item.part + 1,
                   (unsigned)item.parts);
    if (sh_table_part_write(rows, &text) == SH_OK)
        result = push_send(w->push, &item, &error);
    else
        (void)sh_fail(&error, SH_E_MEMORY, "no memory for a part of a table");
    log_push(w, &item, words, &result, &error, report);
    return result;
}

/*
 * A table in one piece, or in parts one after the other, from the first that the hub has not taken.
 * A hub that says "unchanged" to the first has them all. What came last is what is told of all.
 */
static push_result push_parts(work *w, push_item *item, const char *what, work_report *report)
{
    push_result result = {.verdict = PUSH_REFUSED, .retry_after_s = -1};
    sh_error error = {0};
    sh_slice table = {item->text->data, item->text->len};
    sh_table_cut_size size = {.parts = 1};
    sh_table_cut cut;
    sh_err err = SH_OK;
    if (w->settings->protocol == SH_PROTOCOL_NATIVE)
        err = sh_table_cut_count(table, &size, &error);
    if (size.left_out > 0)
        sh_log_warning("left out %zu rows of the device table that are too large for any hub",
                       size.left_out);
    size_t parts = size.parts;
    if (err == SH_OK && parts == 1 && size.left_out == 0) {
        result = push_send(w->push, item, &error);
        log_push(w, item, what, &result, &error, report);
        return result;
    }
    if (err == SH_OK && parts > SH_PARTS_MAX)
        err = sh_fail(&error, SH_E_LIMIT, "it would be cut into %zu parts, too many", parts);
    if (err == SH_OK)
        err = sh_table_cut_init(&cut, table, &error);
    item->parts = (uint32_t)parts;
    for (size_t i = 0; err == SH_OK && i < parts; i++) {
        sh_slice rows;
        err = sh_table_cut_next(&cut, &rows, &error);
        if (err != SH_OK || i < w->pending_part)
            continue;
        item->part = (uint32_t)i;
        result = push_part(w, item, rows, what, report);
        if (!push_is_success(result.verdict) || result.verdict == PUSH_UNCHANGED)
            return result;
        w->pending_part = i + 1;
    }
    if (err != SH_OK)
        log_push(w, item, what, &result, &error, report);
    return result;
}

static void push_table(work *w, job *j, source_text *text, const mac_set *macs, work_report *report)
{
    push_item item;
    table_item(w, &text->text, &item);
    /* NetAlertX cannot be asked: when files are watched, a rewrite of the same is not sent. */
    if (w->settings->protocol == SH_PROTOCOL_NETALERTX && !w->options.once &&
        w->settings->run != SH_RUN_SCHEDULE && state_full_is(w->state, item.digest)) {
        sh_log_event(SH_LOG_INFO,
                     SH_LOG_FIELDS(SH_LOG_NODE(w->settings->node_name), SH_LOG_ROWS(text->rows)),
                     "device table unchanged, not sent");
        w->pending = false;
        remember_pushed(w, macs);
        job_handled(j, &text->stamp);
        return;
    }
    char what[96];
    (void)snprintf(what, sizeof what, "device table of %zu rows, %zu bytes", text->rows,
                   text->text.len);
    push_result result = push_parts(w, &item, what, report);
    table_pushed(w, j, &item, &result, &text->stamp, macs);
}

/* With only_new: whether the table holds a new device; gives its keys. */
static bool table_is_news(work *w, job *j, const source_text *text, mac_set *macs,
                          work_report *report)
{
    sh_error error = {0};
    if (mac_set_of_table(w->key->digest, (sh_slice){text->text.data, text->text.len}, macs,
                         &error) != SH_OK) {
        job_failed(w, j, &error, report);
        return false;
    }
    size_t missing = mac_set_count_missing(&w->pushed, macs);
    if (missing == 0) {
        sh_log_debug("device table of %zu rows: no new device", text->rows);
        job_handled(j, &text->stamp);
        return false;
    }
    sh_log_event(SH_LOG_INFO,
                 SH_LOG_FIELDS(SH_LOG_NODE(w->settings->node_name), SH_LOG_ROWS(text->rows)),
                 "%zu new devices", missing);
    return true;
}

static void send_table(work *w, job *j, work_report *report)
{
    SH_CLEANUP(source_text_reset) source_text text = {.text = SH_BUF_INIT(SH_TABLE_MAX)};
    SH_CLEANUP(mac_set_reset) mac_set macs = {0};
    sh_error error = {0};
    if (source_read(&j->source, w->options.wait, &text, &error) != SH_OK) {
        job_failed(w, j, &error, report);
        return;
    }
    if (w->only_new) {
        if (!table_is_news(w, j, &text, &macs, report))
            return;
        for (size_t i = 1; i < w->count; i++)
            w->jobs[i].due = true;
    }
    if (w->settings->devices) {
        push_table(w, j, &text, &macs, report);
    } else {
        remember_pushed(w, &macs);
        job_handled(j, &text.stamp);
    }
}

/*
 * Takes an item out of the spool that the hub took or refused. PUSH_LATER where that failed; then
 * it is sent again, with the same id.
 */
static push_verdict finish_spooled(work *w, const spool_item *spooled, const push_result *result,
                                   const sh_error *reason, work_report *report)
{
    sh_error error = {0};
    sh_err err;
    if (result->verdict == PUSH_REFUSED) {
        err = spool_refuse(w->spool, spooled, reason->message, &error);
        if (err == SH_OK)
            sh_log_warning("plugin %s: the refused result is kept: `synchub-pusher spool list` "
                           "shows it, `spool retry` sends it again",
                           spooled->plugin);
    } else {
        if (!w->kept_is_saved)
            w->kept_is_saved = save_state(w);
        /* Only the spool knows then that it was kept: sent again it is a duplicate. */
        err = w->kept_is_saved ? spool_remove(w->spool, spooled, &error) : SH_E_IO;
    }
    if (err == SH_OK)
        return result->verdict;
    if (error.code != SH_OK)
        sh_log_error("%s", error.message);
    report->failed = report->later = true;
    return PUSH_LATER;
}

static push_verdict send_spooled(work *w, const spool_item *spooled, sh_buf *text,
                                 work_report *report)
{
    char what[SH_PLUGIN_NAME_MAX + 64];
    (void)snprintf(what, sizeof what, "plugin %s, %zu bytes", spooled->plugin, text->len);
    push_item item = {.kind = SH_KIND_PLUGIN, .parts = 1, .text = text};
    memcpy(item.id, spooled->id, SH_ID_BYTES);
    memcpy(item.plugin, spooled->plugin, sizeof item.plugin);
    sh_digest(w->key, (sh_slice){text->data, text->len}, item.digest);
    SH_CLEANUP(sh_free_cleanup)
    char *path = sh_text_format("%s/last_result.%s.log", w->settings->plugins_dir, item.plugin);
    item.file_path = path; /* for NetAlertX's log alone: NULL will do */
    sh_error error = {0};
    push_result result = push_send(w->push, &item, &error);
    log_push(w, &item, what, &result, &error, report);
    return result.verdict == PUSH_REFUSED || push_is_success(result.verdict)
               ? finish_spooled(w, spooled, &result, &error, report)
               : result.verdict;
}

/*
 * Sends what is spooled, oldest first, until the hub does not take it. What something before the
 * hub refuses is passed over, since the next may be smaller; after a few of them there is no hub.
 */
static void drain_spool(work *w, work_report *report)
{
    size_t index = 0;
    while (index < FOREIGN_MAX && !w->options.wait(0)) {
        SH_CLEANUP(sh_buf_wipe) sh_buf text = SH_BUF_INIT(SH_PLAIN_MAX);
        spool_item item;
        bool found = false;
        sh_error error = {0};
        if (spool_get(w->spool, index, &item, &text, &found, &error) != SH_OK) {
            sh_log_error("%s", error.message);
            report->failed = report->later = true;
        }
        if (!found)
            break;
        push_verdict verdict = send_spooled(w, &item, &text, report);
        if (verdict == PUSH_FOREIGN)
            index++;
        else if (verdict != PUSH_REFUSED && !push_is_success(verdict))
            break;
    }
    if (spool_count(w->spool) > 0)
        report->failed = true;
    sh_metric_set(&counter_spool_items, (int64_t)spool_count(w->spool));
    sh_metric_set(&counter_spool_bytes, (int64_t)spool_bytes(w->spool));
}

void work_collect(work *w)
{
    work_report report = {.retry_after_s = -1};
    /* With only_new they are due by a table that was read, which work_attempt() does. */
    if (!w->only_new)
        collect_plugins(w, &report);
}

work_report work_attempt(work *w)
{
    work_report report = {.retry_after_s = -1};
    /* First to disk what the scanner may overwrite while the hub keeps us waiting. */
    collect_plugins(w, &report);
    if (w->has_table && w->jobs[0].due)
        send_table(w, &w->jobs[0], &report);
    if (w->only_new)
        collect_plugins(w, &report);
    /* A hub that just did not take the table is not asked again at once. */
    if (w->spool != NULL && !report.later && !report.mend)
        drain_spool(w, &report);
    report.later |= report.foreign;
    return report;
}
