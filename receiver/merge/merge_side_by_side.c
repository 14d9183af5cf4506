/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/base/cleanup.h"
#include "libcommon/runtime/stop.h"
#include "receiver/merge/merge_workers.h"
#include "receiver/merge/retry_policy.h"

#include <stdlib.h>
#include <string.h>

/*
 * Several transactions at once, for a database that allows it. The first entries of the current
 * batch are shared out to workers. Entries of one node, and those of nodes that have a new device
 * in common, are merged by one worker, in the order of the queue. So what is merged at the same
 * time changes different rows, and the result is that of merging one after the other: the row that
 * was queued first wins, and no worker waits for another.
 *
 * What a worker could not merge stays in the batch, and is merged in the usual way.
 */

#define TEXTS_BYTES_MAX (16 * SH_MIB) /* the entries' texts together */
#define TABLE_ROWS_MAX 32768          /* rows of one worker's tables */
#define ENTRY_BYTES 4096              /* an entry takes as long as so many bytes of text more */

_Static_assert(BATCH_ENTRIES_MOST <= ENTRY_GROUPS_MAX, "each entry of a batch may be a group");

/* --- Which entries --------------------------------------------------------------------------- */

bool merge_is_concurrent(const merge *m)
{
    return store_is_concurrent(m->merger.store);
}

/* How many of the first entries may be merged together: small ones that may not crash receivers. */
static size_t count_candidates(const merged all[], size_t count)
{
    size_t bytes = 0;
    for (size_t i = 0; i < count; i++) {
        bytes += all[i].plain_len;
        if (!all[i].has_node || bytes > TEXTS_BYTES_MAX || merge_is_suspect(&all[i]))
            return i;
    }
    return count;
}

/*
 * Chooses a worker for each entry, one for all of a node. That is the same in each batch, as its
 * connection remembers devices that it has found, unless another one has much less to do.
 */
static void choose_homes(merge_workers *s, const merged all[], size_t count)
{
    size_t loads[MERGE_WORKERS] = {0};
    size_t sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += ENTRY_BYTES + all[i].plain_len;
    for (size_t i = 0; i < count; i++) {
        size_t bytes = ENTRY_BYTES + all[i].plain_len;
        size_t home = (size_t)(all[i].node % s->connected);
        size_t first = 0;
        while (all[first].node != all[i].node)
            first++;
        if (first < i)
            home = s->homes[first];
        else if (loads[home] + bytes > sum / s->connected + bytes / 2)
            for (size_t other = 0; other < s->connected; other++)
                home = loads[other] < loads[home] ? other : home;
        s->homes[i] = home;
        loads[home] += bytes;
    }
}

/* Gives each entry to a worker; false if one worker gets all. */
static bool share_out(merge_workers *s, const merged all[], size_t count, const size_t workers[])
{
    size_t busy = 0;
    for (size_t i = 0; i < s->connected; i++)
        s->all[i].portion = (portion){.all = s->all[i].all};
    for (size_t i = 0; i < count; i++) {
        merge_worker *w = &s->all[workers[i]];
        portion *p = &w->portion;
        busy += p->count == 0;
        w->places[p->count] = i;
        p->all[p->count++] = all[i];
    }
    return busy > 1;
}

/* Adds the devices of a table; false if a row is of a kind that only merging can identify. */
static bool add_devices(merge_worker *w, const kept_entry *kept, size_t place)
{
    if (kept->header.kind != SH_KIND_DEVICES)
        return true;
    if (w->devices.count + kept->rows->count > TABLE_ROWS_MAX)
        return false;
    for (size_t i = 0; i < kept->rows->count; i++) {
        const sh_table_row row = table_rows_at(kept->rows, kept->text.data, i);
        sh_mac mac;
        if (row.kind == SH_ROW_MAC_UNCLEAR)
            return false;
        if (row.kind != SH_ROW_MAC_TEXT ||
            table_rows_mac(kept->rows, kept->text.data, i, &mac, NULL) != SH_OK ||
            skip_rules_has(w->m->merger.skip_macs, &mac))
            continue;
        const table_key key = {.key = sighting_key(&mac), .entry = place, .mac = row.mac};
        w->err = table_keys_add(&w->devices, &key, &w->error);
        if (w->err != SH_OK)
            return false;
    }
    return true;
}

