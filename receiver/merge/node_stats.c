/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/merge/node_stats.h"

#include "libcommon/base/cleanup.h"
#include "libcommon/base/limits.h"
#include "receiver/merge/content_problem.h"
#include "receiver/merge/presence.h"
#include "receiver/merge/presence_fingerprint.h"
#include "receiver/merge/table_order.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* An entry and its position in the order of the merges. */
typedef struct {
    const merged_entry *entry;
    size_t place;
} placed;

static int by_node_and_place(const void *a, const void *b)
{
    const placed *left = a;
    const placed *right = b;
    int order = strcmp(left->entry->result->header.node, right->entry->result->header.node);
    return order != 0 ? order : (left->place > right->place) - (left->place < right->place);
}

/* The record of a table, except for what the database already has about its node. */
static store_node node_of(const merged_entry *table)
{
    const entry_result *result = table->result;
    const sh_envelope_header *header = &result->header;
    bool pulled = sh_slice_equals(table->entry->mode, SH_SLICE("pull"));
    store_node node = {
        .sent = result->rows,
        .inserted = result->inserted - result->recorded,
        .known = result->known,
        .skipped = result->skipped,
        .set_aside = result->set_aside,
        .has_digest = true,
        .newest = {.order = table_order_of(table->entry->id), .sealed_ms = header->time_ms},
    };
    memcpy(node.node, header->node, sizeof node.node);
    memcpy(node.digest, header->digest, sizeof node.digest);
    memcpy(node.newest.digest, header->digest, sizeof node.newest.digest);
    memcpy(node.mode, pulled ? "pull" : "push", sizeof "pull");
    if (header->parts > 1 && result->reason[0] != '\0')
        (void)snprintf(node.reason, sizeof node.reason, "part %u, %.*s", header->part + 1,
                       (int)sizeof node.reason - 20, result->reason);
    else
        memcpy(node.reason, result->reason, sizeof node.reason);
    return node;
}

/*
 * The times of a node's merges increase, whichever receiver merges, so that the later of two
 * digests that are published concurrently wins. A time in the future was recorded before the clock
 * was set back.
 */
static int64_t next_merged_ms(int64_t last_ms, int64_t now_ms)
{
    return last_ms >= now_ms && last_ms < now_ms + SH_CLOCK_SKEW_MAX_S * 1000LL ? last_ms + 1
                                                                                : now_ms;
}

/* A table counts as a contact at the time when it was queued. */
static node_contact contact_of(const store_node *before, int64_t order, int64_t now_ms)
{
    int64_t queued_ms = order / 1000;
    int64_t contact_ms = queued_ms > 0 && queued_ms < now_ms ? queued_ms : now_ms;
    const node_contact *last = &before->contact;
    return last->last_ms >= contact_ms && last->last_ms <= now_ms
               ? *last
               : node_contact_next(last, contact_ms);
}

/* Records the counters; *is_whole: all of the table is merged now. */
static sh_err record_counters(store *s, const merged_entry *table, const store_part *part,
                              bool *is_whole, sh_error *error)
{
    *is_whole = false;
    if (table->result->is_piece)
        return store_node_add(s, part->of, error);
    if (part->parts > 1)
        return store_part_record(s, part, is_whole, error);
    *is_whole = true;
    return store_node_record(s, part->of, error);
}

/*
 * Most tables report the same presence as the one before, which a fingerprint detects. 0 for a
 * table that is merged in pieces or comes in parts.
 */
static int64_t fingerprint_of(const entry_merger *m, const merged_entry *table)
{
    const entry_result *result = table->result;
    bool single = !result->is_piece && result->header.parts <= 1;
    return m->sightings != NULL && single ? presence_fingerprint(m->sightings, &result->sighted)
                                          : 0;
}

/*
 * Whether no row of a table could be identified, as those of an old NetAlertX with other columns.
 * That does not mean that all devices are gone.
 */
static bool is_unreadable(const entry_result *result)
{
    return result->rows > 0 && result->set_aside == result->rows;
}

/*
 * Records a table whose node is locked; ignores the presence in a table that is older than the
 * newest one, or has no valid row.
 */
