/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/operate/node_json.h"

#include "libcommon/base/clock.h"
#include "libcommon/json/json_write.h"
#include "receiver/operate/json_time.h"
#include "receiver/operate/node_labels.h"
#include "receiver/operate/node_state_reason.h"

/* A number, or null if it is not known. */
static sh_err append_known(sh_buf *json, const char *key, bool known, int64_t number)
{
    return known ? sh_json_write_member_integer(json, key, number)
                 : sh_buf_append_format(json, ",\"%s\":null", key);
}

static sh_err append_labels(sh_buf *json, const char *labels)
{
    sh_slice rest = sh_slice_of(labels), key, value;
    const char *separator = "";
    sh_err err = sh_buf_append_text(json, ",\"labels\":{");
    while (err == SH_OK && node_labels_next(&rest, &key, &value)) {
        err = sh_buf_append_text(json, separator);
        if (err == SH_OK)
            err = sh_json_write_string(json, key);
        if (err == SH_OK)
            err = sh_buf_append_text(json, ":");
        if (err == SH_OK)
            err = sh_json_write_string(json, value);
        separator = ",";
    }
    return err == SH_OK ? sh_buf_append_text(json, "}") : err;
}

static sh_err append_problem_of(sh_buf *json, int64_t at_ms, const char *kind, int64_t status,
                                const char *text)
{
    char at[SH_RFC3339_BYTES];
    sh_clock_rfc3339(at_ms, at);
    sh_err err = sh_buf_append_text(json, ",\"problem\":{");
    if (err == SH_OK)
        err = sh_json_write_member_text(json, "at", at);
    if (err == SH_OK)
        err = sh_json_write_member_text(json, "kind", kind);
    if (err == SH_OK)
        err = append_known(json, "status", status > 0, status);
    if (err == SH_OK)
        err = sh_json_write_member_text(json, "text", text);
    return err == SH_OK ? sh_buf_append_text(json, "}") : err;
}

static sh_err append_problem(sh_buf *json, const node_row *row, const node_facts *facts,
                             int64_t now_ms)
{
    const node_row_info *info = &row->info;
    if (node_has_problem(facts))
        return append_problem_of(json, info->problem_ms, info->problem_kind, info->problem_status,
                                 info->problem_text);
    if (node_has_conflict(facts, now_ms))
        return append_problem_of(json, info->conflict_ms, "name_conflict", 0, info->conflict_text);
    return sh_buf_append_text(json, ",\"problem\":null");
}

/* Who it is, and when it was in contact. */
static sh_err append_contact(sh_buf *json, const node_overview *o, const node_row *row)
{
    const node_row_info *info = &row->info;
    const struct {
        const char *key, *text;
    } texts[] = {{"mode", info->mode}, {"protocol", info->protocol}, {"agent", info->agent}};
    const struct {
        const char *key;
        int64_t ms;
    } times[] = {{"first_contact", info->first_contact_ms},
                 {"last_contact", info->contact.last_ms},
                 {"last_table", row->merged.merged_ms},
                 {"last_change", row->merged.changed_ms}};
    sh_err err = SH_OK;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0] && err == SH_OK; i++)
        err = texts[i].text[0] != '\0'
                  ? sh_json_write_member_text(json, texts[i].key, texts[i].text)
                  : sh_buf_append_format(json, ",\"%s\":null", texts[i].key);
    for (size_t i = 0; i < sizeof times / sizeof times[0] && err == SH_OK; i++)
        err = json_time_write(json, times[i].key, times[i].ms);
    if (err == SH_OK)
        err = append_known(json, "interval_s", info->contact.interval_ms >= 1000,
                           info->contact.interval_ms / 1000);
    /* The names of 0.2.0, for one release. */
    if (err == SH_OK)
        err = sh_json_write_member_text(json, "node", info->node);
    if (err == SH_OK)
        err = json_time_write_ms(json, "last_contact_ms", o->has_redis ? info->contact.last_ms : 0);
    return err == SH_OK ? json_time_write_ms(json, "last_merge_ms", row->merged.merged_ms) : err;
}

static sh_err append_counters(sh_buf *json, const node_overview *o, const node_row *row,
                              node_state state)
{
    const node_row_merged *m = &row->merged;
    bool certain = state == NODE_ONLINE || state == NODE_REVOKED;
    const struct {
        const char *key;
        bool known;
        int64_t number;
    } numbers[] = {{"sent", true, m->sent},
                   {"inserted", true, m->inserted},
                   {"known", true, m->known},
                   {"skipped", true, m->skipped},
                   {"rejected", true, m->set_aside},
                   {"set_aside", true, m->set_aside},
                   {"present", certain, row->present},
                   {"queue", o->has_redis, row->queue},
                   {"dead", o->has_redis, row->dead}};
    sh_err err = SH_OK;
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0] && err == SH_OK; i++)
        err = append_known(json, numbers[i].key, numbers[i].known, numbers[i].number);
    return err == SH_OK ? sh_json_write_member_text(json, "rejected_reason", m->reason) : err;
}

sh_err node_json_append(sh_buf *json, const node_overview *o, const node_row *row)
{
    const node_row_info *info = &row->info;
    const node_facts facts = node_row_facts(o, row);
    node_state state = node_state_of(&facts, o->now_ms);
    char reason[NODE_REASON_BYTES];
    node_reason_write(&facts, o->now_ms, reason);
    sh_err err = sh_buf_append_text(json, "{");
    if (err == SH_OK)
        err = sh_json_write_member_text(json, "name", info->node);
    if (err == SH_OK)
        err = sh_json_write_member_text(json, "state", node_state_name(state));
    if (err == SH_OK)
        err = sh_json_write_member_text(json, "reason", reason);
    if (err == SH_OK)
        err = append_contact(json, o, row);
    if (err == SH_OK)
        err = append_counters(json, o, row, state);
    if (err == SH_OK)
        err = append_labels(json, info->labels);
    if (err == SH_OK)
        err = sh_json_write_member_text(json, "note", info->note);
    if (err == SH_OK)
        err = sh_json_write_member_integer(
            json, "silent_after_s", node_silent_after_ms(&info->contact, &o->thresholds) / 1000);
    if (err == SH_OK)
        err = sh_buf_append_format(json, ",\"ephemeral\":%s", info->ephemeral ? "true" : "false");
    if (err == SH_OK)
        err =
            sh_json_write_member_text(json, "credentials", node_credentials_name(row->credentials));
    if (err == SH_OK)
        err = append_problem(json, row, &facts, o->now_ms);
    return err == SH_OK ? sh_buf_append_text(json, "}") : err;
}
