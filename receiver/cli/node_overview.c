/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/cli/node_overview.h"

#include "libcommon/base/clock.h"
#include "libcommon/native/credentials.h"
#include "libcommon/queue/queue_reports.h"
#include "receiver/cli/node_lookalikes.h"
#include "receiver/store/store_state.h"

#include <stdlib.h>
#include <string.h>

#define INDEX_FIRST 1024

/* --- Rows by name ---------------------------------------------------------------------------- */

static uint32_t *place_of(const node_overview *o, sh_slice name)
{
    /* Keyed: names of nodes are chosen by peers, and many are alike. */
    size_t at = sh_short_hash(o->hash_key, name) & (o->index_size - 1);
    while (o->index[at] != 0 &&
           !sh_slice_equals(sh_slice_of(o->rows[o->index[at] - 1].info.node), name))
        at = (at + 1) & (o->index_size - 1);
    return &o->index[at];
}

static sh_err grow_index(node_overview *o, sh_error *error)
{
    size_t size = o->index_size == 0 ? INDEX_FIRST : 2 * o->index_size;
    uint32_t *index = calloc(size, sizeof *index);
    if (index == NULL)
        return sh_fail(error, SH_E_MEMORY, "out of memory");
    free(o->index);
    o->index = index;
    o->index_size = size;
    for (size_t i = 0; i < o->count; i++)
        *place_of(o, sh_slice_of(o->rows[i].info.node)) = (uint32_t)i + 1;
    return SH_OK;
}

static sh_err add_row(node_overview *o, sh_slice name, node_row **ret, sh_error *error)
{
    if (o->count == o->capacity) {
        size_t capacity = o->capacity == 0 ? 64 : 2 * o->capacity;
        node_row *rows = reallocarray(o->rows, capacity, sizeof *rows);
        if (rows == NULL)
            return sh_fail(error, SH_E_MEMORY, "out of memory");
        o->rows = rows;
        o->capacity = capacity;
    }
    *place_of(o, name) = (uint32_t)o->count + 1;
    node_row *row = &o->rows[o->count++];
    *row = (node_row){.queue = 0};
    memcpy(row->info.node, name.data, name.len);
    memcpy(row->merged.node, name.data, name.len);
    *ret = row;
    return SH_OK;
}

/* The row of a node, added if `create`; NULL: there is none. */
static sh_err row_of(node_overview *o, sh_slice name, bool create, node_row **ret, sh_error *error)
{
    *ret = NULL;
    if (name.len == 0 || name.len > SH_NODE_NAME_MAX)
        return SH_OK;
    if (2 * (o->count + 1) > o->index_size) {
        sh_err err = grow_index(o, error);
        if (err != SH_OK)
            return err;
    }
    uint32_t place = *place_of(o, name);
    if (place != 0)
        *ret = &o->rows[place - 1];
    return place == 0 && create ? add_row(o, name, ret, error) : SH_OK;
}

/* --- The database ---------------------------------------------------------------------------- */

static sh_err add_info(void *context, const store_node_info *info, sh_error *error)
{
    node_row *row;
    sh_err err = row_of(context, sh_slice_of(info->node), true, &row, error);
    if (row != NULL)
        row->info = *info;
    return err;
}

static sh_err add_merged(void *context, const store_node *merged, sh_error *error)
{
    node_row *row;
    sh_err err = row_of(context, sh_slice_of(merged->node), true, &row, error);
    if (row != NULL)
        row->merged = *merged;
    return err;
}

static sh_err add_present(void *context, const char *node, int64_t devices, sh_error *error)
{
    node_row *row;
    sh_err err = row_of(context, sh_slice_of(node), false, &row, error);
    if (row != NULL)
        row->present = devices;
    return err;
}

static void note_refusal(node_row *row, const char *address, int64_t last_ms)
{
    if (row == NULL || last_ms < row->refused_ms)
        return;
    row->refused_ms = last_ms;
    (void)snprintf(row->refused_from, sizeof row->refused_from, "%s", address);
}

static sh_err add_failure(void *context, const store_auth_failure *failure, sh_error *error)
{
    node_row *row;
    sh_err err = row_of(context, sh_slice_of(failure->node), false, &row, error);
    note_refusal(row, failure->address, failure->last_ms);
    return err;
}

