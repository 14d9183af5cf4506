/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/merge.h"

#include "libcommon/cleanup.h"
#include "libcommon/clock.h"
#include "libcommon/file.h"
#include "libcommon/log.h"
#include "libcommon/service.h"
#include "receiver/consumer_name.h"
#include "receiver/figures.h"
#include "receiver/health.h"
#include "receiver/merge_entry.h"
#include "receiver/merge_record.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BATCH_ENTRIES 64 /* entries of one transaction at most */
#define BATCH_ENTRIES_MOST (BATCH_ENTRIES + 8)
#define BATCH_BYTES (4 * SH_MIB) /* and no more once they have so many sealed bytes */
#define BLOCK_MS 500             /* a stop is noticed within this time */
#define STOP_BATCH_MS 3000       /* a batch that takes longer is given back at a stop */
#define BUSY_TRIES 3             /* a lock or deadlock so often is nothing to tell anybody */
#define RETRY_MS_MIN 100         /* waits after a failure grow from here */
#define RETRY_MS_MAX 5000
#define OUT_LEFTOVER_S 600 /* a half-written file that old is no other receiver's */
#define TIDY_INTERVAL_MS (600 * 1000)

struct merge {
    const sh_settings *settings;
    entry_merger merger;
    sh_queue *queue;
    char consumer[CONSUMER_NAME_BYTES];
    int consumer_fd;
    bool published; /* what the database holds stands in the queue's digests */
    int64_t tidied_ms;
    /* The entry whose try is counted and not over, or "". */
    char counted[sizeof((sh_queue_entry *)NULL)->id];
    int busy; /* failures of SH_E_BUSY in a row */
};

static void close_store(merge *m)
{
    store_close(m->merger.store);
    m->merger.store = NULL;
}

/* What an unchanged table rests on besides the table: the MACs that are passed over. */
static sh_err note_rules(const merge *m, sh_error *error)
{
    const sh_list *skip = &m->settings->skip_macs;
    uint8_t rules[SH_DIGEST_BYTES];
    SH_CLEANUP(sh_buf_done) sh_buf text = SH_BUF_INIT(4 * SH_SETTING_MAX);
    sh_err err = sh_buf_append_text(&text, "skip");
    for (size_t i = 0; i < skip->count && err == SH_OK; i++)
        err = sh_buf_append_format(&text, "\n%s", skip->items[i]);
    if (err != SH_OK)
        return sh_fail(error, err, "no memory for SYNC_skip_macs");
    sh_keyed_hash(NULL, (sh_slice){text.data, text.len}, rules, sizeof rules);
    return store_rules_note(m->merger.store, rules, error);
}

static sh_err open_store(merge *m, sh_error *error)
{
    sh_error gone = {0};
    if (m->merger.store != NULL && store_check(m->merger.store, &gone) == SH_OK)
        return SH_OK;
    if (m->merger.store != NULL && health_set(HEALTH_MERGE, gone.message))
        sh_log_error("%s", gone.message);
    close_store(m);
    m->published = false;
    sh_err err = store_open(m->settings->db, STORE_READ_WRITE, &m->merger.store, error);
    if (err == SH_OK)
        err = note_rules(m, error);
    if (err != SH_OK)
        close_store(m);
    return err;
}

static sh_err check_plugins_out(const sh_settings *settings, sh_error *error)
{
    sh_error reason = {0};
    if (settings->plugins_out[0] == '\0')
        return SH_OK;
    if (sh_folder_check_writable(settings->plugins_out, &reason) == SH_OK) {
        sh_folder_tidy(settings->plugins_out, OUT_LEFTOVER_S);
        return SH_OK;
    }
    return sh_fail(error, SH_E_IO, "SYNC_plugins_out: %s", reason.message);
}

/* A database server that is away must not keep a receiver from taking pushes. */
static sh_err open_first(merge *m, sh_error *error)
{
    sh_error away = {0};
    sh_err err = open_store(m, &away);
    if (err == SH_OK)
        return SH_OK;
    if (err != SH_E_NETWORK && err != SH_E_BUSY)
        return sh_fail(error, err, "%s", away.message);
    if (health_set(HEALTH_MERGE, away.message))
        sh_log_error("merging waits and will try again: %s", away.message);
    return SH_OK;
}

