/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/base/cleanup.h"
#include "libcommon/base/clock.h"
#include "libcommon/runtime/log.h"
#include "libcommon/runtime/stop.h"
#include "receiver/hub/hub_metrics.h"
#include "receiver/merge/merge_state.h"
#include "receiver/merge/node_stats.h"
#include "receiver/merge/retry_policy.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STOP_BATCH_MS 3000 /* a batch that takes longer is given back at a stop */

/* --- What is in hand ------------------------------------------------------------------------- */

void merge_hand_free(hand *h)
{
    free(h->all);
    queue_batch_free(h->batch);
    *h = (hand){.batch = NULL};
}

static void set_merged(merge *m, const queue_entry *entry, merged *ret)
{
    sh_envelope_header header;
    *ret = (merged){.entry = entry, .deliveries = entry->deliveries};
    ret->has_node = held_entries_node_of(&m->held, entry, &ret->node);
    if (ret->has_node && sh_envelope_peek(entry->envelope, &header, NULL) == SH_OK)
        ret->plain_len = header.plain_len;
}

sh_err merge_hand_fill(merge *m, queue_batch *batch, sh_error *error)
{
    hand *h = &m->hand;
    assert(h->batch == NULL);
    size_t count = queue_batch_count(batch);
    h->batch = batch;
    h->all = calloc(count + 1, sizeof *h->all);
    if (h->all == NULL) {
        merge_hand_free(h);
        return sh_fail(error, SH_E_MEMORY, "no memory to merge a batch");
    }
    for (size_t i = 0; i < count; i++) {
        const queue_entry *entry = queue_batch_at(batch, i);
        h->bytes += entry->envelope.len;
        if (held_entries_has_id(&m->held, entry->id))
            queue_reader_settle(m->reader, 1);
        else
            set_merged(m, entry, &h->all[h->count++]);
    }
    return SH_OK;
}

/* --- One transaction ------------------------------------------------------------------------- */

/* Entries in hand that stand in one transaction. */
typedef struct {
    merged *all;
    size_t count;     /* at most */
    bool suspect;     /* one alone, that may be what ends receivers */
    size_t tried;     /* that have an outcome */
    bool late;        /* the time was up before the last one was done */
    int64_t begun_ms; /* monotonic */
} portion;

static void log_result(const queue_entry *entry, const entry_result *r)
{
    bool devices = r->header.kind == SH_KIND_DEVICES;
    sh_metric_add(devices ? &figures.merged_tables : &figures.merged_plugins, 1);
    if (devices) {
        sh_metric_add(&figures.rows_inserted, r->inserted - r->recorded);
        sh_metric_add(&figures.rows_known, r->known);
        sh_metric_add(&figures.rows_skipped, r->skipped);
        sh_metric_add(&figures.rows_set_aside, r->set_aside);
        sh_metric_add(&figures.values_replaced, r->replaced);
    }
    sh_log_event(
        r->reason[0] != '\0' ? SH_LOG_WARNING : SH_LOG_INFO,
        SH_LOG_FIELDS(SH_LOG_NODE(r->header.node), SH_LOG_PLUGIN(devices ? "" : r->header.plugin),
                      SH_LOG_ENTRY(entry->id), SH_LOG_NUMBER(devices ? "rows" : "lines", r->rows),
                      SH_LOG_NUMBER(devices ? "inserted" : "changed", r->inserted),
                      SH_LOG_NUMBER("known", r->known), SH_LOG_NUMBER("skipped", r->skipped),
                      SH_LOG_NUMBER("set_aside", r->set_aside),
                      SH_LOG_NUMBER("replaced", r->replaced),
                      SH_LOG_REASON(r->reason[0] != '\0' ? r->reason : NULL)),
        "merged");
}

/*
 * A suspect's try is counted before it, and only once the database is ours, so that a receiver that
 * is killed while it waits for somebody else counts nothing. True where it is to be merged.
 */
