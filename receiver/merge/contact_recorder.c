/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/merge/contact_recorder.h"

#include "libcommon/base/limits.h"
#include "receiver/merge/contact_recorder_state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DUE_ENOUGH 512 /* contacts after which a run reads no further piece */
#define PIECES_MAX 16  /* that one run reads */

_Static_assert(REPORTS_DUE_MAX <= SH_QUEUE_CONTACTS_AT_ONCE, "their nodes' contacts are one call");

sh_err contact_recorder_new(contact_recorder **ret, sh_error *error)
{
    contact_recorder *r = calloc(1, sizeof *r);
    if (r == NULL)
        return sh_fail(error, SH_E_MEMORY, "no memory to record contacts");
    sh_err err = contact_slots_init(&r->slots, error);
    if (err != SH_OK) {
        free(r);
        return err;
    }
    sh_random(r->key, sizeof r->key);
    *ret = r;
    return SH_OK;
}

void contact_recorder_free(contact_recorder *r)
{
    if (r == NULL)
        return;
    contact_slots_reset(&r->slots);
    free(r);
}

void contact_recorder_clear(contact_recorder *r)
{
    contact_slots_clear(&r->slots);
    r->pass = (contact_pass){.is_under_way = false};
}

bool contact_recorder_begin(contact_recorder *r)
{
    if (r->pass.is_under_way)
        return false;
    r->pass = (contact_pass){.is_under_way = true, .cursor = SH_QUEUE_CURSOR_START};
    return true;
}

int64_t contact_recorder_count(const contact_recorder *r)
{
    return r->count;
}

/* --- Reading --------------------------------------------------------------------------------- */

static uint64_t hash_of(const contact_recorder *r, sh_slice node)
{
    return sh_short_hash(r->key, node) | 1;
}

static void add_due_contact(contact_recorder *r, sh_slice node, sh_slice mode, int64_t ms)
{
    due_item *due = &r->due[r->due_count++];
    *due = (due_item){.hash = hash_of(r, node), .ms = ms};
    (void)snprintf(due->node, sizeof due->node, "%.*s", (int)node.len, node.data);
    (void)snprintf(due->mode, sizeof due->mode, "%.*s", (int)mode.len, mode.data);
}

/* A contact that did not change is never due again, also one in the future. */
static bool is_due(const contact_recorder *r, sh_slice node, int64_t ms)
{
    const contact_slot *recorded = contact_slots_find(&r->slots, hash_of(r, node));
    int64_t recorded_ms = recorded == NULL ? 0 : (int64_t)recorded->ms;
    return recorded == NULL || (recorded->is_open && ms != recorded_ms) ||
           llabs(ms - recorded_ms) >= STEP_MS;
}

static sh_err add_contact(void *context, sh_slice node, sh_slice mode, int64_t ms, sh_error *error)
{
    contact_recorder *r = context;
    (void)error;
    r->pass.count++;
    if (node.len > SH_NODE_NAME_MAX || !is_due(r, node, ms))
        return SH_OK;
    if (r->contacts_count == DUE_MAX) {
        r->excess++;
        return SH_OK;
    }
    r->contacts_count++;
    add_due_contact(r, node, mode, ms);
    return SH_OK;
}

/*
 * Reads until enough contacts are due. A piece that has more of them than there is room for is read
 * again in the next run, in which those that this run records are not due. If that did not bring it
 * any further, as there is no memory to remember them, the rest is left to the next pass.
 */
static sh_err read_contacts(contact_recorder *r, sh_error *error)
{
    sh_err err = SH_OK;
    for (int i = 0; i < PIECES_MAX && r->pass.is_under_way && r->contacts_count < DUE_ENOUGH; i++) {
        const sh_queue_cursor piece = r->pass.cursor;
        r->excess = 0;
        err = sh_queue_contacts_next(r->queue, &r->pass.cursor, add_contact, r, error);
        if (err != SH_OK) /* from the start, in the next run */
            return err;
        bool again = r->excess > 0 && (r->pass.excess == 0 || r->excess < r->pass.excess);
        r->pass.excess = again ? r->excess : 0;
        if (again) {
            r->pass.cursor = piece;
            return SH_OK;
        }
        r->pass.is_under_way = !sh_queue_cursor_at_start(&r->pass.cursor);
        if (!r->pass.is_under_way)
            r->count = r->pass.count;
    }
    return SH_OK;
}

static sh_err add_reported_contact(void *context, sh_slice node, sh_slice mode, int64_t ms,
                                   sh_error *error)
{
    (void)error;
    add_due_contact(context, node, mode, ms);
    return SH_OK;
}

/* The contacts of nodes with a report, which end its problem if they are later. */
static sh_err read_reported_contacts(contact_recorder *r, sh_error *error)
{
    const char *nodes[REPORTS_DUE_MAX];
    for (size_t i = 0; i < r->reports_count; i++)
        nodes[i] = r->reports[i].report.node;
    return r->reports_count == 0 ? SH_OK
                                 : sh_queue_contacts_of(r->queue, nodes, r->reports_count,
                                                        add_reported_contact, r, error);
}

