/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/console/console_summary.h"

#include "libcommon/base/cleanup.h"
#include "libcommon/json/json_write.h"
#include "receiver/console/console_device_counts.h"
#include "receiver/console/console_nodes.h"
#include "receiver/console/console_reply.h"
#include "receiver/operate/json_time.h"
#include "receiver/operate/node_json.h"
#include "receiver/operate/node_selection.h"
#include "receiver/operate/node_state_reason.h"

#include <inttypes.h>
#include <string.h>

#define PROBLEMS_MAX 20

static sh_err write_states(const node_overview *o, sh_buf *json)
{
    int64_t counts[NODE_STATES] = {0};
    for (size_t i = 0; i < o->count; i++) {
        const node_facts facts = node_row_facts(o, &o->rows[i]);
        counts[node_state_of(&facts, o->now_ms)]++;
    }
    sh_err err = sh_buf_append_text(json, ",\"states\":{");
    for (int i = 0; i < NODE_STATES && err == SH_OK; i++)
        err = sh_json_write_member_integer(json, node_state_name((node_state)i), counts[i]);
    return err == SH_OK ? sh_buf_append_text(json, "}}") : err;
}

static sh_err write_problem(const node_overview *o, const listed_node *node, sh_buf *json)
{
    const node_facts facts = node_row_facts(o, node->row);
    const node_row_info *info = &node->row->info;
    char reason[NODE_REASON_BYTES];
    node_reason_write(&facts, o->now_ms, reason);
    sh_err err = sh_buf_append_text(json, "{");
    if (err == SH_OK)
        err = sh_json_write_member_text(json, "name", info->node);
    if (err == SH_OK)
        err = sh_json_write_member_text(json, "state", node_state_name(node->state));
    if (err == SH_OK)
        err = sh_json_write_member_text(json, "reason", reason);
    if (err == SH_OK)
        err = json_time_write(json, "since",
                              info->problem_ms > 0 ? info->problem_ms : info->contact.last_ms);
    return err == SH_OK ? sh_buf_append_text(json, "}") : err;
}

static sh_err write_problems(const node_list *list, sh_buf *json)
{
    sh_err err = sh_buf_append_text(json, ",\"problems\":[");
    for (size_t i = 0; i < list->count && i < PROBLEMS_MAX && err == SH_OK; i++) {
        err = sh_buf_append_text(json, i == 0 ? "" : ",");
        if (err == SH_OK)
            err = write_problem(list->overview, &list->nodes[i], json);
    }
    return err == SH_OK ? sh_buf_append_text(json, "]}\n") : err;
}

static sh_err write_hub(const sh_settings *settings, const node_overview *o, sh_buf *json)
{
    bool postgres = strncmp(settings->db, "postgres", 8) == 0 && strstr(settings->db, "://");
    sh_err err = sh_buf_append_text(json, "{");
    if (err == SH_OK)
        err = sh_json_write_member_text(json, "version", SYNCHUB_VERSION);
    if (err == SH_OK)
        err = sh_json_write_member_text(json, "database", postgres ? "postgresql" : "sqlite");
    if (err == SH_OK)
        err = o->has_redis ? sh_buf_append_text(json, ",\"redis_problem\":null")
                           : sh_json_write_member_text(json, "redis_problem", o->away.message);
    return err == SH_OK ? console_write_queue(json, o) : err;
}

static sh_err write_summary(const sh_settings *settings, const store_device_counts *devices,
                            const node_list *problems, sh_buf *json)
{
    const node_overview *o = problems->overview;
    sh_err err = write_hub(settings, o, json);
    if (err == SH_OK)
        err = sh_buf_append_format(json, ",\"nodes\":{\"total\":%zu,\"problems\":%zu", o->count,
                                   problems->count);
    if (err == SH_OK)
        err = write_states(o, json);
    if (err == SH_OK)
        err = sh_buf_append_format(json,
                                   ",\"devices\":{\"total\":%" PRId64 ",\"new_24h\":%" PRId64
                                   ",\"new_7d\":%" PRId64 "}",
                                   devices->total, devices->new_since[1], devices->new_since[0]);
    return err == SH_OK ? write_problems(problems, json) : err;
}

void console_show_summary(console_request *request)
{
    static const node_selection attention = {.state = NODE_STATES, .problems = true};
    SH_CLEANUP(sh_buf_reset) sh_buf json = SH_BUF_INIT(PROBLEMS_MAX * NODE_JSON_MAX);
    const sh_settings *settings = request->console->settings;
    store_device_counts devices = {.total = 0};
    node_overview o = {.count = 0};
    node_list problems = {.count = 0};
    sh_error error = {.code = SH_OK};
    sh_err err = console_device_counts_read(request->console->counts, settings, &devices, &error);
    if (err == SH_OK)
        err = node_overview_read(settings, &o, &error);
    if (err == SH_OK)
        err = node_list_select(&o, &attention, &problems, &error);
    if (err == SH_OK)
        err = write_summary(settings, &devices, &problems, &json);
    node_list_reset(&problems);
    node_overview_reset(&o);
    console_reply_json(request->exchange, err, &json, &error);
}