static bool count_suspect(merge *m, portion *p, sh_err *err, sh_error *error)
{
    merged *one = &p->all[0];
    int64_t times = 0;
    *err = queue_failed(m->queue, one->entry->id, &times, error);
    if (*err == SH_OK || *err == SH_E_NETWORK) /* after the latter it may have been counted */
        (void)snprintf(m->counted, sizeof m->counted, "%s", one->entry->id);
    if (*err != SH_OK || retry_before(one->deliveries, times) != RETRY_BURY)
        return *err == SH_OK;
    (void)sh_envelope_peek(one->entry->envelope, &one->result.header, NULL);
    one->outcome = ENTRY_POISON;
    p->tried = 1;
    (void)snprintf(one->reason, sizeof one->reason,
                   "the receiver died %" PRId64 " times while merging it", times - 1);
    one->is_hubs_fault = true;
    return false;
}

/* The figures of the tables that were merged. */
static sh_err record_all(merge *m, const portion *p, sh_error *error)
{
    merged_table tables[BATCH_ENTRIES_MOST];
    size_t count = 0;
    for (size_t i = 0; i < p->tried; i++) {
        merged *one = &p->all[i];
        bool merged_now = one->outcome == ENTRY_MERGED || one->outcome == ENTRY_PIECE;
        assert(count < BATCH_ENTRIES_MOST);
        if (merged_now && one->result.header.kind == SH_KIND_DEVICES)
            tables[count++] = (merged_table){.entry = one->entry, .result = &one->result};
    }
    return merge_record(m->merger.store, tables, count, m->merger.now_ms, error);
}

/* Whether the i-th entry must wait for the next transaction. */
static bool waits_for_next(const merge *m, portion *p, size_t i)
{
    if (i == 0)
        return false;
    p->late = sh_clock_monotonic_ms() - p->begun_ms >= m->merger.pace.begin_ms;
    return p->late || m->merger.pace.pauses; /* each is handed over while nothing is locked */
}

static void merge_one(merge *m, portion *p, size_t i, sh_error *reason)
{
    merged *one = &p->all[i];
    const queue_entry *next = i + 1 < p->count ? p->all[i + 1].entry : NULL;
    int64_t begun_ms = sh_clock_monotonic_ms();
    const entry_result *progress = entry_progress_find(&m->progress, one->entry->id);
    one->result = progress != NULL ? *progress : (entry_result){.rows = 0};
    one->outcome = entry_merge(&m->merger, one->entry, next, &one->result, reason);
    one->took_ms = sh_clock_monotonic_ms() - begun_ms;
    one->is_hubs_fault = one->result.is_foreign;
    (void)snprintf(one->reason, sizeof one->reason, "%.*s", (int)sizeof one->reason - 1,
                   reason->message);
    p->tried = i + 1;
}

/* *again: with marks, all would be merged but one entry. */
static sh_err merge_entries(merge *m, portion *p, bool *again, sh_error *error)
{
    p->begun_ms = sh_clock_monotonic_ms();
    p->late = false;
    m->merger.until_ms = p->begun_ms + m->merger.pace.end_ms;
    for (size_t i = 0; i < p->count && !waits_for_next(m, p, i); i++) {
        if (sh_stop_requested() && sh_clock_monotonic_ms() - p->begun_ms > STOP_BATCH_MS)
            return sh_fail(error, SH_E_STOPPED,
                           "a batch was released because the program is stopping");
        sh_service_alive();
        sh_error reason = {0};
        merge_one(m, p, i, &reason);
        retry_action action = retry_after(p->all[i].outcome);
        *again = action == RETRY_AGAIN;
        if (*again || action == RETRY_WAIT)
            return sh_fail(error, reason.code, "%s", reason.message);
        if (action == RETRY_CONTINUE) {
            p->late = true;
            break;
        }
    }
    sh_err err = record_all(m, p, error);
    return err == SH_OK ? store_commit(m->merger.store, error) : err;
}

