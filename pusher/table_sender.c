/* SPDX-License-Identifier: Apache-2.0 */
#include "pusher/table_sender.h"

#include "libcommon/base/cleanup.h"
#include "libcommon/base/clock.h"
#include "libcommon/runtime/log.h"
#include "pusher/table_split.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

sh_err table_sender_init(table_sender *t, const sender *s, bool only_new, sh_error *error)
{
    *t = (table_sender){.sender = s, .only_new = only_new};
    if (!only_new)
        return SH_OK;
    t->pushed_path = sh_text_format("%s/pushed-macs", s->settings->spool_dir);
    t->owner = sh_text_format("%s %s", s->settings->hub_url, s->settings->node_name);
    if (t->pushed_path == NULL || t->owner == NULL)
        return sh_fail(error, SH_E_MEMORY, "no memory for a path");
    sh_error reason = {0};
    sh_err err = mac_set_load(t->pushed_path, sh_slice_of(t->owner), &t->pushed, &reason);
    if (err == SH_E_MEMORY)
        return sh_fail(error, err, "%s", reason.message);
    if (err != SH_OK)
        sh_log_warning("%s; all devices count as new", reason.message);
    return SH_OK;
}

void table_sender_reset(table_sender *t)
{
    mac_set_reset(&t->pushed);
    free(t->pushed_path);
    free(t->owner);
    *t = (table_sender){.pushed_path = NULL};
}

static void remember_pushed(table_sender *t, const mac_set *macs)
{
    if (!t->only_new)
        return;
    sh_error error = {0};
    if (mac_set_merge(&t->pushed, macs, &error) != SH_OK ||
        mac_set_save(t->pushed_path, sh_slice_of(t->owner), &t->pushed, &error) != SH_OK)
        sh_log_error("%s; these devices will be sent again after a restart", error.message);
}

/* Fills in the identity of the table's push: the id stays the same while the table does. */
static void table_item(table_sender *t, sh_buf *text, push_item *ret)
{
    *ret = (push_item){.kind = SH_KIND_DEVICES,
                       .parts = 1,
                       .file_path = t->sender->settings->devices_file,
                       .text = text};
    sh_digest(t->sender->key, (sh_slice){text->data, text->len}, ret->digest);
    /* A table that differs from the last one sent cannot be the last one merged: do not ask. */
    ret->ask = t->sender->settings->protocol == SH_PROTOCOL_NATIVE &&
               !state_full_is_due(t->sender->state, sh_clock_unix_ms()) &&
               !state_full_is_other(t->sender->state, ret->digest);
    if (!t->pending || memcmp(t->pending_digest, ret->digest, SH_DIGEST_BYTES) != 0) {
        sh_random(t->pending_id, sizeof t->pending_id);
        t->pending_part = 0;
    }
    t->pending = true;
    memcpy(t->pending_digest, ret->digest, SH_DIGEST_BYTES);
    memcpy(ret->id, t->pending_id, SH_ID_BYTES);
}

static void table_pushed(table_sender *t, const push_item *item, const push_result *result,
                         const mac_set *macs)
{
    if (result->verdict == PUSH_REFUSED)
        t->pending = false;
    if (!push_is_success(result->verdict))
        return;
    t->pending = false;
    remember_pushed(t, macs);
    if (result->verdict != PUSH_UNCHANGED) {
        state_full_set(t->sender->state, item->digest, sh_clock_unix_ms());
        (void)sender_save_state(t->sender);
    }
}

/* Sends one part. */
static push_result push_part(table_sender *t, const push_item *table, sh_slice rows,
                             push_report *report)
{
    SH_CLEANUP(sh_buf_wipe) sh_buf text = SH_BUF_INIT(SH_PART_MAX);
    push_item item = *table;
    push_result result = {.verdict = PUSH_LATER, .retry_after_s = -1};
    sh_error error = {0};
    sh_table_part_id(table->id, item.part, item.id);
    item.ask = table->ask && item.part == 0;
    item.text = &text;
    char subject[160];
    (void)snprintf(subject, sizeof subject, "%s, part %u of %u", table->subject,
                   (unsigned)item.part + 1, (unsigned)item.parts);
    item.subject = subject;
    if (sh_table_part_write(rows, &text) == SH_OK)
        return sender_push(t->sender, &item, report, &error);
    (void)sh_fail(&error, SH_E_MEMORY, "no memory for a part of a table");
    sender_report(t->sender, &item, &result, &error, report);
    return result;
}

/*
 * Sends a whole table, or its parts from the first that the hub has not accepted. If the hub
 * answers "unchanged" to the first part, it has all of them. Returns the last result.
 */
