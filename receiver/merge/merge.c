/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/merge/merge.h"

#include "libcommon/base/cleanup.h"
#include "libcommon/base/clock.h"
#include "libcommon/os/file.h"
#include "libcommon/runtime/log.h"
#include "libcommon/runtime/settings_reload.h"
#include "libcommon/runtime/stop.h"
#include "receiver/hub/hub_metrics.h"
#include "receiver/hub/readiness.h"
#include "receiver/merge/merge_state.h"
#include "receiver/merge/record_limits.h"
#include "receiver/queue/claims.h"

#include <stdlib.h>
#include <string.h>

#define BLOCK_MS 500     /* a stop is noticed within this time */
#define BUSY_TRIES 3     /* consecutive locks or deadlocks before an error is logged */
#define RETRY_MS_MIN 100 /* initial wait after a failure */
#define RETRY_MS_MAX 5000
#define OUT_LEFTOVER_S 600 /* a temporary file of this age belongs to no running receiver */
#define DELETE_INTERVAL_MS (600 * 1000)
#define CONSUMER_KEPT_MS (24 * 3600 * 1000) /* the name of an inactive receiver */
/* How many entries of nodes with held entries are skipped in search of other nodes' entries. */
#define LOOK_AHEAD_ENTRIES 1024
#define LOOK_AHEAD_BYTES (16 * SH_MIB)

static void close_store(merge *m)
{
    merge_workers_close(m->workers);
    store_close(m->merger.store);
    m->merger.store = NULL;
    database_check_reset(&m->database);
    credentials_publication_reset(&m->publication);
    m->settings_published = (settings_publication){.checked = false};
    m->thresholds.noted = false;
    m->rules_noted = false;
    blocklist_forget(&m->blocklist);
    merge_contacts_forget(m);
    entry_progress_reset(&m->progress); /* the next database may be an earlier state */
}

/* Checks the settings for a NetAlertX hub, which needs files for presence and plugins. */
static sh_err check_target(merge *m, sh_error *error)
{
    const sh_settings *settings = m->settings;
    bool netalertx = store_pace_of(m->merger.store).pauses;
    bool hands_over = netalertx && settings->plugins_out[0] != '\0';
    if (settings->behavior != SH_BEHAVIOR_COPY_NEW && !hands_over)
        return sh_fail(error, SH_E_CONFIG,
                       "SYNC_BEHAVIOR may differ from copy-new only if SYNC_db names the app.db of "
                       "a NetAlertX and SYNC_plugins_out its plugin log folder");
    m->merger.inserts = settings->behavior != SH_BEHAVIOR_HUB_DEFAULTS;
    if (netalertx && !hands_over && !m->warned_no_folder)
        sh_log_warning("SYNC_plugins_out is not set: NetAlertX will show all devices of nodes as "
                       "offline after its next scan, their addresses and names do not follow, and "
                       "plugin results are not stored; set it to NetAlertX's /tmp/log/plugins");
    m->warned_no_folder = netalertx && !hands_over;
    if (!hands_over || m->merger.last_result_files != NULL)
        return SH_OK;
    return last_result_files_new(settings->plugins_out, settings->db, &m->merger.last_result_files,
                                 error);
}

static sh_err open_store(merge *m, sh_error *error)
{
    sh_error gone = {0};
    if (m->merger.store != NULL && store_check(m->merger.store, &gone) == SH_OK &&
        merge_workers_check(m->workers, &gone) == SH_OK)
        return SH_OK;
    if (m->merger.store != NULL && readiness_set(READINESS_MERGE, gone.message))
        sh_log_warning("%s", gone.message);
    close_store(m);
    m->published = false;
    sh_err err = store_open(m->settings->db, STORE_READ_WRITE, &m->merger.store, error);
    if (err == SH_OK)
        err = merge_look_at_blocklist(m, error);
    if (err == SH_OK)
        err = check_target(m, error);
    if (err != SH_OK) {
        close_store(m);
        return err;
    }
    char advice[STORE_ADVICE_BYTES];
    store_advice(m->merger.store, advice);
    if (advice[0] != '\0' && strcmp(advice, m->advice) != 0)
        sh_log_warning("%s", advice);
    memcpy(m->advice, advice, sizeof advice);
    return SH_OK;
}

static sh_err check_plugins_out(const sh_settings *settings, sh_error *error)
{
    sh_error reason = {0};
    if (settings->plugins_out[0] == '\0')
        return SH_OK;
    if (sh_folder_check_writable(settings->plugins_out, &reason) == SH_OK) {
        sh_folder_remove_temporary(settings->plugins_out, OUT_LEFTOVER_S);
        return SH_OK;
    }
    return sh_fail(error, SH_E_IO, "SYNC_plugins_out: %s", reason.message);
}

/* A database server that is down must not prevent a receiver from accepting pushes. */
static sh_err open_first(merge *m, sh_error *error)
{
    sh_error away = {0};
    sh_err err = open_store(m, &away);
    if (err == SH_OK)
        return SH_OK;
    if (err != SH_E_NETWORK && err != SH_E_BUSY)
        return sh_fail(error, err, "%s", away.message);
    if (readiness_set(READINESS_MERGE, away.message))
        sh_log_error("merging waits and will try again: %s", away.message);
    return SH_OK;
}