/*
 * What an entry that fails has done must be undone without what the others did. Marks for that are
 * dear: SQLite writes each page that an entry changes to a file first, a third of all its time in a
 * large database. As nearly none fails, they are set only once one did, and all is begun anew.
 */
static sh_err merge_again(merge *m, portion *p, sh_error *error)
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

/* Between two transactions NetAlertX has its turn; what can be done without the lock is done then.
 */
static sh_err wait_for_turn(merge *m, const portion *p, sh_error *error)
{
    claim_keeper_active(m->claims);
    m->merger.pace = store_pace_of(m->merger.store);
    m->merger.now_ms = sh_clock_unix_ms();
    sh_clock_datetime(m->merger.now_ms, m->merger.now);
    if (!m->merger.pace.pauses)
        return SH_OK;
    sh_err err = entry_prepare(&m->merger, p->all[0].entry, error);
    if (err != SH_OK)
        return err;
    int64_t rest_ms = m->unlocked_until_ms - sh_clock_monotonic_ms();
    if (rest_ms > 0 && sh_stop_wait(rest_ms))
        return sh_fail(error, SH_E_STOPPED, "a batch was released because the program is stopping");
    return SH_OK;
}

/* Merges as many entries as fit into one transaction. SH_OK: it is committed. */
static sh_err merge_all(merge *m, portion *p, sh_error *error)
{
    sh_err err = wait_for_turn(m, p, error);
    if (err == SH_OK)
        err = store_begin(m->merger.store, error);
    if (err != SH_OK)
        return err;
    int64_t locked_ms = sh_clock_monotonic_ms();
    bool again = false;
    bool counted = !p->suspect || count_suspect(m, p, &err, error);
    if (counted)
        err = merge_entries(m, p, &again, error);
    if (again)
        err = merge_again(m, p, error);
    entry_opener_rest(m->merger.opener);
    if (err != SH_OK || !counted || !p->late)
        entry_prepared_free(&m->merger); /* else an entry goes on soon */
    if (err != SH_OK || !counted)
        store_rollback(m->merger.store);
    int64_t now_ms = sh_clock_monotonic_ms();
    m->unlocked_until_ms = now_ms + (now_ms - locked_ms);
    return err;
}

/* --- After the commit ------------------------------------------------------------------------ */

static void log_buried(const queue_entry *entry, const merged *one)
{
    sh_metric_add(&figures.buried, 1);
    sh_log_event(SH_LOG_ERROR,
                 SH_LOG_FIELDS(SH_LOG_NODE(one->result.header.node),
                               SH_LOG_PLUGIN(one->result.header.plugin), SH_LOG_ENTRY(entry->id),
                               SH_LOG_REASON(one->reason)),
                 "an entry went to the dead letters");
}

static void log_dropped(const queue_dropped *dropped)
{
    if (dropped->count == 0)
        return;
    sh_metric_add(&figures.dead_dropped, dropped->count);
    sh_log_event(SH_LOG_ERROR,
                 SH_LOG_FIELDS(SH_LOG_NODE(dropped->node), SH_LOG_ENTRY(dropped->id),
                               SH_LOG_NUMBER("dropped", dropped->count),
                               SH_LOG_REASON(dropped->reason)),
                 "the dead letters, or this node's share of them, are full: some were dropped for "
                 "good, this one first (`synchub-receiver dead` lists, retries and drops them)");
}

static sh_err bury(merge *m, const merged *one, sh_error *error)
{
    queue_dropped dropped = {.count = 0};
    const queue_burial burial = {.reason = one->reason, .keep = one->is_hubs_fault};
    sh_err err = queue_bury(m->reader, one->entry, &burial, &dropped, error);
    if (err == SH_OK)
        log_buried(one->entry, one);
    log_dropped(&dropped);
    return err;
}

static void keep_progress(merge *m, const merged *one)
{
    entry_result result = one->result;
    sh_metric_add(&figures.rows_inserted, result.inserted - result.recorded);
    result.recorded = result.inserted;
    entry_progress_keep(&m->progress, one->entry->id, &result);
}