static push_result push_parts(table_sender *t, push_item *item, push_report *report)
{
    push_result result = {.verdict = PUSH_REFUSED, .retry_after_s = -1};
    sh_error error = {0};
    sh_slice table = {item->text->data, item->text->len};
    sh_table_cut_size size = {.parts = 1};
    sh_table_cut cut;
    sh_err err = SH_OK;
    if (t->sender->settings->protocol == SH_PROTOCOL_NATIVE)
        err = sh_table_cut_count(table, &size, &error);
    if (size.left_out > 0)
        sh_log_warning("omitted %zu rows of the device table that are too large for any hub",
                       size.left_out);
    size_t parts = size.parts;
    if (err == SH_OK && parts == 1 && size.left_out == 0)
        return sender_push(t->sender, item, report, &error);
    if (err == SH_OK && parts > SH_PARTS_MAX)
        err = sh_fail(&error, SH_E_LIMIT, "it would need %zu parts, which is too many", parts);
    if (err == SH_OK)
        err = sh_table_cut_init(&cut, table, &error);
    item->parts = (uint32_t)parts;
    for (size_t i = 0; err == SH_OK && i < parts; i++) {
        sh_slice rows;
        err = sh_table_cut_next(&cut, &rows, &error);
        if (err != SH_OK || i < t->pending_part)
            continue;
        item->part = (uint32_t)i;
        result = push_part(t, item, rows, report);
        if (!push_is_success(result.verdict) || result.verdict == PUSH_UNCHANGED)
            return result;
        t->pending_part = i + 1;
    }
    if (err != SH_OK) {
        heartbeat_table_failed(t->sender->heartbeat, &error);
        sender_report(t->sender, item, &result, &error, report);
    }
    return result;
}

static void push_table(table_sender *t, job *j, source_text *text, const mac_set *macs,
                       push_report *report)
{
    push_item item;
    table_item(t, &text->text, &item);
    /* NetAlertX's protocol has no question: when watching files, do not send an unchanged table. */
    if (t->sender->settings->protocol == SH_PROTOCOL_NETALERTX && !t->sender->once &&
        t->sender->settings->run != SH_RUN_SCHEDULE &&
        state_full_is(t->sender->state, item.digest)) {
        sh_log_event(
            SH_LOG_INFO,
            SH_LOG_FIELDS(SH_LOG_NODE(t->sender->settings->node_name), SH_LOG_ROWS(text->rows)),
            "device table unchanged, not sent");
        t->pending = false;
        remember_pushed(t, macs);
        job_handled(j, &text->stamp);
        return;
    }
    char what[96];
    (void)snprintf(what, sizeof what, "device table of %zu rows, %zu bytes", text->rows,
                   text->text.len);
    item.subject = what;
    push_result result = push_parts(t, &item, report);
    if (result.verdict == PUSH_REFUSED || push_is_success(result.verdict))
        job_handled(j, &text->stamp);
    table_pushed(t, &item, &result, macs);
}

/* With only_new: whether the table has a new device; returns its keys in *macs. */
static bool table_has_changed(table_sender *t, job *j, const source_text *text, mac_set *macs,
                              push_report *report)
{
    sh_error error = {0};
    if (mac_set_of_table(t->sender->key->digest, (sh_slice){text->text.data, text->text.len}, macs,
                         &error) != SH_OK) {
        sender_job_failed(t->sender, j, &error, report);
        return false;
    }
    size_t missing = mac_set_count_missing(&t->pushed, macs);
    if (missing == 0) {
        sh_log_debug("device table of %zu rows: no new device", text->rows);
        job_handled(j, &text->stamp);
        return false;
    }
    sh_log_event(
        SH_LOG_INFO,
        SH_LOG_FIELDS(SH_LOG_NODE(t->sender->settings->node_name), SH_LOG_ROWS(text->rows)),
        "%zu new devices", missing);
    return true;
}

void table_sender_run(table_sender *t, job *j, bool *changed, push_report *report)
{
    SH_CLEANUP(source_text_reset) source_text text = {.text = SH_BUF_INIT(SH_TABLE_MAX)};
    SH_CLEANUP(mac_set_reset) mac_set macs = {0};
    sh_error error = {0};
    *changed = false;
    if (source_read(&j->source, t->sender->wait, &text, &error) != SH_OK) {
        heartbeat_table_failed(t->sender->heartbeat, &error);
        sender_job_failed(t->sender, j, &error, report);
        return;
    }
    heartbeat_problem_clear(t->sender->heartbeat, PROBLEM_TABLE);
    if (t->only_new) {
        *changed = table_has_changed(t, j, &text, &macs, report);
        if (!*changed)
            return;
    }
    if (t->sender->settings->devices) {
        push_table(t, j, &text, &macs, report);
    } else {
        remember_pushed(t, &macs);
        job_handled(j, &text.stamp);
    }
}
