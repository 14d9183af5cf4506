/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/merge/contact_recorder.h"

#include "libcommon/base/clock.h"
#include "libcommon/base/limits.h"
#include "libcommon/crypto/crypto.h"
#include "libcommon/queue/queue_reports.h"
#include "receiver/merge/node_info_update.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DUE_MAX 1024         /* contacts in one transaction */
#define REPORTS_DUE_MAX 512  /* reports in one transaction */
#define FAILURES_DUE_MAX 256 /* refused requests in one transaction */
#define STEP_MS 60000        /* minimum difference to the recorded contact */
#define SLOTS_FIRST 1024     /* a power of two, at most three quarters in use */
#define SLOTS_MAX (1U << 20) /* with more nodes, all are written again */
#define URL_MARK "://"       /* stands for a node that sent no name */

typedef struct {
    uint64_t node; /* hash of its name; 0: free */
    int64_t ms;    /* recorded */
    bool open;     /* it has a problem, which a contact ends */
} slot;

/* A contact or a report. */
typedef struct {
    char node[SH_NODE_NAME_MAX + 1];
    char mode[8]; /* of a contact */
    uint64_t hash;
    int64_t ms;
    bool is_report;
    size_t report; /* its index */
} due_item;

typedef struct {
    sh_reported kind;
    sh_queue_reported text; /* as in Redis */
    sh_queue_report report;
} due_report;

struct contact_recorder {
    uint8_t key[SH_SHORT_KEY_BYTES];
    slot *slots;
    size_t size, count;
    due_item due[DUE_MAX + REPORTS_DUE_MAX];
    size_t due_count, contacts_count;
    due_report reports[REPORTS_DUE_MAX];
    size_t reports_count;
    sh_reported reading; /* kind of the reports being read */
    sh_queue *queue;     /* borrowed for one run */
    sh_queue_reported failures[FAILURES_DUE_MAX];
    size_t failures_count;
};

sh_err contact_recorder_new(contact_recorder **ret, sh_error *error)
{
    contact_recorder *r = calloc(1, sizeof *r);
    if (r != NULL)
        r->slots = calloc(SLOTS_FIRST, sizeof *r->slots);
    if (r == NULL || r->slots == NULL) {
        free(r);
        return sh_fail(error, SH_E_MEMORY, "no memory to record contacts");
    }
    r->size = SLOTS_FIRST;
    sh_random(r->key, sizeof r->key);
    *ret = r;
    return SH_OK;
}

void contact_recorder_free(contact_recorder *r)
{
    if (r == NULL)
        return;
    free(r->slots);
    free(r);
}

void contact_recorder_clear(contact_recorder *r)
{
    memset(r->slots, 0, r->size * sizeof *r->slots);
    r->count = 0;
}

static slot *find_slot(slot *slots, size_t size, uint64_t hash)
{
    size_t at = (size_t)hash & (size - 1);
    while (slots[at].node != 0 && slots[at].node != hash)
        at = (at + 1) & (size - 1);
    return &slots[at];
}

static void grow(contact_recorder *r)
{
    size_t size = 2 * r->size;
    slot *slots = size > SLOTS_MAX ? NULL : calloc(size, sizeof *slots);
    if (slots == NULL) {
        contact_recorder_clear(r);
        return;
    }
    for (size_t i = 0; i < r->size; i++)
        if (r->slots[i].node != 0)
            *find_slot(slots, size, r->slots[i].node) = r->slots[i];
    free(r->slots);
    r->slots = slots;
    r->size = size;
}

/* The slot of a node, added if there is none. */
static slot *slot_of(contact_recorder *r, uint64_t hash)
{
    slot *s = find_slot(r->slots, r->size, hash);
    if (s->node != 0)
        return s;
    if (4 * (r->count + 1) > 3 * r->size)
        grow(r);
    s = find_slot(r->slots, r->size, hash);
    r->count += s->node == 0;
    *s = (slot){.node = hash};
    return s;
}

