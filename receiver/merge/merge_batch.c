/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/base/cleanup.h"
#include "libcommon/runtime/stop.h"
#include "receiver/merge/merge_workers.h"
#include "receiver/merge/retry_policy.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- The current batch ----------------------------------------------------------------------- */

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
            queue_reader_release(m->reader, 1);
        else
            set_merged(m, entry, &h->all[h->count++]);
    }
    return SH_OK;
}

/* --- Transactions ---------------------------------------------------------------------------- */

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
    sh_err err = merge_transact(m, p, error);
    if (err == SH_OK)
        err = merge_acknowledge(m, p, error);
    bool own_outcome = err == SH_OK && p->all[0].outcome != ENTRY_PIECE;
    if (own_outcome) {
        m->counted[0] = '\0';
        return SH_OK;
    }
    sh_error later = {0};
    (void)merge_take_back_count(m, &later);
    return err;
}

/* --- Scheduling ------------------------------------------------------------------------------ */

bool merge_is_suspect(const merged *one)
{
    return retry_before(one->deliveries, 0) == RETRY_ALONE;
}

/*
 * Entries share a transaction, unless one was redelivered too often: then each is merged separately
 * and in order, to identify the one that crashes receivers.
 */
static portion portion_of(merged all[], size_t count)
{
    bool alone = false;
    for (size_t i = 0; i < count && !alone; i++)
        alone = merge_is_suspect(&all[i]);
    return (portion){
        .all = all, .count = alone ? 1 : count, .suspect = alone && merge_is_suspect(&all[0])};
}

/* Number of finished entries of the portion. */
static size_t finished(const portion *p)
{
    bool piece = p->tried > 0 && p->all[p->tried - 1].outcome == ENTRY_PIECE;
    return p->tried - (piece ? 1 : 0);
}

/* Whether a node's entries took at least half of a portion's time. */
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

sh_err merge_hold_slow(merge *m, const portion *late, sh_error *error)
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
            queue_reader_release(m->reader, 1);
        else
            h->all[kept++] = h->all[i];
    }
    h->count = kept - h->first;
    return err;
}

/* Merges entries of the batch in several transactions at once; *any: there were any. */
static sh_err merge_batch_together(merge *m, bool *any, sh_error *error)
{
    hand *h = &m->hand;
    size_t count = h->count;
    size_t kept = h->first;
    sh_err err = merge_side_by_side(m, h->all + h->first, count, any, error);
    for (size_t i = h->first; i < h->first + count; i++)
        if (!h->all[i].is_finished)
            h->all[kept++] = h->all[i];
    h->count = kept - h->first;
    return err == SH_OK ? merge_hold_late(m, error) : err;
}

sh_err merge_hand(merge *m, bool *any, sh_error *error)
{
    hand *h = &m->hand;
    sh_err err = m->key.confirmed
                     ? SH_OK
                     : key_check_prove(&m->key, m->merger.store, m->queue, h->batch, error);
    if (err == SH_OK)
        err = merge_hold_slow(m, NULL, error);
    bool one_by_one = false;
    while (err == SH_OK && h->count > 0) {
        if (*any && sh_stop_requested())
            return sh_fail(error, SH_E_STOPPED,
                           "a batch was released because the program is stopping");
        bool together = false;
        if (!one_by_one)
            err = merge_batch_together(m, &together, error);
        if (err != SH_OK)
            return err;
        one_by_one = !together;
        if (together) {
            *any = true;
            continue;
        }
        portion p = portion_of(h->all + h->first, h->count);
        err = merge_portion(m, &p, error);
        if (err != SH_OK)
            return err;
        *any = true;
        h->first += finished(&p);
        h->count -= finished(&p);
        if (p.late)
            err = merge_hold_slow(m, &p, error);
    }
    if (err == SH_OK)
        merge_hand_free(h);
    return err;
}

/* Fetches the entries with these ids that are still in the queue, and stops holding the others. */
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
    size_t nodes_max = merge_is_concurrent(m) ? MERGE_WORKERS : 1;
    size_t count = held_entries_pick(&m->held, nodes_max, BATCH_ENTRIES, ids);
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
    bool together = false;
    err = merge_side_by_side(m, all, count, &together, error);
    for (size_t i = 0; i < count; i++)
        if (all[i].is_finished)
            held_entries_remove(&m->held, all[i].entry->id);
    if (err != SH_OK || together)
        return err;
    portion p = portion_of(all, count);
    err = merge_portion(m, &p, error);
    for (size_t i = 0; err == SH_OK && i < finished(&p); i++)
        held_entries_remove(&m->held, all[i].entry->id);
    return err;
}
