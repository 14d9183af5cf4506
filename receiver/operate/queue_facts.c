/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/operate/queue_facts.h"

#include "libcommon/queue/queue_reports.h"

#include <stdlib.h>
#include <string.h>

/* --- Reading --------------------------------------------------------------------------------- */

typedef enum { CONTACT, AGENT, PROBLEM, CONFLICT, AUTH_FAILURE, QUEUED, DEAD, KINDS } fact_kind;

struct queue_fact {
    fact_kind kind;
    sh_slice field, value; /* a node; a mode, or the value of a report */
    int64_t number;        /* time of a contact; entries */
};

/* While facts of one kind are read. */
typedef struct {
    queue_facts *facts;
    fact_kind kind;
} fact_reader;

static sh_err keep_text(queue_facts *facts, sh_slice text, sh_slice *ret, sh_error *error)
{
    char *copy = text.len == 0 ? NULL : sh_arena_take(&facts->texts, text.len);
    *ret = (sh_slice){"", 0};
    if (text.len == 0)
        return SH_OK;
    if (copy == NULL)
        return sh_fail(error, SH_E_MEMORY, "out of memory");
    memcpy(copy, text.data, text.len);
    *ret = (sh_slice){copy, text.len};
    return SH_OK;
}

static sh_err keep(fact_reader *reader, queue_fact fact, sh_error *error)
{
    queue_facts *f = reader->facts;
    if (f->count == f->capacity) {
        size_t capacity = f->capacity == 0 ? 256 : 2 * f->capacity;
        queue_fact *facts = reallocarray(f->facts, capacity, sizeof *facts);
        if (facts == NULL)
            return sh_fail(error, SH_E_MEMORY, "out of memory");
        f->facts = facts;
        f->capacity = capacity;
    }
    fact.kind = reader->kind;
    sh_err err = keep_text(f, fact.field, &fact.field, error);
    if (err == SH_OK)
        err = keep_text(f, fact.value, &fact.value, error);
    if (err == SH_OK)
        f->facts[f->count++] = fact;
    return err;
}

static sh_err keep_contact(void *context, sh_slice node, sh_slice mode, int64_t ms, sh_error *error)
{
    return keep(context, (queue_fact){.field = node, .value = mode, .number = ms}, error);
}

static sh_err keep_report(void *context, sh_slice field, sh_slice value, sh_error *error)
{
    return keep(context, (queue_fact){.field = field, .value = value}, error);
}

static sh_err keep_held(void *context, sh_slice node, int64_t entries, sh_error *error)
{
    return keep(context, (queue_fact){.field = node, .number = entries}, error);
}

sh_err queue_facts_read(sh_queue *queue, queue_facts *ret, sh_queue_depth *depth, sh_error *error)
{
    static const struct {
        sh_reported reported;
        fact_kind kind;
    } reports[] = {{SH_REPORTED_PROBLEMS, PROBLEM},
                   {SH_REPORTED_AGENTS, AGENT},
                   {SH_REPORTED_CONFLICTS, CONFLICT},
                   {SH_REPORTED_AUTH_FAILURES, AUTH_FAILURE}};
    fact_reader reader = {ret, CONTACT};
    sh_err err = sh_queue_depth_get(queue, depth, error);
    if (err == SH_OK)
        err = sh_queue_contacts(queue, keep_contact, &reader, error);
    for (size_t i = 0; i < sizeof reports / sizeof reports[0] && err == SH_OK; i++) {
        reader.kind = reports[i].kind;
        err = sh_queue_reports(queue, reports[i].reported, keep_report, &reader, error);
    }
    reader.kind = QUEUED;
    if (err == SH_OK)
        err = sh_queue_held(queue, false, keep_held, &reader, error);
    reader.kind = DEAD;
    return err == SH_OK ? sh_queue_held(queue, true, keep_held, &reader, error) : err;
}

void queue_facts_reset(queue_facts *facts)
{
    free(facts->facts);
    sh_arena_reset(&facts->texts);
    *facts = (queue_facts){.count = 0};
}

/* --- Adding them to the overview ------------------------------------------------------------- */

static sh_err add_contact(node_overview *o, const queue_fact *fact, node_row *row, sh_error *error)
{
    node_row_info *info = &row->info;
    sh_err err = SH_OK;
    if (info->first_contact_ms == 0)
        info->first_contact_ms = fact->number;
    if (fact->number > info->contact.last_ms) {
        info->contact.last_ms = fact->number;
        err = node_row_text(o, fact->value, &info->mode, error);
    }
    return err;
}

