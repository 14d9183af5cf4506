/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/base/clock.h"
#include "libcommon/base/limits.h"
#include "receiver/merge/contact_recorder_state.h"
#include "receiver/merge/node_info_update.h"

#include <stdlib.h>
#include <string.h>

/* What a run of the recorder writes to the database. */

#define URL_MARK "://" /* stands for a node that sent no name */

static void apply(const contact_recorder *r, const due_item *due, int64_t now_ms,
                  store_node_info *info)
{
    const due_report *one = &r->reports[due->report];
    if (!due->is_report) {
        node_info_contact(info, due->mode, due->ms, now_ms);
    } else if (one->kind == SH_REPORTED_AGENTS) {
        node_info_agent(info, &one->report);
    } else if (one->kind == SH_REPORTED_CONFLICTS) {
        node_info_conflict(info, &one->report, now_ms);
    } else {
        node_info_problem(info, &one->report, now_ms);
    }
}

static bool is_forgotten(const contact_recorder *r, const due_item *due)
{
    return due->is_report && strstr(due->node, URL_MARK) != NULL &&
           strcmp(r->reports[due->report].report.kind, "forget") == 0;
}

/* Applies the items of one node, from the first one. */
typedef struct {
    size_t count;
    int64_t contact_ms; /* of the last contact, as in Redis; 0: none */
    bool is_reported, is_forgotten;
} node_items;

static node_items apply_items(const contact_recorder *r, size_t first, int64_t now_ms,
                              store_node_info *info)
{
    node_items items = {.count = 0};
    for (; first + items.count < r->due_count; items.count++) {
        const due_item *item = &r->due[first + items.count];
        if (strcmp(item->node, r->due[first].node) != 0)
            break;
        apply(r, item, now_ms, info);
        items.is_reported = items.is_reported || item->is_report;
        items.is_forgotten = is_forgotten(r, item);
        if (!item->is_report)
            items.contact_ms = item->ms;
    }
    return items;
}

/* Whether a node's row is recent enough: a table or another receiver has brought it. */
static bool is_recent(const store_node_info *row, const store_node_info *info)
{
    return row->first_contact_ms != 0 && row->problem_ms == info->problem_ms &&
           strcmp(row->mode, info->mode) == 0 &&
           llabs(info->contact.last_ms - row->contact.last_ms) < STEP_MS;
}

/* Notes what the slot of a node will be after the commit. */
static void note_recorded(contact_recorder *r, uint64_t node, int64_t contact_ms, bool is_open)
{
    const contact_slot *before = contact_slots_find(&r->slots, node);
    uint64_t ms = contact_ms > 0 ? (uint64_t)contact_ms : before == NULL ? 0 : before->ms;
    r->recorded[r->recorded_count++] =
        (contact_slot){.node = node, .ms = ms & (UINT64_MAX >> 1), .is_open = is_open};
}

/*
 * Whether the node of an item is still known: `node forget` may have come since it was read. Asks
 * for some nodes that follow, too.
 */
static sh_err look_up_known(contact_recorder *r, size_t first, bool *ret, sh_error *error)
{
    const char *nodes[SH_QUEUE_AT_ONCE];
    bool known[SH_QUEUE_AT_ONCE];
    size_t end = first, count = 0;
    *ret = r->due[first].is_known;
    if (first < r->known_end)
        return SH_OK;
    for (; end < r->due_count; end++) {
        bool is_next = count == 0 || strcmp(nodes[count - 1], r->due[end].node) != 0;
        if (is_next && count == SH_QUEUE_AT_ONCE)
            break;
        if (is_next)
            nodes[count++] = r->due[end].node;
    }
    sh_err err = sh_queue_nodes_are_known(r->queue, nodes, count, known, error);
    if (err != SH_OK)
        return err;
    for (size_t i = first, node = 0; i < end; i++) {
        node += strcmp(nodes[node], r->due[i].node) != 0;
        r->due[i].is_known = known[node];
    }
    r->known_end = end;
    *ret = known[0];
    return SH_OK;
}