sh_err merge_new(const sh_settings *settings, const hub_secrets *keys, merge **ret, sh_error *error)
{
    merge *m = calloc(1, sizeof *m);
    if (m == NULL)
        return sh_fail(error, SH_E_MEMORY, "no memory to start merging");
    m->settings = settings;
    m->consumer_fd = -1;
    m->merger.seen = (sightings)SIGHTINGS_INIT;
    m->history.all.queue_max = -1;
    key_check_init(&m->key, keys);
    m->merger.plugins_out = settings->plugins_out;
    const sh_queue_options options = sh_queue_options_of(settings);
    sh_err err = sh_queue_open(&options, &m->queue, error);
    if (err == SH_OK)
        err = blocklist_init(&m->blocklist, settings, error);
    if (err == SH_OK)
        err = check_plugins_out(settings, error);
    if (err == SH_OK)
        err = consumer_name_take(settings->redis_url, settings->redis_prefix, m->consumer,
                                 &m->consumer_fd, error);
    if (err == SH_OK)
        err = queue_reader_new(m->queue, m->consumer, settings->claim_idle_s * 1000, &m->reader,
                               error);
    if (err == SH_OK)
        err = claim_keeper_new(&options, m->consumer, settings->claim_idle_s * 1000, &m->claims,
                               error);
    if (err == SH_OK)
        err = contact_recorder_new(&m->recorder, error);
    if (err == SH_OK)
        err = node_metrics_new(settings->db, &m->node_metrics, error);
    if (err == SH_OK)
        err = task_thread_new(&m->merger.reader, error);
    if (err == SH_OK)
        err = entry_decoder_new(keys, true, &m->merger.opener, error);
    if (err == SH_OK)
        err = merge_workers_new(m, keys, error);
    if (err == SH_OK)
        err = open_first(m, error);
    if (err != SH_OK) {
        merge_free(m);
        return err;
    }
    *ret = m;
    return SH_OK;
}

void merge_free(merge *m)
{
    if (m == NULL)
        return;
    claim_keeper_free(m->claims);
    merge_hand_free(&m->hand);
    held_entries_free(&m->held);
    close_store(m);
    merge_workers_free(m->workers);
    blocklist_reset(&m->blocklist);
    last_result_files_free(m->merger.last_result_files);
    contact_recorder_free(m->recorder);
    node_metrics_free(m->node_metrics);
    result_deduplication_free(&m->merger.fold);
    sightings_reset(&m->merger.seen);
    history_reset(&m->history);
    task_thread_free(m->merger.reader);
    entry_decoder_free(m->merger.opener);
    queue_reader_free(m->reader);
    sh_queue_free(m->queue);
    sh_close_cleanup(&m->consumer_fd);
    free(m);
}

node_metrics *merge_node_metrics(const merge *m)
{
    return m->node_metrics;
}

/* --- Batches --------------------------------------------------------------------------------- */

/* Takes entries and merges those of nodes without held entries; *worked: there were any. */
static sh_err merge_new_entries(merge *m, int64_t block_ms, bool *worked, sh_error *error)
{
    size_t entries = 0;
    size_t bytes = 0;
    bool any = false;
    while (!any && entries < LOOK_AHEAD_ENTRIES && bytes < LOOK_AHEAD_BYTES) {
        sh_err err = SH_OK;
        if (m->hand.batch == NULL) {
            queue_batch *batch = NULL;
            const queue_limits limits = {.entries_max = BATCH_ENTRIES,
                                         .bytes_max = BATCH_BYTES,
                                         .block_ms = m->held.count > 0 ? 0 : block_ms};
            err = queue_reader_take(m->reader, &limits, &batch, error);
            if (err == SH_OK && queue_batch_count(batch) == 0) {
                queue_batch_free(batch);
                return SH_OK;
            }
            if (err == SH_OK)
                err = merge_hand_fill(m, batch, error);
            if (err != SH_OK)
                return err;
        }
        *worked = true;
        entries += m->hand.count;
        bytes += m->hand.bytes;
        err = merge_hand(m, &any, error);
        if (err != SH_OK)
            return err;
    }
    return SH_OK;
}

/*
 * Merges new entries, waiting a moment for the first one, then a transaction of held ones; *worked:
 * there were any.
 */