/* What is done is acknowledged, what never can be is buried. */
static sh_err settle(merge *m, const portion *p, sh_error *error)
{
    queue_done done[BATCH_ENTRIES_MOST];
    size_t count = 0;
    sh_err err = SH_OK;
    for (size_t i = 0; i < p->tried; i++) {
        const merged *one = &p->all[i];
        retry_action action = retry_after(one->outcome);
        if (action == RETRY_CONTINUE) {
            keep_progress(m, one);
            continue;
        }
        entry_progress_remove(&m->progress, one->entry->id);
        if (action == RETRY_BURY) {
            sh_err failed = bury(m, one, error);
            err = err == SH_OK ? failed : err;
            continue;
        }
        bool publish = one->outcome == ENTRY_MERGED && one->result.whole;
        assert(count < BATCH_ENTRIES_MOST);
        done[count++] = (queue_done){.entry = one->entry,
                                     .node = publish ? one->result.header.node : NULL,
                                     .digest = one->result.header.digest,
                                     .merged_ms = m->merger.now_ms};
        if (one->outcome == ENTRY_MERGED)
            log_result(one->entry, &one->result);
        else
            sh_metric_add(&figures.merged_duplicates, 1);
    }
    sh_err acked = count == 0 ? SH_OK : queue_ack(m->reader, done, count, error);
    return err == SH_OK ? acked : err;
}

sh_err merge_take_back_count(merge *m, sh_error *error)
{
    if (m->counted[0] == '\0')
        return SH_OK;
    sh_err err = queue_failed_undo(m->queue, m->counted, error);
    if (err == SH_OK)
        m->counted[0] = '\0';
    return err;
}

static sh_err merge_portion(merge *m, portion *p, sh_error *error)
{
    sh_err err = merge_all(m, p, error);
    if (err == SH_OK)
        err = settle(m, p, error);
    bool own_outcome = err == SH_OK && p->all[0].outcome != ENTRY_PIECE;
    if (own_outcome) {
        m->counted[0] = '\0';
        return SH_OK;
    }
    sh_error later = {0};
    (void)merge_take_back_count(m, &later);
    return err;
}

/* --- Whose turn it is ------------------------------------------------------------------------ */

static bool is_suspect(const merged *one)
{
    return retry_before(one->deliveries, 0) == RETRY_ALONE;
}

/*
 * Entries are merged together, but where one has come back too often: then each alone and in order,
 * so that the one that ends receivers is told from those beside it.
 */
static portion portion_of(merged all[], size_t count)
{
    bool alone = false;
    for (size_t i = 0; i < count && !alone; i++)
        alone = is_suspect(&all[i]);
    return (portion){
        .all = all, .count = alone ? 1 : count, .suspect = alone && is_suspect(&all[0])};
}

/* Entries of the portion that need nothing more. */
static size_t finished(const portion *p)
{
    bool piece = p->tried > 0 && p->all[p->tried - 1].outcome == ENTRY_PIECE;
    return p->tried - (piece ? 1 : 0);
}

/* Whether a node's entries took at least half of the time that a portion took. */
static bool is_slow(const portion *p, uint64_t node)
{
    int64_t own_ms = 0, all_ms = 0;
    for (size_t i = 0; i < p->tried; i++) {
        const merged *one = &p->all[i];
        all_ms += one->took_ms;
        if (one->has_node && one->node == node)
            own_ms += one->took_ms;
    }
    return 2 * own_ms >= all_ms;
}

/*
 * Holds those entries in hand whose nodes have some held, or made this portion late: what one node
 * sends must not keep others waiting.
 */