sh_err merge_new(const sh_settings *settings, const hub_keys *keys, merge **ret, sh_error *error)
{
    merge *m = calloc(1, sizeof *m);
    if (m == NULL)
        return sh_fail(error, SH_E_MEMORY, "no memory to start merging");
    m->settings = settings;
    m->consumer_fd = -1;
    m->merger.skip_macs = &settings->skip_macs;
    m->merger.plugins_out = settings->plugins_out;
    const sh_queue_options options = sh_queue_options_of(settings);
    sh_err err = sh_queue_open(&options, &m->queue, error);
    if (err == SH_OK)
        err = check_plugins_out(settings, error);
    if (err == SH_OK)
        err = consumer_name_take(settings->redis_url, settings->redis_prefix, m->consumer,
                                 &m->consumer_fd, error);
    if (err == SH_OK)
        err = side_thread_new(&m->merger.reader, error);
    if (err == SH_OK)
        err = entry_opener_new(keys, &m->merger.opener, error);
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
    close_store(m);
    side_thread_free(m->merger.reader);
    entry_opener_free(m->merger.opener);
    sh_queue_free(m->queue);
    if (m->consumer_fd >= 0)
        (void)close(m->consumer_fd);
    free(m);
}

/* --- What the hub tells nodes is unchanged must be in the database
 * -------------------------------- */

/* Many at once: a hub of a million nodes must not wait for as many writes before it merges. */
typedef struct {
    sh_queue *queue;
    size_t count;
    sh_queue_digest digests[SH_QUEUE_DIGESTS_MAX];
} publishing;

static sh_err publish_some(publishing *p, sh_error *error)
{
    if (p->count == 0)
        return SH_OK;
    size_t count = p->count;
    p->count = 0;
    return sh_queue_digests_set(p->queue, p->digests, count, error);
}

static sh_err publish_node(void *context, const store_node *node, sh_error *error)
{
    publishing *p = context;
    if (!node->has_digest)
        return SH_OK;
    sh_queue_digest *one = &p->digests[p->count++];
    memcpy(one->node, node->node, sizeof one->node);
    memcpy(one->digest, node->digest, sizeof one->digest);
    one->merged_ms = node->merged_ms;
    return p->count < SH_QUEUE_DIGESTS_MAX ? SH_OK : publish_some(p, error);
}

/* Another or a restored database must lead to full tables: its own record replaces Redis's. */
static sh_err publish_all(merge *m, sh_error *error)
{
    if (m->published)
        return SH_OK;
    publishing some = {.queue = m->queue};
    sh_err err = sh_queue_digests_clear(m->queue, error);
    if (err == SH_OK)
        err = store_nodes(m->merger.store, publish_node, &some, error);
    if (err == SH_OK)
        err = publish_some(&some, error);
    m->published = err == SH_OK;
    return err;
}

/* --- One transaction
 * -------------------------------------------------------------------------------- */

typedef struct {
    entry_outcome outcome;
    entry_result result;
    char reason[SH_DEAD_REASON_MAX];
} merged;

static void log_result(const sh_queue_entry *entry, const entry_result *r)
{
    bool devices = r->header.kind == SH_KIND_DEVICES;
    sh_metric_add(devices ? &figures.merged_tables : &figures.merged_plugins, 1);
    if (devices) {
        sh_metric_add(&figures.rows_inserted, r->inserted);
        sh_metric_add(&figures.rows_known, r->known);
        sh_metric_add(&figures.rows_skipped, r->skipped);
        sh_metric_add(&figures.rows_set_aside, r->set_aside);
    }
    sh_log_event(
        r->set_aside > 0 ? SH_LOG_WARNING : SH_LOG_INFO,
        SH_LOG_FIELDS(SH_LOG_NODE(r->header.node), SH_LOG_PLUGIN(devices ? "" : r->header.plugin),
                      SH_LOG_ENTRY(entry->id), SH_LOG_NUMBER(devices ? "rows" : "lines", r->rows),
                      SH_LOG_NUMBER(devices ? "inserted" : "changed", r->inserted),
                      SH_LOG_NUMBER("known", r->known), SH_LOG_NUMBER("skipped", r->skipped),
                      SH_LOG_NUMBER("set_aside", r->set_aside),
                      SH_LOG_REASON(r->set_aside > 0 ? r->reason : NULL)),
        "merged");
}

/* Entries of a batch that stand in one transaction. */
typedef struct {
    const sh_queue_batch *batch;
    size_t first, count;
    bool suspect; /* one alone, that may be what ends receivers */
    merged *all;  /* one for each */
} portion;

static const sh_queue_entry *entry_at(const portion *p, size_t i)
{
    return sh_queue_batch_at(p->batch, p->first + i);
}

