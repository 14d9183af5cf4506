/* SPDX-License-Identifier: Apache-2.0 */
#include "pusher/result_sender.h"

#include "libcommon/base/cleanup.h"
#include "libcommon/base/clock.h"
#include "libcommon/runtime/log.h"
#include "pusher/pusher_metrics.h"

#include <stdio.h>
#include <string.h>

/* Refusals by something in front of the hub before the attempt ends. */
#define FOREIGN_MAX 3

static sh_err recall_kept(void *context, const spool_item *item, sh_slice text, sh_error *error)
{
    state *kept = context;
    uint8_t digest[SH_DIGEST_BYTES];
    sh_keyed_hash(NULL, text, digest, sizeof digest);
    return state_plugin_set(kept, item->plugin, digest, error);
}

sh_err result_sender_init(result_sender *r, const sender *s, spool *opened, sh_error *error)
{
    *r = (result_sender){.sender = s, .spool = opened};
    /*
     * After a crash the spool may have a result that the state does not have: do not spool it
     * twice.
     */
    return opened == NULL ? SH_OK : spool_each(opened, recall_kept, s->state, error);
}

void result_sender_collect(result_sender *r, job *j, push_report *report)
{
    SH_CLEANUP(source_text_reset) source_text text = SOURCE_TEXT_INIT;
    sh_error error = {0};
    if (source_read(&j->source, r->sender->wait, &text, &error) != SH_OK) {
        if (error.code != SH_E_STOPPED && error.code != SH_E_MEMORY)
            heartbeat_problem_set(r->sender->heartbeat, PROBLEM_RESULT, "result_unreadable",
                                  error.message);
        sender_job_failed(r->sender, j, &error, report);
        return;
    }
    sh_slice content = {text.text.data, text.text.len};
    if (content.len == 0) {
        sh_log_debug("%s is empty: nothing to send", j->source.path);
        job_handled(j, &text.stamp);
        return;
    }
    uint8_t digest[SH_DIGEST_BYTES];
    /* Without a key, so that a corrected SYNC_encryption_key does not send all results again. */
    sh_keyed_hash(NULL, content, digest, sizeof digest);
    if (state_plugin_is(r->sender->state, j->source.plugin, digest)) {
        sh_log_debug("plugin %s: the result is unchanged", j->source.plugin);
        job_handled(j, &text.stamp);
        return;
    }
    if (state_plugin_reserve(r->sender->state, j->source.plugin, &error) != SH_OK ||
        spool_add(r->spool, j->source.plugin, content, sh_clock_unix_ms(), &error) != SH_OK) {
        sh_error detailed = {0};
        (void)sh_fail(&detailed, error.code, "plugin %s: the result of %zu bytes is not stored: %s",
                      j->source.plugin, content.len, error.message);
        if (error.code != SH_E_MEMORY)
            heartbeat_problem_set(r->sender->heartbeat, PROBLEM_SPOOL,
                                  error.code == SH_E_LIMIT ? "spool_full" : "spool_unusable",
                                  detailed.message);
        sender_job_failed(r->sender, j, &detailed, report);
        return;
    }
    (void)state_plugin_set(r->sender->state, j->source.plugin, digest, NULL); /* reserved */
    r->kept_is_saved = sender_save_state(r->sender);
    job_handled(j, &text.stamp);
}

/*
 * Removes an item from the spool that the hub accepted or refused. PUSH_LATER if that failed; then
 * it is sent again with the same id.
 */
static push_verdict finish_spooled(result_sender *r, const spool_item *spooled,
                                   const push_result *result, const sh_error *reason,
                                   push_report *report)
{
    sh_error error = {0};
    sh_err err;
    if (result->verdict == PUSH_REFUSED) {
        err = spool_refuse(r->spool, spooled, reason->message, &error);
        if (err == SH_OK)
            sh_log_warning("plugin %s: the refused result is kept: `synchub-pusher spool list` "
                           "shows it, `spool retry` sends it again",
                           spooled->plugin);
    } else {
        if (!r->kept_is_saved)
            r->kept_is_saved = sender_save_state(r->sender);
        /*
         * Otherwise only the spool knows the result: keep the item, whose next push is a duplicate.
         */
        err = r->kept_is_saved ? spool_remove(r->spool, spooled, &error) : SH_E_IO;
    }
    if (err == SH_OK)
        return result->verdict;
    if (error.code != SH_OK)
        sh_log_error("%s", error.message);
    report->failed = report->later = true;
    return PUSH_LATER;
}

static push_verdict send_spooled(result_sender *r, const spool_item *spooled, sh_buf *text,
                                 push_report *report)
{
    char what[SH_PLUGIN_NAME_MAX + 64];
    (void)snprintf(what, sizeof what, "plugin %s, %zu bytes", spooled->plugin, text->len);
    push_item item = {.kind = SH_KIND_PLUGIN, .parts = 1, .subject = what, .text = text};
    memcpy(item.id, spooled->id, SH_ID_BYTES);
    memcpy(item.plugin, spooled->plugin, sizeof item.plugin);
    sh_digest(r->sender->key, (sh_slice){text->data, text->len}, item.digest);
    SH_CLEANUP(sh_free_cleanup)
    char *path =
        sh_text_format("%s/last_result.%s.log", r->sender->settings->plugins_dir, item.plugin);
    item.file_path = path; /* only for NetAlertX's log: may be NULL */
    sh_error error = {0};
    push_result result = sender_push(r->sender, &item, report, &error);
    return result.verdict == PUSH_REFUSED || push_is_success(result.verdict)
               ? finish_spooled(r, spooled, &result, &error, report)
               : result.verdict;
}

void result_sender_drain(result_sender *r, push_report *report)
{
    size_t index = 0;
    while (index < FOREIGN_MAX && !r->sender->wait(0)) {
        SH_CLEANUP(sh_buf_wipe) sh_buf text = SH_BUF_INIT(SH_PLAIN_MAX);
        spool_item item;
        sh_error error = {0};
        sh_err err = spool_get(r->spool, index, &item, &text, &error);
        if (err != SH_OK && err != SH_E_NOT_FOUND) {
            sh_log_error("%s", error.message);
            report->failed = report->later = true;
        }
        if (err != SH_OK)
            break;
        push_verdict verdict = send_spooled(r, &item, &text, report);
        if (verdict == PUSH_FOREIGN)
            index++;
        else if (verdict != PUSH_REFUSED && !push_is_success(verdict))
            break;
    }
    if (spool_count(r->spool) > 0)
        report->failed = true;
    sh_metric_set(&metric_spool_items, (int64_t)spool_count(r->spool));
    sh_metric_set(&metric_spool_bytes, (int64_t)spool_bytes(r->spool));
}