/* A worker's first task: decodes its entries and collects their devices. */
static void read_entries(void *context)
{
    merge_worker *w = context;
    const queue_entry *entries[BATCH_ENTRIES_MOST];
    const portion *p = &w->portion;
    w->unfit = SIZE_MAX;
    w->again = false;
    w->devices.count = 0;
    for (size_t i = 0; i < p->count; i++)
        entries[i] = p->all[i].entry;
    w->err = entry_decoder_keep(w->merger->opener, entries, p->count, TABLE_ROWS_MAX, &w->error);
    for (size_t i = 0; w->err == SH_OK && i < p->count && w->unfit == SIZE_MAX; i++) {
        const kept_entry kept = entry_decoder_kept(w->merger->opener, i);
        if (kept.err != SH_OK || !add_devices(w, &kept, w->places[i]))
            w->unfit = w->places[i];
    }
}

/* Joins the entries with devices from `at` to `end` that are not in the database. */
static sh_err join_new(merge *m, const size_t ats[], size_t count, sh_error *error)
{
    merge_workers *s = m->workers;
    sh_mac macs[STORE_ROWS_AT_ONCE];
    const sh_mac *pointers[STORE_ROWS_AT_ONCE] = {NULL};
    bool known[STORE_ROWS_AT_ONCE];
    const table_key *keys = s->devices.keys;
    sh_err err = SH_OK;
    for (size_t i = 0; i < count && err == SH_OK; i++) {
        pointers[i] = &macs[i];
        err = sh_mac_read(keys[ats[i]].mac, &macs[i], error);
    }
    if (err == SH_OK)
        err = store_find_known(m->merger.store, pointers, count, known, error);
    for (size_t i = 0; i < count && err == SH_OK; i++)
        for (size_t at = ats[i];
             !known[i] && at < s->devices.count && keys[at].key == keys[ats[i]].key; at++)
            entry_groups_join(&s->groups, keys[ats[i]].entry, keys[at].entry);
    return err;
}

/* Groups the first count entries: those of one node, and those that have a new device in common. */
static sh_err group(merge *m, const merged all[], size_t count, sh_error *error)
{
    merge_workers *s = m->workers;
    sh_err err = SH_OK;
    s->devices.count = 0;
    entry_groups_init(&s->groups, count);
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < i; j++)
            if (all[i].node == all[j].node)
                entry_groups_join(&s->groups, j, i);
    for (size_t i = 0; i < s->connected && err == SH_OK; i++)
        if (s->all[i].portion.count > 0)
            err = table_keys_append(&s->devices, &s->all[i].devices, count, error);
    table_keys_sort(&s->devices);
    for (size_t at = 0, end = 0; err == SH_OK;) {
        size_t ats[STORE_ROWS_AT_ONCE];
        size_t shared = 0;
        for (; shared < STORE_ROWS_AT_ONCE &&
               table_keys_next_shared(&s->devices, &s->groups, &at, &end);
             at = end)
            ats[shared++] = at;
        if (shared == 0)
            break;
        err = join_new(m, ats, shared, error);
    }
    return err;
}

/* --- Transactions ---------------------------------------------------------------------------- */

static sh_err transact(merge_worker *w, sh_error *error)
{
    bool is_current = false;
    store *s = w->merger->store;
    sh_err err = store_begin(s, error);
    if (err != SH_OK)
        return err;
    err = blocklist_is_current(&w->m->blocklist, s, &is_current, error);
    if (err == SH_OK && is_current)
        err = merge_entries(w->merger, &w->m->progress, &w->portion, &w->again, error);
    else
        w->again = true;
    if (err != SH_OK || w->again)
        store_rollback(s);
    sightings_clear(&w->merger->seen);
    return err;
}

/* A worker's second task. */
static void merge_portion_of(void *context)
{
    merge_worker *w = context;
    w->again = false;
    w->err = transact(w, &w->error);
    entry_prepared_free(w->merger);
    /* One entry failed, which takes savepoints; somebody has a lock; the connection was lost. */
    w->again = w->again || w->err == SH_E_BUSY || w->err == SH_E_NETWORK;
}

static void prepare(merge *m)
{
    merge_workers *s = m->workers;
    merge_note_time(m);
    for (size_t i = 1; i < s->connected; i++) {
        entry_merger *own = &s->all[i].own;
        own->skip_macs = m->merger.skip_macs;
        own->plugins_out = m->merger.plugins_out;
        own->inserts = m->merger.inserts;
        own->pace = m->merger.pace;
        own->now_ms = m->merger.now_ms;
        memcpy(own->now, m->merger.now, sizeof own->now);
    }
}

static void forget_texts(merge_workers *s)
{
    for (size_t i = 0; i < s->connected; i++)
        entry_prepared_free(s->all[i].merger);
}

/* --- Results --------------------------------------------------------------------------------- */