static sh_err merge_round(merge *m, bool *worked, sh_error *error)
{
    *worked = false;
    sh_err err = open_store(m, error);
    if (err == SH_OK)
        err = database_check_verify(&m->database, m->merger.store, m->queue, error);
    if (err == SH_OK) /* before the credentials, see is_changed_on_hub() of the puller */
        err = settings_publication_update(&m->settings_published, m->merger.store, m->queue, error);
    if (err == SH_OK)
        err = merge_note_thresholds(m, error);
    if (err == SH_OK)
        err = credentials_publication_update(&m->publication, m->merger.store, m->queue, error);
    if (err == SH_OK)
        err = merge_look_at_blocklist(m, error);
    if (err == SH_OK)
        err = merge_take_back_count(m, error);
    if (err == SH_OK)
        err = merge_publish_digests(m, error);
    if (err == SH_OK)
        err = key_check_verify(&m->key, m->merger.store, m->queue, error);
    if (err == SH_OK)
        err = merge_hand_over_contacts(m, error);
    if (err == SH_OK)
        err = merge_record_contacts(m, error);
    if (err != SH_OK)
        return err;
    claim_keeper_active(m->claims);
    err = merge_show_activity(m, error);
    if (err == SH_OK)
        err = merge_write_history(m, false, error);
    if (err == SH_OK)
        err = merge_new_entries(m, merge_contacts_block_ms(m, BLOCK_MS), worked, error);
    if (err != SH_OK || (!*worked && m->held.count == 0))
        return err == SH_OK ? store_rest(m->merger.store, error) : err;
    if (m->held.count == 0)
        return SH_OK;
    *worked = true;
    return merge_held(m, error);
}

/* --- The loop -------------------------------------------------------------------------------- */

/* The first time as soon as there is nothing to merge: it counts the rows of large tables. */
static void delete_old_records(merge *m, bool is_idle)
{
    int64_t now_ms = sh_clock_monotonic_ms();
    bool steady = steady_clock_update(&m->clock, sh_clock_unix_ms(), now_ms);
    bool is_due = now_ms - m->deleted_ms >= DELETE_INTERVAL_MS || (is_idle && !m->has_deleted);
    if (!is_due || (m->merger.pace.pauses && now_ms < m->unlocked_until_ms))
        return;
    if (steady && m->merger.last_result_files != NULL)
        last_result_files_delete_old(m->merger.last_result_files);
    const store_limits limits = record_limits_of(m->settings, steady, sh_clock_unix_ms());
    bool more = false;
    sh_error error = {0};
    sh_err err = store_prune(m->merger.store, &limits, &more, &error);
    if (err == SH_OK)
        err = queue_consumers_delete_idle(m->queue, CONSUMER_KEPT_MS, &error);
    if (err != SH_OK)
        sh_log_warning("old items and consumers could not be removed, trying again later: %s",
                       error.message);
    if (err != SH_OK || !more) { /* otherwise in the next round */
        m->deleted_ms = now_ms;
        m->has_deleted = true;
    }
    int64_t done_ms = sh_clock_monotonic_ms();
    m->unlocked_until_ms = done_ms + (done_ms - now_ms);
}

/* Reports a failure to log and health, once for each kind, and waits, longer each time. */
static void wait_after(merge *m, const sh_error *error, int64_t *retry_ms)
{
    sh_metric_add(&hub_metrics.batches_failed, 1);
    claim_keeper_waits(m->claims);
    m->busy = error->code == SH_E_BUSY ? m->busy + 1 : 0;
    if (m->busy > 0 && m->busy <= BUSY_TRIES)
        sh_log_info("a batch will be merged again: %s", error->message);
    else if (readiness_set(READINESS_MERGE, error->message))
        sh_log_error("merging waits and will try again: %s", error->message);
    if (error->code == SH_E_IO)
        close_store(m); /* the file may have been replaced; opening it also reports errors */
    (void)sh_stop_wait(*retry_ms);
    *retry_ms = *retry_ms * 2 < RETRY_MS_MAX ? *retry_ms * 2 : RETRY_MS_MAX;
}

bool merge_run(merge *m, bool until_empty)
{
    int64_t retry_ms = RETRY_MS_MIN;
    m->deleted_ms = sh_clock_monotonic_ms();
    m->until_empty = until_empty;
    while (!sh_stop_requested()) {
        sh_service_alive();
        (void)sh_service_reload_state(); /* logs and applies changed settings */
        sh_error error = {0};
        bool worked = false;
        sh_err err = merge_round(m, &worked, &error);
        if (err == SH_E_STOPPED)
            break;
        if (err != SH_OK) {
            if (until_empty) {
                sh_log_error("%s", error.message);
                return false;
            }
            wait_after(m, &error, &retry_ms);
            continue;
        }
        retry_ms = RETRY_MS_MIN;
        m->busy = 0;
        if (readiness_set(READINESS_MERGE, NULL))
            sh_log_info("merging as consumer %s", m->consumer);
        delete_old_records(m, !worked);
        if (!worked && until_empty && !m->contacts.more)
            break;
    }
    sh_error error = {0};
    (void)merge_take_back_count(m, &error);
    (void)merge_write_history(m, true, NULL); /* of the last minute, for charts */
    claim_keeper_free(m->claims); /* from here on others may take over this receiver's entries */
    m->claims = NULL;
    sh_error_clear(&error);
    node_metrics_permit(m->node_metrics, 0);
    sh_err err = queue_metrics_lease_end(m->queue, m->consumer, &error);
    if (err == SH_OK)
        err = queue_consumer_end(m->queue, m->consumer, &error);
    if (err != SH_OK)
        sh_log_debug("the consumer's name remains in the group: %s", error.message);
    /* A single run that left a dead letter has not done all its work. */
    return !until_empty || hub_metrics.dead_letters.value == 0;
}