static sh_err hold_slow(merge *m, const portion *late, sh_error *error)
{
    hand *h = &m->hand;
    size_t kept = h->first;
    sh_err err = SH_OK;
    for (size_t i = h->first; i < h->first + h->count; i++) {
        const merged *one = &h->all[i];
        bool holds = err == SH_OK && one->has_node &&
                     (held_entries_has_node(&m->held, one->node) ||
                      (late != NULL && is_slow(late, one->node)));
        if (holds) {
            queue_entry entry = *one->entry;
            entry.deliveries = one->deliveries;
            err = held_entries_add(&m->held, &entry, one->node, error);
        }
        if (holds && err == SH_OK)
            queue_reader_settle(m->reader, 1);
        else
            h->all[kept++] = h->all[i];
    }
    h->count = kept - h->first;
    return err;
}

sh_err merge_hand(merge *m, bool *any, sh_error *error)
{
    hand *h = &m->hand;
    sh_err err = m->key.confirmed
                     ? SH_OK
                     : key_check_prove(&m->key, m->merger.store, m->queue, h->batch, error);
    if (err == SH_OK)
        err = hold_slow(m, NULL, error);
    while (err == SH_OK && h->count > 0) {
        if (*any && sh_stop_requested())
            return sh_fail(error, SH_E_STOPPED,
                           "a batch was released because the program is stopping");
        portion p = portion_of(h->all + h->first, h->count);
        err = merge_portion(m, &p, error);
        if (err != SH_OK)
            return err;
        *any = true;
        h->first += finished(&p);
        h->count -= finished(&p);
        if (p.late)
            err = hold_slow(m, &p, error);
    }
    if (err == SH_OK)
        merge_hand_free(h);
    return err;
}

/* The entries of these ids that are in the queue still; the others are held no more. */
static sh_err fetch_held(merge *m, const char *const ids[], size_t count, queue_batch **ret,
                         sh_error *error)
{
    char gone[BATCH_ENTRIES][QUEUE_ENTRY_ID_BYTES];
    size_t gone_count = 0;
    const queue_fetch fetch = {.ids = ids, .count = count, .bytes_max = BATCH_BYTES};
    sh_err err = queue_reader_fetch(m->reader, &fetch, ret, error);
    if (err != SH_OK)
        return err;
    size_t found = queue_batch_count(*ret);
    for (size_t i = 0, at = 0; i < count && (at < found || found == 0); i++) {
        if (at < found && strcmp(queue_batch_at(*ret, at)->id, ids[i]) == 0)
            at++;
        else
            (void)snprintf(gone[gone_count++], sizeof gone[0], "%s", ids[i]);
    }
    for (size_t i = 0; i < gone_count; i++) {
        held_entries_remove(&m->held, gone[i]);
        entry_progress_remove(&m->progress, gone[i]);
    }
    return SH_OK;
}

static void free_batch(queue_batch **batch)
{
    queue_batch_free(*batch);
}

sh_err merge_held(merge *m, sh_error *error)
{
    const char *ids[BATCH_ENTRIES];
    SH_CLEANUP(free_batch) queue_batch *batch = NULL;
    size_t count = held_entries_pick(&m->held, BATCH_ENTRIES, ids);
    sh_err err = count == 0 ? SH_OK : fetch_held(m, ids, count, &batch, error);
    count = batch == NULL ? 0 : queue_batch_count(batch);
    if (err != SH_OK || count == 0)
        return err;
    SH_CLEANUP(sh_free_cleanup) merged *all = calloc(count, sizeof *all);
    if (all == NULL)
        return sh_fail(error, SH_E_MEMORY, "no memory to merge a batch");
    for (size_t i = 0; i < count; i++) {
        size_t at = 0;
        set_merged(m, queue_batch_at(batch, i), &all[i]);
        if (held_entries_find(&m->held, all[i].entry->id, &at))
            all[i].deliveries = m->held.entries[at].deliveries;
    }
    portion p = portion_of(all, count);
    err = merge_portion(m, &p, error);
    for (size_t i = 0; err == SH_OK && i < finished(&p); i++)
        held_entries_remove(&m->held, all[i].entry->id);
    return err;
}
