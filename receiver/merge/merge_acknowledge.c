/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/runtime/log.h"
#include "receiver/hub/hub_metrics.h"
#include "receiver/merge/merge_state.h"
#include "receiver/merge/retry_policy.h"

#include <assert.h>

/* After the commit: acknowledges entries, or moves them to the dead letters. */

static void log_result(const queue_entry *entry, const entry_result *r)
{
    bool devices = r->header.kind == SH_KIND_DEVICES;
    sh_metric_add(devices ? &hub_metrics.merged_tables : &hub_metrics.merged_plugins, 1);
    if (devices) {
        sh_metric_add(&hub_metrics.rows_inserted, r->inserted - r->recorded);
        sh_metric_add(&hub_metrics.rows_known, r->known);
        sh_metric_add(&hub_metrics.rows_skipped, r->skipped);
        sh_metric_add(&hub_metrics.rows_set_aside, r->set_aside);
        sh_metric_add(&hub_metrics.values_replaced, r->replaced);
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

static void log_dead_letter(const queue_entry *entry, const merged *one)
{
    sh_metric_add(&hub_metrics.dead_letters, 1);
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
    sh_metric_add(&hub_metrics.dead_dropped, dropped->count);
    sh_log_event(SH_LOG_ERROR,
                 SH_LOG_FIELDS(SH_LOG_NODE(dropped->node), SH_LOG_ENTRY(dropped->id),
                               SH_LOG_NUMBER("dropped", dropped->count),
                               SH_LOG_REASON(dropped->reason)),
                 "the dead letters, or this node's share of them, are full: some were dropped for "
                 "good, this one first (`synchub-receiver dead` lists, retries and drops them)");
}

static sh_err dead_letter(merge *m, const merged *one, sh_error *error)
{
    queue_dropped dropped = {.count = 0};
    bool refused = one->result.is_refused && one->result.header.kind == SH_KIND_DEVICES;
    const queue_rejection rejection = {.reason = one->reason,
                                       .keep = one->is_hubs_fault,
                                       .digest = refused ? one->result.header.digest : NULL};
    sh_err err = queue_dead_letter_add(m->reader, one->entry, &rejection, &dropped, error);
    if (err == SH_OK)
        log_dead_letter(one->entry, one);
    log_dropped(&dropped);
    return err;
}

static void keep_progress(merge *m, const merged *one)
{
    entry_result result = one->result;
    sh_metric_add(&hub_metrics.rows_inserted, result.inserted - result.recorded);
    result.recorded = result.inserted;
    entry_progress_keep(&m->progress, one->entry->id, &result);
}

sh_err merge_acknowledge(merge *m, const portion *p, sh_error *error)
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
        if (action == RETRY_DEAD_LETTER) {
            sh_err failed = dead_letter(m, one, error);
            err = err == SH_OK ? failed : err;
            continue;
        }
        bool publish = one->outcome == ENTRY_MERGED && one->result.whole;
        assert(count < BATCH_ENTRIES_MOST);
        done[count++] = (queue_done){.entry = one->entry,
                                     .node = publish ? one->result.header.node : NULL,
                                     .digest = one->result.header.digest,
                                     .merged_ms = one->result.merged_ms};
        if (one->outcome == ENTRY_MERGED)
            log_result(one->entry, &one->result);
        else
            sh_metric_add(&hub_metrics.merged_duplicates, 1);
    }
    sh_err acked = count == 0 ? SH_OK : queue_ack(m->reader, done, count, error);
    return err == SH_OK ? acked : err;
}