static sh_err read_database(store *s, bool with_present, node_overview *o, sh_error *error)
{
    sh_err err = store_node_infos(s, add_info, o, error);
    if (err == SH_OK)
        err = store_nodes(s, add_merged, o, error);
    return err == SH_OK && with_present ? store_present_counts(s, add_present, o, error) : err;
}

/* --- Redis: what is newer than the database -------------------------------------------------- */

static sh_err add_contact(void *context, sh_slice name, sh_slice mode, int64_t ms, sh_error *error)
{
    node_row *row;
    sh_err err = row_of(context, name, true, &row, error);
    if (row == NULL)
        return err;
    store_node_info *info = &row->info;
    if (info->first_contact_ms == 0)
        info->first_contact_ms = ms;
    if (ms > info->contact.last_ms) {
        info->contact.last_ms = ms;
        (void)snprintf(info->mode, sizeof info->mode, "%.*s", (int)mode.len, mode.data);
    }
    if (info->contact.silent_after_ms == 0)
        node_contact_settle(&info->contact);
    return SH_OK;
}

static sh_err add_problem(void *context, sh_slice field, sh_slice value, sh_error *error)
{
    sh_queue_report report;
    node_row *row;
    if (!sh_queue_report_read(SH_REPORTED_PROBLEMS, field, value, &report) ||
        strcmp(report.kind, "forget") == 0)
        return SH_OK;
    sh_err err = row_of(context, field, true, &row, error);
    if (row == NULL || report.problem_ms < row->info.problem_seen_ms)
        return err;
    store_node_info *info = &row->info;
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
    memcpy(info->problem_kind, report.kind, sizeof info->problem_kind);
    memcpy(info->problem_text, report.text, sizeof info->problem_text);
    return SH_OK;
}

static sh_err add_agent(void *context, sh_slice field, sh_slice value, sh_error *error)
{
    sh_queue_report report;
    node_row *row;
    if (!sh_queue_report_read(SH_REPORTED_AGENTS, field, value, &report))
        return SH_OK;
    sh_err err = row_of(context, field, true, &row, error);
    if (row == NULL)
        return err;
    store_node_info *info = &row->info;
    memcpy(info->agent, report.agent, sizeof info->agent);
    memcpy(info->instance, report.instance, sizeof info->instance);
    (void)snprintf(info->protocol, sizeof info->protocol, "%s", report.protocol);
    info->contact.reported_ms = report.interval_s * 1000;
    if (info->contact.reported_ms > 0)
        info->contact.interval_ms = info->contact.reported_ms;
    node_contact_settle(&info->contact);
    return SH_OK;
}

static sh_err add_conflict(void *context, sh_slice field, sh_slice value, sh_error *error)
{
    sh_queue_report report;
    node_row *row;
    if (!sh_queue_report_read(SH_REPORTED_CONFLICTS, field, value, &report))
        return SH_OK;
    sh_err err = row_of(context, field, true, &row, error);
    if (row == NULL)
        return err;
    row->info.conflict_ms = report.ms;
    memcpy(row->info.conflict_text, report.conflict, sizeof row->info.conflict_text);
    return SH_OK;
}

static sh_err add_new_failure(void *context, sh_slice field, sh_slice value, sh_error *error)
{
    sh_queue_auth_failure failure;
    node_row *row;
    if (!sh_queue_auth_failure_read(field, value, &failure))
        return SH_OK;
    sh_err err = row_of(context, sh_slice_of(failure.node), false, &row, error);
    note_refusal(row, failure.address, failure.last_ms);
    return err;
}

static sh_err add_queue(void *context, sh_slice node, int64_t entries, sh_error *error)
{
    node_row *row;
    sh_err err = row_of(context, node, true, &row, error);
    if (row != NULL)
        row->queue = entries;
    return err;
}

static sh_err add_dead(void *context, sh_slice node, int64_t entries, sh_error *error)
{
    node_row *row;
    sh_err err = row_of(context, node, true, &row, error);
    if (row != NULL)
        row->dead = entries;
    return err;
}

/* A revoked node of which nothing else is known was forgotten. */
static sh_err add_credentials(void *context, const store_state_entry *entry, sh_error *error)
{
    sh_node_record record = {.count = 0};
    node_row *row;
    sh_node_record_read(entry->key, entry->value, &record);
    bool revoked = record.revoked_ms > 0;
    sh_err err = row_of(context, entry->key, !revoked, &row, error);
    if (row != NULL) {
        row->credentials = revoked ? NODE_CREDENTIALS_REVOKED : NODE_CREDENTIALS_OWN;
        row->credentials_ms = revoked ? record.revoked_ms : record.created_ms;
    }
    return err;
}