/*
 * A suspect's try is counted before it, and only once the database is ours, so that a receiver that
 * is killed while it waits for somebody else counts nothing. True where it is to be merged.
 */
static bool count_suspect(merge *m, const portion *p, sh_err *err, sh_error *error)
{
    const sh_queue_entry *entry = entry_at(p, 0);
    int64_t times = 0;
    *err = sh_queue_failed(m->queue, entry, &times, error);
    if (*err == SH_OK || *err == SH_E_NETWORK) /* after the latter it may have been counted */
        (void)snprintf(m->counted, sizeof m->counted, "%s", entry->id);
    if (*err != SH_OK || times <= SH_QUEUE_TRIES_MAX)
        return *err == SH_OK;
    sh_envelope_header *header = &p->all[0].result.header;
    (void)sh_envelope_peek(entry->envelope, header, NULL);
    p->all[0].outcome = ENTRY_POISON;
    (void)snprintf(p->all[0].reason, sizeof p->all[0].reason,
                   "the receiver died %" PRId64 " times while merging it", times - 1);
    return false;
}

/* The figures of the tables that were merged. */
static sh_err record_all(merge *m, const portion *p, sh_error *error)
{
    merged_table tables[BATCH_ENTRIES_MOST];
    size_t count = 0;
    for (size_t i = 0; i < p->count; i++) {
        merged *one = &p->all[i];
        assert(count < BATCH_ENTRIES_MOST);
        if (one->outcome == ENTRY_MERGED && one->result.header.kind == SH_KIND_DEVICES)
            tables[count++] = (merged_table){.entry = entry_at(p, i), .result = &one->result};
    }
    return merge_record(m->merger.store, tables, count, m->merger.now_ms, error);
}

/* *again: with marks, all would be merged but one entry. */
static sh_err merge_entries(merge *m, const portion *p, bool *again, sh_error *error)
{
    int64_t begun_ms = sh_clock_monotonic_ms();
    for (size_t i = 0; i < p->count; i++) {
        if (sh_stop_requested() && sh_clock_monotonic_ms() - begun_ms > STOP_BATCH_MS)
            return sh_fail(error, SH_E_STOPPED, "a batch was given back because of the stop");
        sh_service_alive();
        sh_error reason = {0};
        merged *one = &p->all[i];
        const sh_queue_entry *next = i + 1 < p->count ? entry_at(p, i + 1) : NULL;
        one->outcome = entry_merge(&m->merger, entry_at(p, i), next, &one->result, &reason);
        (void)snprintf(one->reason, sizeof one->reason, "%.*s", (int)sizeof one->reason - 1,
                       reason.message);
        *again = one->outcome == ENTRY_UNMARKED;
        if (*again || one->outcome == ENTRY_STORE)
            return sh_fail(error, reason.code, "%s", reason.message);
    }
    sh_err err = record_all(m, p, error);
    return err == SH_OK ? store_commit(m->merger.store, error) : err;
}

/*
 * What an entry that fails has done must be undone without what the others did. Marks for that are
 * dear: SQLite writes each page that an entry changes to a file first, a third of all its time in a
 * large database. As nearly none fails, they are set only once one did, and all is begun anew.
 */
static sh_err merge_again(merge *m, const portion *p, sh_error *error)
{
    bool again = false;
    entry_opener_rest(m->merger.opener);
    store_rollback(m->merger.store);
    sh_error_clear(error);
    sh_err err = store_begin(m->merger.store, error);
    m->merger.marks = true;
    if (err == SH_OK)
        err = merge_entries(m, p, &again, error);
    m->merger.marks = false;
    return err;
}

/* Merges every entry inside one transaction. SH_OK: it is committed. */
static sh_err merge_all(merge *m, const portion *p, sh_error *error)
{
    m->merger.now_ms = sh_clock_unix_ms();
    sh_clock_datetime(m->merger.now_ms, m->merger.now);
    sh_err err = store_begin(m->merger.store, error);
    if (err != SH_OK)
        return err;
    if (p->suspect && !count_suspect(m, p, &err, error)) {
        store_rollback(m->merger.store);
        return err;
    }
    bool again = false;
    err = merge_entries(m, p, &again, error);
    if (again)
        err = merge_again(m, p, error);
    entry_opener_rest(m->merger.opener);
    if (err != SH_OK)
        store_rollback(m->merger.store);
    return err;
}

