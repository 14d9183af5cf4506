/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/base/clock.h"
#include "libcommon/base/hex.h"
#include "libcommon/runtime/log.h"
#include "libcommon/runtime/stop.h"
#include "receiver/merge/merge_state.h"
#include "receiver/merge/node_stats.h"
#include "receiver/merge/retry_policy.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* One transaction of entries that are merged together. */

#define STOP_BATCH_MS 3000 /* at a stop, a batch that takes longer is released */

/*
 * Counts the attempt of a suspect entry in advance, but only after the transaction has the
 * database's lock, so that a receiver killed while waiting does not count. True if the entry must
 * be merged.
 */
static bool count_suspect(merge *m, portion *p, sh_err *err, sh_error *error)
{
    merged *one = &p->all[0];
    int64_t times = 0;
    *err = queue_failed(m->queue, one->entry->id, &times, error);
    if (*err == SH_OK || *err == SH_E_NETWORK) /* after SH_E_NETWORK it may have been counted */
        (void)snprintf(m->counted, sizeof m->counted, "%s", one->entry->id);
    if (*err != SH_OK || retry_before(one->deliveries, times) != RETRY_DEAD_LETTER)
        return *err == SH_OK;
    (void)sh_envelope_peek(one->entry->envelope, &one->result.header, NULL);
    one->outcome = ENTRY_POISON;
    p->tried = 1;
    (void)snprintf(one->reason, sizeof one->reason,
                   "the receiver died %" PRId64 " times while merging it", times - 1);
    one->is_hubs_fault = true;
    return false;
}

/* Records what was merged, and whose content was rejected. */
static sh_err record_all(const entry_merger *merger, const portion *p, sh_error *error)
{
    merged_entry entries[BATCH_ENTRIES_MOST];
    size_t count = 0;
    for (size_t i = 0; i < p->tried; i++) {
        merged *one = &p->all[i];
        bool devices = one->result.header.kind == SH_KIND_DEVICES;
        bool refused = one->outcome == ENTRY_POISON && one->result.is_refused;
        assert(count < BATCH_ENTRIES_MOST);
        if (refused || one->outcome == ENTRY_MERGED || (one->outcome == ENTRY_PIECE && devices))
            entries[count++] = (merged_entry){.entry = one->entry,
                                              .result = &one->result,
                                              .refused = refused ? one->reason : NULL};
    }
    return merge_record(merger, entries, count, error);
}

/* Whether the i-th entry must wait for the next transaction. */
static bool waits_for_next(const entry_merger *merger, portion *p, size_t i)
{
    if (i == 0)
        return false;
    p->late = sh_clock_monotonic_ms() - p->begun_ms >= merger->pace.begin_ms ||
              merger->seen.count >= SIGHTINGS_MANY;
    return p->late || merger->pace.pauses; /* each is handed over without the lock */
}

/*
 * The entries of the portion behind the i-th. None if that has the transaction for itself, or will
 * probably take all its time, as another transaction began it.
 */
static entries_ahead ahead_of(const entry_merger *merger, const portion *p, size_t i,
                              bool continues)
{
    entries_ahead next = {{NULL}};
    if (merger->pace.pauses || continues)
        return next;
    for (size_t at = 0; at < ENTRIES_AHEAD_MAX && i + 1 + at < p->count; at++)
        next.all[at] = p->all[i + 1 + at].entry;
    return next;
}

static void merge_one(entry_merger *merger, const entry_progress *earlier, portion *p, size_t i,
                      sh_error *reason)
{
    merged *one = &p->all[i];
    int64_t begun_ms = sh_clock_monotonic_ms();
    const entry_result *progress = entry_progress_find(earlier, one->entry->id);
    const entries_ahead next = ahead_of(merger, p, i, progress != NULL);
    one->result = progress != NULL ? *progress : (entry_result){.rows = 0};
    one->outcome = entry_merge(merger, one->entry, &next, &one->result, reason);
    one->took_ms = sh_clock_monotonic_ms() - begun_ms;
    one->is_hubs_fault = one->result.is_foreign;
    (void)snprintf(one->reason, sizeof one->reason, "%.*s", (int)sizeof one->reason - 1,
                   reason->message);
    p->tried = i + 1;
}

sh_err merge_entries(entry_merger *merger, const entry_progress *progress, portion *p, bool *again,
                     sh_error *error)
{
    sightings_clear(&merger->seen);
    merger->sightings = store_has_presence(merger->store) ? &merger->seen : NULL;
    p->begun_ms = sh_clock_monotonic_ms();
    p->late = false;
    merger->until_ms = p->begun_ms + merger->pace.end_ms;
    for (size_t i = 0; i < p->count && !waits_for_next(merger, p, i); i++) {
        if (sh_stop_requested() && sh_clock_monotonic_ms() - p->begun_ms > STOP_BATCH_MS)
            return sh_fail(error, SH_E_STOPPED,
                           "a batch was released because the program is stopping");
        sh_service_alive();
        sh_error reason = {0};
        merge_one(merger, progress, p, i, &reason);
        retry_action action = retry_after(p->all[i].outcome);
        *again = action == RETRY_AGAIN;
        if (*again || action == RETRY_WAIT)
            return sh_fail(error, reason.code, "%s", reason.message);
        if (action == RETRY_CONTINUE) {
            p->late = true;
            break;
        }
    }
    if (p->tried > 0 && p->all[p->tried - 1].outcome != ENTRY_PIECE)
        entry_prepared_free(merger); /* comparing presence takes much memory itself */
    sh_err err = record_all(merger, p, error);
    return err == SH_OK ? store_commit(merger->store, error) : err;
}