static bool copy_reported(sh_slice field, sh_slice value, sh_queue_reported *ret)
{
    if (field.len >= sizeof ret->field || value.len >= sizeof ret->value)
        return false;
    (void)snprintf(ret->field, sizeof ret->field, "%.*s", (int)field.len, field.data);
    (void)snprintf(ret->value, sizeof ret->value, "%.*s", (int)value.len, value.data);
    return true;
}

static sh_err add_report(void *context, sh_slice field, sh_slice value, sh_error *error)
{
    contact_recorder *r = context;
    (void)error;
    if (r->reports_count == REPORTS_DUE_MAX)
        return SH_OK;
    due_report *one = &r->reports[r->reports_count];
    one->kind = r->reading;
    if (!copy_reported(field, value, &one->text) ||
        !sh_queue_report_read(r->reading, field, value, &one->report))
        return SH_OK;
    due_item *due = &r->due[r->due_count++];
    *due = (due_item){.hash = hash_of(r, field),
                      .ms = one->report.ms,
                      .is_report = true,
                      .report = r->reports_count++};
    memcpy(due->node, one->report.node, sizeof due->node);
    return SH_OK;
}

static sh_err add_failure(void *context, sh_slice field, sh_slice value, sh_error *error)
{
    contact_recorder *r = context;
    (void)error;
    if (r->failures_count < FAILURES_DUE_MAX &&
        copy_reported(field, value, &r->failures[r->failures_count]))
        r->failures_count++;
    return SH_OK;
}

static sh_err read_due(contact_recorder *r, sh_queue *queue, sh_error *error)
{
    static const sh_reported kinds[] = {SH_REPORTED_PROBLEMS, SH_REPORTED_AGENTS,
                                        SH_REPORTED_CONFLICTS};
    r->due_count = r->contacts_count = r->reports_count = r->failures_count = 0;
    sh_err err = SH_OK;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0] && err == SH_OK; i++) {
        r->reading = kinds[i];
        err = sh_queue_reports(queue, kinds[i], add_report, r, error);
    }
    if (err == SH_OK)
        err = sh_queue_reports(queue, SH_REPORTED_AUTH_FAILURES, add_failure, r, error);
    if (err == SH_OK) /* after the reports, as the contacts may be later than they */
        err = read_reported_contacts(r, error);
    return err == SH_OK ? read_contacts(r, error) : err;
}

/* --- Removing what was recorded -------------------------------------------------------------- */

static sh_err remove_reports(const contact_recorder *r, sh_queue *queue, sh_reported kind,
                             sh_error *error)
{
    sh_queue_reported some[SH_REPORTS_AT_ONCE];
    size_t count = 0;
    sh_err err = SH_OK;
    for (size_t i = 0; i < r->reports_count && err == SH_OK; i++) {
        if (r->reports[i].kind != kind)
            continue;
        some[count++] = r->reports[i].text;
        if (count < SH_REPORTS_AT_ONCE)
            continue;
        err = sh_queue_reports_remove(queue, kind, some, count, error);
        count = 0;
    }
    return err == SH_OK && count > 0 ? sh_queue_reports_remove(queue, kind, some, count, error)
                                     : err;
}

static sh_err remove_recorded(const contact_recorder *r, sh_queue *queue, sh_error *error)
{
    sh_err err = SH_OK;
    for (sh_reported kind = 0; kind < SH_REPORTED_AUTH_FAILURES && err == SH_OK; kind++)
        err = remove_reports(r, queue, kind, error);
    for (size_t i = 0; i < r->failures_count && err == SH_OK; i += SH_REPORTS_AT_ONCE) {
        size_t rest = r->failures_count - i;
        err = sh_queue_reports_remove(queue, SH_REPORTED_AUTH_FAILURES, &r->failures[i],
                                      rest < SH_REPORTS_AT_ONCE ? rest : SH_REPORTS_AT_ONCE, error);
    }
    return err;
}

/* --- One run ---------------------------------------------------------------------------------- */

/* A contact before a problem of the same time, which came with it. */
static int by_node_and_time(const void *a, const void *b)
{
    const due_item *left = a, *right = b;
    int order = strcmp(left->node, right->node);
    if (order == 0)
        order = (left->ms > right->ms) - (left->ms < right->ms);
    return order != 0 ? order : left->is_report - right->is_report;
}

sh_err contact_recorder_run(contact_recorder *r, store *s, sh_queue *queue, bool *more,
                            sh_error *error)
{
    const contact_pass before = r->pass;
    r->queue = queue;
    sh_err err = read_due(r, queue, error);
    *more = r->pass.is_under_way || r->reports_count == REPORTS_DUE_MAX;
    if (err != SH_OK || (r->due_count == 0 && r->failures_count == 0))
        return err;
    qsort(r->due, r->due_count, sizeof r->due[0], by_node_and_time);
    err = contact_transaction_run(r, s, error);
    if (err != SH_OK) { /* the same contacts again */
        r->pass = before;
        *more = true;
        return err;
    }
    return remove_recorded(r, queue, error);
}