static void log_buried(const sh_queue_entry *entry, const merged *one,
                       const sh_queue_dropped *dropped)
{
    sh_metric_add(&figures.buried, 1);
    sh_log_event(SH_LOG_ERROR,
                 SH_LOG_FIELDS(SH_LOG_NODE(one->result.header.node),
                               SH_LOG_PLUGIN(one->result.header.plugin), SH_LOG_ENTRY(entry->id),
                               SH_LOG_REASON(one->reason)),
                 "an entry went to the dead letters");
    if (dropped->count == 0)
        return;
    sh_metric_add(&figures.dead_dropped, dropped->count);
    sh_log_event(SH_LOG_ERROR,
                 SH_LOG_FIELDS(SH_LOG_NODE(dropped->node), SH_LOG_ENTRY(dropped->id),
                               SH_LOG_NUMBER("dropped", dropped->count),
                               SH_LOG_REASON(dropped->reason)),
                 "the dead letters are full: the oldest were dropped for good, this one first "
                 "(`synchub-receiver dead` lists, retries and drops them)");
}

/* An entry that failed by itself gets a few tries, then the dead letters, so that nobody waits. */
static sh_err give_up(merge *m, const portion *p, size_t i, sh_error *error)
{
    const merged *one = &p->all[i];
    const sh_queue_entry *entry = entry_at(p, i);
    if (one->outcome == ENTRY_FAILED) {
        int64_t times = 0;
        /* A suspect's try is counted already. */
        sh_err err = p->suspect ? SH_OK : sh_queue_failed(m->queue, entry, &times, error);
        if (err != SH_OK || p->suspect || times < SH_QUEUE_TRIES_MAX) {
            sh_log_event(SH_LOG_WARNING,
                         SH_LOG_FIELDS(SH_LOG_NODE(one->result.header.node),
                                       SH_LOG_ENTRY(entry->id), SH_LOG_REASON(one->reason)),
                         "an entry could not be merged, it gets %d tries", SH_QUEUE_TRIES_MAX);
            return err;
        }
    }
    sh_queue_dropped dropped = {.count = 0};
    sh_err err = sh_queue_bury(m->queue, entry, one->reason, &dropped, error);
    if (err == SH_OK)
        log_buried(entry, one, &dropped);
    return err;
}

/* After the commit: what is done is acknowledged, what never can be is buried. */
static sh_err settle(merge *m, const portion *p, sh_error *error)
{
    sh_queue_done done[BATCH_ENTRIES_MOST];
    size_t count = 0;
    sh_err err = SH_OK;
    for (size_t i = 0; i < p->count; i++) {
        const sh_queue_entry *entry = entry_at(p, i);
        const merged *one = &p->all[i];
        if (one->outcome == ENTRY_POISON || one->outcome == ENTRY_FAILED) {
            sh_err failed = give_up(m, p, i, error);
            err = err == SH_OK ? failed : err;
            continue;
        }
        bool publish = one->outcome == ENTRY_MERGED && one->result.whole;
        assert(count < BATCH_ENTRIES_MOST);
        done[count++] = (sh_queue_done){.entry = entry,
                                        .node = publish ? one->result.header.node : NULL,
                                        .digest = one->result.header.digest,
                                        .merged_ms = m->merger.now_ms};
        if (one->outcome == ENTRY_MERGED)
            log_result(entry, &one->result);
        else
            sh_metric_add(&figures.merged_duplicates, 1);
    }
    sh_err acked = count == 0 ? SH_OK : sh_queue_ack(m->queue, done, count, error);
    return err == SH_OK ? acked : err;
}

/* --- Batches
 * ---------------------------------------------------------------------------------------- */

/* A counted try that ended by what is not the entry's fault is taken back, later where need be. */
static sh_err take_back_count(merge *m, sh_error *error)
{
    if (m->counted[0] == '\0')
        return SH_OK;
    sh_err err = sh_queue_failed_undo(m->queue, m->counted, error);
    if (err == SH_OK)
        m->counted[0] = '\0';
    return err;
}

static sh_err merge_portion(merge *m, const portion *p, sh_error *error)
{
    sh_err err = merge_all(m, p, error);
    if (err == SH_OK)
        err = settle(m, p, error);
    if (err == SH_OK) {
        m->counted[0] = '\0'; /* the outcome was the entry's own */
        return SH_OK;
    }
    sh_error later = {0};
    (void)take_back_count(m, &later);
    return err;
}

static bool has_suspect(const sh_queue_batch *batch)
{
    for (size_t i = 0; i < sh_queue_batch_count(batch); i++)
        if (sh_queue_batch_at(batch, i)->deliveries >= SH_QUEUE_SUSPECT_DELIVERIES)
            return true;
    return false;
}

