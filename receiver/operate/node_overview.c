/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/operate/node_overview.h"

#include "libcommon/base/clock.h"
#include "libcommon/native/credentials.h"
#include "receiver/operate/node_lookalikes.h"
#include "receiver/operate/queue_facts.h"
#include "receiver/store/store_state.h"
#include "receiver/store/store_thresholds.h"

#include <stdlib.h>
#include <string.h>

/* --- The database ---------------------------------------------------------------------------- */

static sh_err add_info(void *context, const store_node_info *info, sh_error *error)
{
    node_overview *o = context;
    node_row *row;
    sh_err err = node_row_of(o, sh_slice_of(info->node), true, &row, error);
    if (row == NULL)
        return err;
    node_row_info *to = &row->info;
    to->contact = info->contact;
    to->first_contact_ms = info->first_contact_ms;
    to->problem_ms = info->problem_ms;
    to->problem_seen_ms = info->problem_seen_ms;
    to->problem_status = info->problem_status;
    to->conflict_ms = info->conflict_ms;
    to->ephemeral = info->ephemeral;
    to->expected_ms = info->expected_ms;
    const struct {
        const char *from, **to;
    } texts[] = {{info->mode, &to->mode},
                 {info->agent, &to->agent},
                 {info->protocol, &to->protocol},
                 {info->instance, &to->instance},
                 {info->problem_kind, &to->problem_kind},
                 {info->problem_text, &to->problem_text},
                 {info->conflict_text, &to->conflict_text},
                 {info->labels, &to->labels},
                 {info->note, &to->note}};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0] && err == SH_OK; i++)
        err = node_row_text(o, sh_slice_of(texts[i].from), texts[i].to, error);
    return err;
}

static sh_err add_merged(void *context, const store_node *merged, sh_error *error)
{
    node_overview *o = context;
    node_row *row;
    sh_err err = node_row_of(o, sh_slice_of(merged->node), true, &row, error);
    if (row == NULL)
        return err;
    row->merged = (node_row_merged){
        .merged_ms = merged->merged_ms,
        .changed_ms = merged->changed_ms,
        .sent = merged->sent,
        .inserted = merged->inserted,
        .known = merged->known,
        .skipped = merged->skipped,
        .set_aside = merged->set_aside,
        .reason = "",
    };
    return node_row_text(o, sh_slice_of(merged->reason), &row->merged.reason, error);
}

static sh_err add_failure(void *context, const store_auth_failure *failure, sh_error *error)
{
    node_overview *o = context;
    node_row *row;
    sh_err err = node_row_of(o, sh_slice_of(failure->node), false, &row, error);
    if (row == NULL || failure->last_ms < row->refused_ms)
        return err;
    row->refused_ms = failure->last_ms;
    return node_row_text(o, sh_slice_of(failure->address), &row->refused_from, error);
}

/* A revoked node of which nothing else is known was forgotten. */
static sh_err add_credentials(void *context, const store_state_entry *entry, sh_error *error)
{
    sh_node_record record = {.count = 0};
    node_row *row;
    sh_node_record_read(entry->key, entry->value, &record);
    bool revoked = record.revoked_ms > 0;
    sh_err err = node_row_of(context, entry->key, !revoked, &row, error);
    if (row != NULL) {
        row->credentials = revoked ? NODE_CREDENTIALS_REVOKED : NODE_CREDENTIALS_OWN;
        row->credentials_ms = revoked ? record.revoked_ms : record.created_ms;
    }
    return err;
}

/* --- All of it ------------------------------------------------------------------------------- */

static void read_redis(const sh_settings *settings, node_overview *o, queue_facts *ret)
{
    sh_queue *queue = NULL;
    const sh_queue_options options = sh_queue_options_of(settings);
    sh_err err = sh_queue_open(&options, &queue, &o->away);
    if (err == SH_OK)
        err = queue_facts_read(queue, ret, &o->depth, &o->away);
    sh_queue_free(queue);
    o->has_redis = err == SH_OK;
}

static sh_err read_all(node_overview *o, const queue_facts *newer, sh_error *error)
{
    char version[STORE_VERSION_BYTES];
    const store_state_reader reader = {add_credentials, o};
    sh_err err = store_thresholds_read(o->store, &o->thresholds, error);
    if (err == SH_OK)
        err = store_node_infos(o->store, add_info, o, error);
    if (err == SH_OK)
        err = store_nodes(o->store, add_merged, o, error);
    if (err == SH_OK)
        err = queue_facts_add(newer, o, error);
    if (err == SH_OK)
        err = store_state_read(o->store, STORE_CREDENTIALS, &reader, version, error);
    return err == SH_OK ? store_auth_failures(o->store, add_failure, o, error) : err;
}

sh_err node_overview_read(const sh_settings *settings, node_overview *ret, sh_error *error)
{
    queue_facts newer = {.count = 0};
    *ret = (node_overview){.now_ms = sh_clock_unix_ms()};
    sh_random(ret->hash_key, sizeof ret->hash_key);
    sh_err err = store_open(settings->db, STORE_READ_ONLY, &ret->store, error);
    if (err == SH_OK) {
        read_redis(settings, ret, &newer);
        err = read_all(ret, &newer, error);
    }
    queue_facts_reset(&newer);
    if (err != SH_OK)
        return err;
    node_rows_sort(ret);
    return node_lookalikes_find(ret, error);
}

sh_err node_overview_count_present(node_overview *o, node_row *const rows[], size_t count,
                                   sh_error *error)
{
    const char *nodes[STORE_PRESENT_AT_ONCE];
    int64_t present[STORE_PRESENT_AT_ONCE];
    sh_err err = SH_OK;
    for (size_t done = 0, some; done < count && err == SH_OK; done += some) {
        some = count - done < STORE_PRESENT_AT_ONCE ? count - done : STORE_PRESENT_AT_ONCE;
        for (size_t i = 0; i < some; i++)
            nodes[i] = rows[done + i]->info.node;
        err = store_present_counts(o->store, nodes, some, present, error);
        for (size_t i = 0; i < some && err == SH_OK; i++)
            rows[done + i]->present = present[i];
    }
    return err;
}

void node_overview_reset(node_overview *o)
{
    store_close(o->store);
    free(o->rows);
    free(o->index);
    sh_arena_reset(&o->texts);
    *o = (node_overview){.count = 0};
}

static int compare_name(const void *name, const void *row)
{
    return strcmp(name, ((const node_row *)row)->info.node);
}

node_row *node_overview_find(const node_overview *o, const char *node)
{
    return o->count == 0 ? NULL : bsearch(node, o->rows, o->count, sizeof o->rows[0], compare_name);
}

node_facts node_row_facts(const node_overview *o, const node_row *row)
{
    const node_row_info *info = &row->info;
    bool refused = row->refused_from[0] != '\0' && row->refused_ms > info->contact.last_ms;
    return (node_facts){
        .name = info->node,
        .pulled = strcmp(info->mode, "pull") == 0,
        .contact = info->contact,
        .thresholds = o->thresholds,
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