/* Records the items of one node. Returns how many there are. */
static sh_err record_node(contact_recorder *r, store *s, size_t first, size_t *count,
                          sh_error *error)
{
    const due_item *due = &r->due[first];
    int64_t now_ms = sh_clock_unix_ms();
    store_node_info row;
    bool found = false;
    sh_err err = store_node_info_get(s, due->node, &row, &found, error);
    bool known = true;
    if (err == SH_OK && !found)
        err = look_up_known(r, first, &known, error);
    if (err != SH_OK)
        return err;
    store_node_info info = row;
    memcpy(info.node, due->node, sizeof info.node);
    const node_items items = apply_items(r, first, now_ms, &info);
    *count = items.count;
    if (!known)
        return SH_OK;
    if (items.is_forgotten)
        return store_node_forget(s, due->node, &found, error);
    bool is_open = info.problem_ms > 0 && !node_info_has_content_problem(&info);
    if (found && !items.is_reported && is_recent(&row, &info)) {
        /* The next contact is due a minute after the one in the row, or if it ends a problem. */
        bool is_later = items.contact_ms > row.contact.last_ms && items.contact_ms <= now_ms;
        note_recorded(r, due->hash, is_later && !is_open ? row.contact.last_ms : items.contact_ms,
                      is_open);
        return SH_OK;
    }
    note_recorded(r, due->hash, items.contact_ms, is_open);
    return store_node_info_put(s, &info, error);
}

static sh_err record_failures(const contact_recorder *r, store *s, sh_error *error)
{
    sh_err err = SH_OK;
    for (size_t i = 0; i < r->failures_count && err == SH_OK; i++) {
        sh_queue_auth_failure f;
        if (!sh_queue_auth_failure_read(sh_slice_of(r->failures[i].field),
                                        sh_slice_of(r->failures[i].value), &f))
            continue;
        store_auth_failure failure = {
            .first_ms = f.first_ms, .last_ms = f.last_ms, .failures = f.failures};
        memcpy(failure.address, f.address, sizeof failure.address);
        memcpy(failure.node, f.node, sizeof failure.node);
        memcpy(failure.reason, f.reason, sizeof failure.reason);
        err = store_auth_failure_add(s, &failure, error);
    }
    return err == SH_OK && r->failures_count > 0
               ? store_auth_failures_trim(s, SH_AUTH_FAILURES_MAX, error)
               : err;
}

/* A node that is accepted from an address has corrected what was refused from there before. */
static sh_err end_failures(const contact_recorder *r, store *s, sh_error *error)
{
    sh_err err = SH_OK;
    for (size_t i = 0; i < r->reports_count && err == SH_OK; i++) {
        const sh_queue_report *report = &r->reports[i].report;
        store_auth_failure accepted = {.last_ms = report->ms};
        if (r->reports[i].kind != SH_REPORTED_AGENTS || report->address[0] == '\0')
            continue;
        memcpy(accepted.address, report->address, sizeof accepted.address);
        memcpy(accepted.node, report->node, sizeof accepted.node);
        err = store_auth_failure_end(s, &accepted, error);
    }
    return err;
}

sh_err contact_transaction_run(contact_recorder *r, store *s, sh_error *error)
{
    r->recorded_count = r->known_end = 0;
    sh_err err = store_begin(s, error);
    if (err != SH_OK)
        return err;
    for (size_t i = 0, count = 0; i < r->due_count && err == SH_OK; i += count)
        err = record_node(r, s, i, &count, error);
    if (err == SH_OK)
        err = record_failures(r, s, error);
    if (err == SH_OK)
        err = end_failures(r, s, error);
    if (err == SH_OK && r->reports_count > 0)
        err = store_node_strangers_trim(s, SH_STRANGERS_MAX, error);
    if (err == SH_OK)
        err = store_commit(s, error);
    if (err != SH_OK)
        store_rollback(s);
    for (size_t i = 0; i < r->recorded_count && err == SH_OK; i++)
        contact_slots_put(&r->slots, r->recorded[i]);
    return err;
}