static bool is_committed(const merge_worker *w)
{
    return w->portion.count > 0 && w->err == SH_OK && !w->again;
}

/* Copies the results of committed entries; tried[i]: there is one. */
static void take_results(merge *m, merged all[], bool tried[])
{
    const merge_workers *s = m->workers;
    for (size_t i = 0; i < s->connected; i++) {
        const merge_worker *w = &s->all[i];
        if (!is_committed(w))
            continue;
        merge_count_history(m, &w->portion);
        for (size_t j = 0; j < w->portion.tried; j++) {
            all[w->places[j]] = w->portion.all[j];
            tried[w->places[j]] = true;
        }
    }
}

/* Acknowledges the entries with results. */
static sh_err finish(merge *m, merged all[], size_t count, bool *any, sh_error *error)
{
    bool tried[BATCH_ENTRIES_MOST] = {false};
    SH_CLEANUP(sh_free_cleanup) merged *results = calloc(count, sizeof *results);
    if (results == NULL)
        return sh_fail(error, SH_E_MEMORY, "no memory to merge a batch");
    take_results(m, all, tried);
    portion done = {.all = results, .count = count};
    for (size_t i = 0; i < count; i++)
        if (tried[i])
            results[done.tried++] = all[i];
    *any = done.tried > 0;
    sh_err err = *any ? merge_acknowledge(m, &done, error) : SH_OK;
    for (size_t i = 0; i < count && err == SH_OK; i++)
        all[i].is_finished = tried[i] && retry_after(all[i].outcome) != RETRY_CONTINUE;
    return err;
}

/* The first error that is not solved by merging in the usual way. */
static sh_err error_of(const merge_workers *s, sh_error *error)
{
    for (size_t i = 0; i < s->connected; i++) {
        const merge_worker *w = &s->all[i];
        if (w->portion.count > 0 && w->err != SH_OK && !w->again)
            return sh_fail(error, w->err, "%s", w->error.message);
    }
    return SH_OK;
}

sh_err merge_hold_late(merge *m, sh_error *error)
{
    const merge_workers *s = m->workers;
    sh_err err = SH_OK;
    for (size_t i = 0; i < s->connected && err == SH_OK; i++)
        if (is_committed(&s->all[i]) && s->all[i].portion.late)
            err = merge_hold_slow(m, &s->all[i].portion, error);
    return err;
}

/* --- A batch --------------------------------------------------------------------------------- */

/* Reads the entries in the workers; *count: how many may be merged together. */
static sh_err read_all(merge_workers *s, size_t *count, sh_error *error)
{
    merge_workers_run(s, read_entries);
    sh_err err = error_of(s, error);
    for (size_t i = 0; i < s->connected; i++)
        if (s->all[i].portion.count > 0 && s->all[i].unfit < *count)
            *count = s->all[i].unfit;
    return err;
}

/* Gives the entries of each node to one worker; false if there is nothing to do at once. */
static bool share_out_nodes(merge *m, const merged all[], size_t count)
{
    merge_workers *s = m->workers;
    if (count < 2)
        return false;
    merge_workers_connect(s);
    if (s->connected < 2)
        return false;
    choose_homes(s, all, count);
    return share_out(s, all, count, s->homes);
}

sh_err merge_side_by_side(merge *m, merged all[], size_t count, bool *any, sh_error *error)
{
    merge_workers *s = m->workers;
    size_t workers[BATCH_ENTRIES_MOST];
    *any = false;
    (void)share_out(s, all, 0, NULL);
    count = merge_is_concurrent(m) ? count_candidates(all, count) : 0;
    if (!share_out_nodes(m, all, count)) {
        (void)share_out(s, all, 0, NULL);
        return SH_OK; /* the text of an entry in pieces stays decoded */
    }
    prepare(m);
    sh_err err = read_all(s, &count, error);
    if (err == SH_OK && count > 1)
        err = group(m, all, count, error);
    for (size_t i = 0; i < count && err == SH_OK; i++)
        workers[i] = s->homes[entry_groups_first(&s->groups, i)];
    bool together = err == SH_OK && count > 1 && share_out(s, all, count, workers);
    if (together) {
        merge_workers_run(s, merge_portion_of);
        err = finish(m, all, count, any, error);
    } else {
        (void)share_out(s, all, 0, NULL);
    }
    forget_texts(s);
    if (together && err == SH_OK)
        err = error_of(s, error);
    if (together && err == SH_OK && sh_stop_requested()) /* waiting once more would take too long */
        return sh_fail(error, SH_E_STOPPED, "a batch was released because the program is stopping");
    return err;
}