static sh_err add_problem(node_overview *o, const queue_fact *fact, node_row *row, sh_error *error)
{
    sh_queue_report report;
    node_row_info *info = &row->info;
    if (!sh_queue_report_read(SH_REPORTED_PROBLEMS, fact->field, fact->value, &report) ||
        report.problem_ms < info->problem_seen_ms)
        return SH_OK;
    bool content =
        info->problem_ms > 0 && node_problem_is_content(info->problem_kind, info->problem_status);
    bool same = info->problem_ms > 0 && strcmp(info->problem_kind, report.kind) == 0 &&
                info->problem_seen_ms >= info->contact.last_ms;
    if (content && (strcmp(report.kind, NODE_PROBLEM_CONTENT) == 0 ||
                    node_problem_is_own(report.kind, report.status)))
        return SH_OK;
    info->problem_ms = same ? info->problem_ms : report.problem_ms;
    info->problem_seen_ms = report.problem_ms;
    info->problem_status = report.status;
    sh_err err = node_row_text(o, sh_slice_of(report.kind), &info->problem_kind, error);
    return err == SH_OK ? node_row_text(o, sh_slice_of(report.text), &info->problem_text, error)
                        : err;
}

static sh_err add_agent(node_overview *o, const queue_fact *fact, node_row *row, sh_error *error)
{
    sh_queue_report report;
    node_row_info *info = &row->info;
    if (!sh_queue_report_read(SH_REPORTED_AGENTS, fact->field, fact->value, &report))
        return SH_OK;
    info->contact.reported_ms = report.interval_s * 1000;
    if (info->contact.reported_ms > 0)
        info->contact.interval_ms = info->contact.reported_ms;
    sh_err err = node_row_text(o, sh_slice_of(report.agent), &info->agent, error);
    if (err == SH_OK)
        err = node_row_text(o, sh_slice_of(report.instance), &info->instance, error);
    return err == SH_OK ? node_row_text(o, sh_slice_of(report.protocol), &info->protocol, error)
                        : err;
}

static sh_err add_conflict(node_overview *o, const queue_fact *fact, node_row *row, sh_error *error)
{
    sh_queue_report report;
    if (!sh_queue_report_read(SH_REPORTED_CONFLICTS, fact->field, fact->value, &report) ||
        report.ms < row->info.conflict_ms)
        return SH_OK;
    row->info.conflict_ms = report.ms;
    return node_row_text(o, sh_slice_of(report.conflict), &row->info.conflict_text, error);
}

static sh_err add_queued(node_overview *o, const queue_fact *fact, node_row *row, sh_error *error)
{
    (void)o;
    (void)error;
    row->queue = fact->number;
    return SH_OK;
}

static sh_err add_dead(node_overview *o, const queue_fact *fact, node_row *row, sh_error *error)
{
    (void)o;
    (void)error;
    row->dead = fact->number;
    return SH_OK;
}

/* Of nodes that are known otherwise. */
static sh_err add_failure(node_overview *o, const queue_fact *fact, sh_error *error)
{
    sh_queue_auth_failure failure;
    node_row *row = NULL;
    if (!sh_queue_auth_failure_read(fact->field, fact->value, &failure))
        return SH_OK;
    sh_err err = node_row_of(o, sh_slice_of(failure.node), false, &row, error);
    if (row == NULL || failure.last_ms < row->refused_ms)
        return err;
    row->refused_ms = failure.last_ms;
    return node_row_text(o, sh_slice_of(failure.address), &row->refused_from, error);
}

/* It deletes a node that nothing else is known of. */
static bool is_forgetting(const queue_fact *fact)
{
    sh_queue_report report;
    return fact->kind == PROBLEM &&
           (!sh_queue_report_read(SH_REPORTED_PROBLEMS, fact->field, fact->value, &report) ||
            strcmp(report.kind, "forget") == 0);
}

sh_err queue_facts_add(const queue_facts *facts, node_overview *o, sh_error *error)
{
    typedef sh_err (*fact_add)(node_overview *, const queue_fact *, node_row *, sh_error *);
    static const fact_add adds[KINDS] = {
        [CONTACT] = add_contact,   [AGENT] = add_agent,   [PROBLEM] = add_problem,
        [CONFLICT] = add_conflict, [QUEUED] = add_queued, [DEAD] = add_dead,
    };
    sh_err err = SH_OK;
    for (size_t i = 0; i < facts->count && err == SH_OK; i++) {
        const queue_fact *fact = &facts->facts[i];
        node_row *row = NULL;
        if (fact->kind == AUTH_FAILURE || is_forgetting(fact))
            continue;
        err = node_row_of(o, fact->field, true, &row, error);
        if (row != NULL)
            err = adds[fact->kind](o, fact, row, error);
    }
    for (size_t i = 0; i < facts->count && err == SH_OK; i++) /* when all nodes are known */
        if (facts->facts[i].kind == AUTH_FAILURE)
            err = add_failure(o, &facts->facts[i], error);
    return err;
}