/* Tables of which rows were skipped that must be inserted now are merged again. */
static void use_blocklist(merge *m, bool readmits)
{
    m->merger.skip_macs = m->blocklist.skipped;
    if (!readmits)
        return;
    entry_progress_reset(&m->progress);
    m->published = false; /* publish the digests again, of which the database has none now */
}

/*
 * A database that was opened may have digests of tables that were merged by other rules, and loses
 * them. Whoever changed the rules of an open one has deleted the digests in that transaction.
 */
static sh_err note_rules(merge *m, sh_error *error)
{
    const uint8_t *rules = skip_rules_digest(m->blocklist.skipped);
    if (m->rules_noted && memcmp(rules, m->rules, sizeof m->rules) == 0)
        return SH_OK;
    char hex[SH_DIGEST_HEX_BYTES];
    sh_hex_encode(rules, SH_DIGEST_BYTES, hex);
    sh_err err = m->rules_noted
                     ? store_meta_set(m->merger.store, STORE_META_RULES, hex, true, error)
                     : store_rules_note(m->merger.store, rules, error);
    if (err != SH_OK)
        return err;
    (void)memcpy(m->rules, rules, sizeof m->rules);
    m->rules_noted = true;
    return SH_OK;
}

sh_err merge_look_at_blocklist(merge *m, sh_error *error)
{
    bool readmits = false;
    sh_err err = blocklist_refresh(&m->blocklist, m->merger.store, &readmits, error);
    use_blocklist(m, readmits);
    return err == SH_OK ? note_rules(m, error) : err;
}

/* The list that is valid until the transaction ends. */
static sh_err begin_transaction(merge *m, sh_error *error)
{
    bool readmits = false;
    sh_err err = store_begin(m->merger.store, error);
    if (err != SH_OK)
        return err;
    err = blocklist_hold(&m->blocklist, m->merger.store, &readmits, error);
    use_blocklist(m, readmits);
    if (err != SH_OK)
        store_rollback(m->merger.store);
    return err;
}

/*
 * The work of a failed entry must be rolled back without that of the others. Savepoints are
 * expensive: SQLite first saves each page that an entry changes to a file, which takes a third of
 * the time in a large database. As failures are rare, savepoints are set only after one, and the
 * transaction is repeated.
 */
static sh_err merge_again(merge *m, portion *p, sh_error *error)
{
    bool again = false;
    entry_decoder_rest(m->merger.opener);
    store_rollback(m->merger.store);
    sh_error_clear(error);
    sh_err err = begin_transaction(m, error);
    m->merger.savepoints = true;
    if (err == SH_OK)
        err = merge_entries(&m->merger, &m->progress, p, &again, error);
    m->merger.savepoints = false;
    return err;
}

void merge_note_time(merge *m)
{
    claim_keeper_active(m->claims);
    m->merger.pace = store_pace_of(m->merger.store);
    m->merger.now_ms = sh_clock_unix_ms();
    sh_clock_datetime(m->merger.now_ms, m->merger.now);
}

/*
 * Leaves the database unlocked for NetAlertX between two transactions, and does work meanwhile that
 * needs no lock.
 */
static sh_err wait_for_turn(merge *m, const portion *p, sh_error *error)
{
    merge_note_time(m);
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

sh_err merge_transact(merge *m, portion *p, sh_error *error)
{
    sh_err err = wait_for_turn(m, p, error);
    if (err == SH_OK)
        err = begin_transaction(m, error);
    if (err != SH_OK)
        return err;
    int64_t locked_ms = sh_clock_monotonic_ms();
    bool again = false;
    bool counted = !p->suspect || count_suspect(m, p, &err, error);
    if (counted)
        err = merge_entries(&m->merger, &m->progress, p, &again, error);
    if (again)
        err = merge_again(m, p, error);
    entry_decoder_rest(m->merger.opener);
    if (err != SH_OK || !counted || !p->late)
        entry_prepared_free(&m->merger); /* otherwise an entry continues soon */
    if (err != SH_OK || !counted)
        store_rollback(m->merger.store);
    else
        merge_count_history(m, p);
    sightings_clear(&m->merger.seen);
    int64_t now_ms = sh_clock_monotonic_ms();
    m->unlocked_until_ms = now_ms + (now_ms - locked_ms);
    return err;
}
