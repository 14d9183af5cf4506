/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/base/clock.h"
#include "libcommon/base/limits.h"
#include "receiver/merge/contact_recorder_state.h"
#include "receiver/merge/node_info_update.h"
#include "receiver/store/store_node_infos.h"

#include <stdlib.h>
#include <string.h>

/* What a run of the recorder writes to the database. */

_Static_assert(STORE_NODE_INFOS_AT_ONCE <= SH_QUEUE_AT_ONCE, "Redis is asked about them at once");

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

/* Some nodes with items, whose rows are read, and then written, in one exchange each. */
typedef struct {
    size_t count, end; /* nodes; the item after their last one */
    size_t first[STORE_NODE_INFOS_AT_ONCE];
    const char *nodes[STORE_NODE_INFOS_AT_ONCE];
    store_node_info rows[STORE_NODE_INFOS_AT_ONCE], infos[STORE_NODE_INFOS_AT_ONCE];
    bool found[STORE_NODE_INFOS_AT_ONCE], known[STORE_NODE_INFOS_AT_ONCE];
    const store_node_info *changed[STORE_NODE_INFOS_AT_ONCE];
    size_t changed_count;
} node_group;

static void collect(const contact_recorder *r, size_t first, node_group *ret)
{
    ret->count = ret->changed_count = 0;
    for (ret->end = first; ret->end < r->due_count; ret->end++) {
        const char *node = r->due[ret->end].node;
        if (ret->count > 0 && strcmp(ret->nodes[ret->count - 1], node) == 0)
            continue;
        if (ret->count == STORE_NODE_INFOS_AT_ONCE)
            return;
        ret->first[ret->count] = ret->end;
        ret->nodes[ret->count++] = node;
    }
}

/* `node forget` may have come since nodes without a row were read from Redis. */
static sh_err look_up_known(const contact_recorder *r, node_group *g, sh_error *error)
{
    const char *nodes[STORE_NODE_INFOS_AT_ONCE];
    size_t places[STORE_NODE_INFOS_AT_ONCE], count = 0;
    bool known[STORE_NODE_INFOS_AT_ONCE];
    for (size_t i = 0; i < g->count; i++) {
        g->known[i] = g->found[i];
        if (g->found[i])
            continue;
        places[count] = i;
        nodes[count++] = g->nodes[i];
    }
    sh_err err = count > 0 ? sh_queue_nodes_are_known(r->queue, nodes, count, known, error) : SH_OK;
    for (size_t i = 0; i < count && err == SH_OK; i++)
        g->known[places[i]] = known[i];
    return err;
}

/* Applies the items of one node, and notes whether its row must be written. */
static sh_err record_node(contact_recorder *r, store *s, node_group *g, size_t i, sh_error *error)
{
    const store_node_info *row = &g->rows[i];
    store_node_info *info = &g->infos[i];
    const due_item *due = &r->due[g->first[i]];
    int64_t now_ms = sh_clock_unix_ms();
    *info = *row;
    memcpy(info->node, due->node, sizeof info->node);
    const node_items items = apply_items(r, g->first[i], now_ms, info);
    if (!g->known[i])
        return SH_OK;
    bool found = false;
    if (items.is_forgotten)
        return store_node_forget(s, due->node, &found, error);
    bool is_open = info->problem_ms > 0 && !node_info_has_content_problem(info);
    if (!g->found[i] || items.is_reported || !is_recent(row, info)) {
        note_recorded(r, due->hash, items.contact_ms, is_open);
        g->changed[g->changed_count++] = info;
        return SH_OK;
    }
    /* The next contact is due a minute after the one in the row, or if it ends a problem. */
    bool is_later = items.contact_ms > row->contact.last_ms && items.contact_ms <= now_ms;
    note_recorded(r, due->hash, is_later && !is_open ? row->contact.last_ms : items.contact_ms,
                  is_open);
    return SH_OK;
}

/* Records the items of some nodes, from the first item; *end: the one after them. */
static sh_err record_group(contact_recorder *r, store *s, size_t first, size_t *end, node_group *g,
                           sh_error *error)
{
    collect(r, first, g);
    *end = g->end;
    sh_err err = store_node_infos_get(s, g->nodes, g->count, g->rows, g->found, error);
    if (err == SH_OK)
        err = look_up_known(r, g, error);
    for (size_t i = 0; i < g->count && err == SH_OK; i++)
        err = record_node(r, s, g, i, error);
    return err == SH_OK && g->changed_count > 0
               ? store_node_infos_put(s, g->changed, g->changed_count, error)
               : err;
}

static sh_err record_nodes(contact_recorder *r, store *s, sh_error *error)
{
    node_group *group = malloc(sizeof *group);
    if (group == NULL)
        return sh_fail(error, SH_E_MEMORY, "no memory to record contacts");
    sh_err err = SH_OK;
    for (size_t i = 0, end = 0; i < r->due_count && err == SH_OK; i = end)
        err = record_group(r, s, i, &end, group, error);
    free(group);
    return err;
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
    r->recorded_count = 0;
    sh_err err = store_begin(s, error);
    if (err != SH_OK)
        return err;
    err = record_nodes(r, s, error);
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