/* --- Reading --------------------------------------------------------------------------------- */

static uint64_t hash_of(const contact_recorder *r, sh_slice node)
{
    return sh_short_hash(r->key, node) | 1;
}

static sh_err add_contact(void *context, sh_slice node, sh_slice mode, int64_t ms, sh_error *error)
{
    contact_recorder *r = context;
    (void)error;
    uint64_t hash = hash_of(r, node);
    const slot *recorded = find_slot(r->slots, r->size, hash);
    if (r->contacts_count == DUE_MAX || node.len > SH_NODE_NAME_MAX ||
        (recorded->node != 0 && !(recorded->open && ms != recorded->ms) &&
         llabs(ms - recorded->ms) < STEP_MS))
        return SH_OK;
    r->contacts_count++;
    due_item *due = &r->due[r->due_count++];
    *due = (due_item){.hash = hash, .ms = ms};
    (void)snprintf(due->node, sizeof due->node, "%.*s", (int)node.len, node.data);
    (void)snprintf(due->mode, sizeof due->mode, "%.*s", (int)mode.len, mode.data);
    return SH_OK;
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
    slot_of(r, due->hash)->open = true; /* so that its contact is recorded with it */
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
    return err == SH_OK ? sh_queue_contacts(queue, add_contact, r, error) : err;
}

/* --- Recording ------------------------------------------------------------------------------- */

/* A contact before a problem of the same time, which came with it. */
static int by_node_and_time(const void *a, const void *b)
{
    const due_item *left = a, *right = b;
    int order = strcmp(left->node, right->node);
    if (order == 0)
        order = (left->ms > right->ms) - (left->ms < right->ms);
    return order != 0 ? order : left->is_report - right->is_report;
}

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

/* Records the items of one node. Returns how many there are. */
static sh_err record_node(contact_recorder *r, store *s, size_t first, size_t *count,
                          sh_error *error)
{
    const due_item *due = &r->due[first];
    int64_t now_ms = sh_clock_unix_ms();
    store_node_info info;
    bool found = false, forgotten = false;
    sh_err err = store_node_info_get(s, due->node, &info, &found, error);
    bool known = true;
    if (err == SH_OK && !found) /* `node forget` may have come since it was read */
        err = sh_queue_node_is_known(r->queue, due->node, &known, error);
    if (err != SH_OK)
        return err;
    memcpy(info.node, due->node, sizeof info.node);
    for (*count = 0; first + *count < r->due_count; ++*count) {
        const due_item *item = &r->due[first + *count];
        if (strcmp(item->node, due->node) != 0)
            break;
        forgotten = is_forgotten(r, item);
        apply(r, item, now_ms, &info);
    }
    slot *recorded = slot_of(r, due->hash);
    recorded->open = info.problem_ms > 0 && !node_info_has_content_problem(&info);
    recorded->ms = info.contact.last_ms;
    if (!known)
        return SH_OK;
    return forgotten ? store_node_forget(s, due->node, &found, error)
                     : store_node_info_put(s, &info, error);
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

static sh_err record_due(contact_recorder *r, store *s, sh_error *error)
{
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
    if (err != SH_OK) {
        store_rollback(s);
        contact_recorder_clear(r);
    }
    return err;
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

sh_err contact_recorder_run(contact_recorder *r, store *s, sh_queue *queue, bool *more,
                            sh_error *error)
{
    r->queue = queue;
    sh_err err = read_due(r, queue, error);
    *more = r->contacts_count == DUE_MAX || r->reports_count == REPORTS_DUE_MAX;
    if (err != SH_OK || (r->due_count == 0 && r->failures_count == 0))
        return err;
    qsort(r->due, r->due_count, sizeof r->due[0], by_node_and_time);
    err = record_due(r, s, error);
    return err == SH_OK ? remove_recorded(r, queue, error) : err;
}