/*
 * Entries are merged together, but where one has come back too often: then each alone and in order,
 * so that the one that ends receivers is told from those beside it.
 */
static sh_err merge_batch(merge *m, const sh_queue_batch *batch, merged all[], sh_error *error)
{
    size_t count = sh_queue_batch_count(batch);
    bool alone = has_suspect(batch);
    for (size_t first = 0; first < count; first += alone ? 1 : count) {
        portion p = {.batch = batch,
                     .first = first,
                     .count = alone ? 1 : count,
                     .suspect = alone && sh_queue_batch_at(batch, first)->deliveries >=
                                             SH_QUEUE_SUSPECT_DELIVERIES,
                     .all = all + first};
        sh_err err = merge_portion(m, &p, error);
        if (err != SH_OK)
            return err;
    }
    return SH_OK;
}

static void free_batch(sh_queue_batch **batch)
{
    sh_queue_batch_free(*batch);
}

/* Takes and merges one batch; *worked tells whether there was any. */
static sh_err work(merge *m, bool *worked, sh_error *error)
{
    *worked = false;
    sh_err err = open_store(m, error);
    if (err == SH_OK)
        err = take_back_count(m, error);
    if (err == SH_OK)
        err = publish_all(m, error);
    if (err != SH_OK)
        return err;
    SH_CLEANUP(free_batch) sh_queue_batch *batch = NULL;
    err = sh_queue_take(m->queue, m->consumer, BATCH_ENTRIES, BATCH_BYTES, BLOCK_MS,
                        m->settings->claim_idle_s * 1000, &batch, error);
    if (err == SH_OK && sh_queue_batch_count(batch) == 0)
        return store_rest(m->merger.store, error);
    if (err != SH_OK)
        return err;
    SH_CLEANUP(sh_free_cleanup) merged *all = calloc(sh_queue_batch_count(batch), sizeof *all);
    if (all == NULL)
        return sh_fail(error, SH_E_MEMORY, "no memory to merge a batch");
    *worked = true;
    return merge_batch(m, batch, all, error);
}

/* --- The loop
 * --------------------------------------------------------------------------------------- */

static void tidy(merge *m)
{
    int64_t now_ms = sh_clock_monotonic_ms();
    if (m->tidied_ms != 0 && now_ms - m->tidied_ms < TIDY_INTERVAL_MS)
        return;
    m->tidied_ms = now_ms;
    sh_error error = {0};
    int64_t before_ms = sh_clock_unix_ms() - SH_ID_MEMORY_S * 1000LL;
    if (store_items_forget(m->merger.store, before_ms, &error) != SH_OK)
        sh_log_warning("could not forget old items, will try again: %s", error.message);
}

/* Tells log and health of a failure, once for each kind, and waits longer from time to time. */
static void wait_after(merge *m, const sh_error *error, int64_t *retry_ms)
{
    sh_metric_add(&figures.batches_failed, 1);
    m->busy = error->code == SH_E_BUSY ? m->busy + 1 : 0;
    if (m->busy > 0 && m->busy <= BUSY_TRIES)
        sh_log_info("a batch will be merged again: %s", error->message);
    else if (health_set(HEALTH_MERGE, error->message))
        sh_log_error("merging waits and will try again: %s", error->message);
    if (error->code == SH_E_IO)
        close_store(
            m); /* the file may have been replaced; opening it anew also says what is wrong */
    (void)sh_stop_wait(*retry_ms);
    *retry_ms = *retry_ms * 2 < RETRY_MS_MAX ? *retry_ms * 2 : RETRY_MS_MAX;
}

bool merge_run(merge *m, bool until_empty)
{
    int64_t retry_ms = RETRY_MS_MIN;
    while (!sh_stop_requested()) {
        sh_service_alive();
        sh_error error = {0};
        bool worked = false;
        sh_err err = work(m, &worked, &error);
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
        if (health_set(HEALTH_MERGE, NULL))
            sh_log_info("merging as consumer %s", m->consumer);
        if (!worked) {
            tidy(m);
            if (until_empty)
                break;
        }
    }
    sh_error error = {0};
    (void)take_back_count(m, &error);
    sh_error_clear(&error);
    if (sh_queue_consumer_end(m->queue, m->consumer, &error) != SH_OK)
        sh_log_debug("the consumer's name stays in the group: %s", error.message);
    /* A single run that gave an entry up has not done all its work. */
    return !until_empty || figures.buried.value == 0;
}