static sh_err read_queue(sh_queue *queue, node_overview *o, sh_error *error)
{
    static const struct {
        sh_reported kind;
        sh_queue_report_each add;
    } reports[] = {{SH_REPORTED_PROBLEMS, add_problem},
                   {SH_REPORTED_AGENTS, add_agent},
                   {SH_REPORTED_CONFLICTS, add_conflict},
                   {SH_REPORTED_AUTH_FAILURES, add_new_failure}};
    sh_err err = sh_queue_depth_get(queue, &o->depth, error);
    if (err == SH_OK)
        err = sh_queue_contacts(queue, add_contact, o, error);
    for (size_t i = 0; i < sizeof reports / sizeof reports[0] && err == SH_OK; i++)
        err = sh_queue_reports(queue, reports[i].kind, reports[i].add, o, error);
    if (err == SH_OK)
        err = sh_queue_held(queue, false, add_queue, o, error);
    return err == SH_OK ? sh_queue_held(queue, true, add_dead, o, error) : err;
}

static void read_redis(const sh_settings *settings, node_overview *o)
{
    sh_queue *queue = NULL;
    const sh_queue_options options = sh_queue_options_of(settings);
    sh_err err = sh_queue_open(&options, &queue, &o->away);
    if (err == SH_OK)
        err = read_queue(queue, o, &o->away);
    sh_queue_free(queue);
    o->has_redis = err == SH_OK;
}

/* --- All of it ------------------------------------------------------------------------------- */

static int by_name(const void *a, const void *b)
{
    return strcmp(((const node_row *)a)->info.node, ((const node_row *)b)->info.node);
}

sh_err node_overview_read(const sh_settings *settings, bool with_present, node_overview *ret,
                          sh_error *error)
{
    *ret = (node_overview){.now_ms = sh_clock_unix_ms()};
    sh_random(ret->hash_key, sizeof ret->hash_key);
    store *s = NULL;
    sh_err err = store_open(settings->db, STORE_READ_ONLY, &s, error);
    if (err == SH_OK)
        err = read_database(s, with_present, ret, error);
    size_t recorded = ret->count;
    if (err == SH_OK)
        read_redis(settings, ret);
    char version[STORE_VERSION_BYTES];
    const store_state_reader reader = {add_credentials, ret};
    if (err == SH_OK)
        err = store_state_read(s, STORE_CREDENTIALS, &reader, version, error);
    if (err == SH_OK) /* when all nodes are known */
        err = store_auth_failures(s, add_failure, ret, error);
    store_close(s);
    if (err != SH_OK)
        return err;
    if (ret->count > recorded) /* the database's are sorted */
        qsort(ret->rows, ret->count, sizeof ret->rows[0], by_name);
    free(ret->index); /* rows have moved */
    ret->index = NULL;
    ret->index_size = 0;
    return node_lookalikes_find(ret, error);
}

void node_overview_reset(node_overview *o)
{
    free(o->rows);
    free(o->index);
    *o = (node_overview){.count = 0};
}

const node_row *node_overview_find(const node_overview *o, const char *node)
{
    for (size_t i = 0; i < o->count; i++)
        if (strcmp(o->rows[i].info.node, node) == 0)
            return &o->rows[i];
    return NULL;
}

node_facts node_row_facts(const node_row *row)
{
    const store_node_info *info = &row->info;
    bool refused = row->refused_from[0] != '\0' && row->refused_ms > info->contact.last_ms;
    return (node_facts){
        .name = info->node,
        .pulled = strcmp(info->mode, "pull") == 0,
        .contact = info->contact,
        .problem_ms = info->problem_ms,
        .problem_seen_ms = info->problem_seen_ms,
        .problem_status = info->problem_status,
        .problem_kind = info->problem_kind,
        .problem_text = info->problem_text,
        .credentials = row->credentials,
        .credentials_ms = row->credentials_ms,
        .expected_ms = info->expected_ms,
        .ephemeral = info->ephemeral != 0,
        .rejected = row->merged.set_aside,
        .dead = row->dead,
        .rejected_reason = row->merged.reason,
        .conflict_ms = info->conflict_ms,
        .conflict_text = info->conflict_text,
        .lookalike = row->lookalike,
        .refused_from = refused ? row->refused_from : NULL,
        .refused_ms = row->refused_ms,
    };
}