static sh_err record_table(const entry_merger *m, const merged_entry *table,
                           const store_node *before, const store_part *of_node, sh_error *error)
{
    entry_result *result = table->result;
    store_node node = *of_node->of;
    store_part part = *of_node;
    bool is_older = table_is_older(&node.newest, &before->newest, m->now_ms);
    bool is_whole = false;
    if (is_older) {
        node.newest = before->newest;
        node.has_digest = false; /* so the node sends it in full again */
    }
    bool is_ignored = is_older || is_unreadable(result);
    node.presence_fingerprint =
        is_ignored ? before->presence_fingerprint : fingerprint_of(m, table);
    part.of = &node;
    sh_err err = record_counters(m->store, table, &part, &is_whole, error);
    result->whole = is_whole && !is_older;
    const presence_table presence = {
        .node = node.node,
        .from = m->sightings,
        .range = result->sighted,
        .now_ms = m->now_ms,
        .contact_ms = before->contact.last_ms,
        .is_whole = is_whole,
        .last_part = part.parts > 1 ? &part : NULL,
    };
    bool is_same =
        node.presence_fingerprint != 0 && node.presence_fingerprint == before->presence_fingerprint;
    if (err == SH_OK && m->sightings != NULL && !is_ignored && !is_same)
        err = presence_update(m->store, &presence, error);
    return err == SH_OK && is_whole && part.parts > 1 ? store_parts_end(m->store, &part, error)
                                                      : err;
}

static sh_err record_devices(const entry_merger *m, const merged_entry *table, sh_error *error)
{
    entry_result *result = table->result;
    const sh_envelope_header *header = &result->header;
    SH_CLEANUP(sh_buf_reset) sh_buf keys = SH_BUF_INIT(SH_ROWS_MAX * SIGHTING_KEY_BYTES);
    store_node before;
    store_node node = node_of(table);
    store_part part = {.of = &node, .part = header->part, .parts = header->parts};
    sh_err err = store_node_lock(m->store, node.node, true, &before, error);
    if (err != SH_OK)
        return err;
    node.merged_ms = next_merged_ms(before.merged_ms, m->now_ms);
    node.contact = contact_of(&before, node.newest.order, m->now_ms);
    node.changed_ms =
        before.changed_ms > 0 && memcmp(before.newest.digest, node.digest, SH_DIGEST_BYTES) == 0
            ? before.changed_ms
            : m->now_ms;
    result->merged_ms = node.merged_ms;
    if (m->sightings != NULL && part.parts > 1 && !result->is_piece) {
        if (sh_buf_reserve(&keys, SIGHTING_KEY_BYTES) != SH_OK ||
            sightings_write_keys(m->sightings, &result->sighted, &keys) != SH_OK)
            return sh_fail(error, SH_E_MEMORY, "no memory to record a merge");
        part.keys = (sh_slice){keys.data, keys.len};
    }
    err = record_table(m, table, &before, &part, error);
    return err == SH_OK && before.has_content_problem && result->whole
               ? content_problem_clear(m->store, node.node, error)
               : err;
}

static sh_err record(const entry_merger *m, const merged_entry *one, sh_error *error)
{
    const sh_envelope_header *header = &one->result->header;
    if (one->refused != NULL)
        return content_problem_set(m->store, header, one->refused, m->now_ms, error);
    return header->kind == SH_KIND_DEVICES ? record_devices(m, one, error)
                                           : content_problem_clear(m->store, header->node, error);
}

sh_err merge_record(const entry_merger *m, const merged_entry entries[], size_t count,
                    sh_error *error)
{
    if (count == 0)
        return SH_OK;
    SH_CLEANUP(sh_free_cleanup) placed *order = calloc(count, sizeof *order);
    if (order == NULL)
        return sh_fail(error, SH_E_MEMORY, "no memory to record a merge");
    for (size_t i = 0; i < count; i++)
        order[i] = (placed){.entry = &entries[i], .place = i};
    qsort(order, count, sizeof *order, by_node_and_place);
    sh_err err = SH_OK;
    for (size_t i = 0; i < count && err == SH_OK; i++)
        err = record(m, order[i].entry, error);
    return err;
}
