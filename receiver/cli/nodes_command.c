/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/cli/nodes_command.h"

#include "libcommon/json/json_write.h"
#include "libcommon/queue/queue.h"
#include "libcommon/runtime/service.h"
#include "receiver/cli/show_output.h"
#include "receiver/queue/backlog_by_node.h"
#include "receiver/store/store.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const show_command command = {.name = "nodes", .usage = "nodes [--json]"};

#define JSON_NODE_MAX (16 * SH_KIB)

/* One node, from the database, from Redis, or from both. */
typedef struct {
    store_node merged; /* merged_ms is 0 if nothing was merged yet */
    int64_t contact_ms, queue;
} node_summary;

typedef struct {
    node_summary *nodes;
    size_t count, capacity;
    bool redis; /* Redis answered */
    sh_queue_depth depth;
} overview;

/* --- Reading --------------------------------------------------------------------------------- */

static sh_err add_node(overview *o, const node_summary *node, sh_error *error)
{
    if (o->count == o->capacity) {
        size_t capacity = o->capacity == 0 ? 64 : 2 * o->capacity;
        node_summary *nodes = reallocarray(o->nodes, capacity, sizeof *nodes);
        if (nodes == NULL)
            return sh_fail(error, SH_E_MEMORY, "out of memory");
        o->nodes = nodes;
        o->capacity = capacity;
    }
    o->nodes[o->count++] = *node;
    return SH_OK;
}

static sh_err add_merged(void *context, const store_node *merged, sh_error *error)
{
    node_summary node = {.merged = *merged};
    return add_node(context, &node, error);
}

static sh_err add_contact(void *context, sh_slice name, sh_slice mode, int64_t ms, sh_error *error)
{
    node_summary node = {.contact_ms = ms};
    (void)snprintf(node.merged.node, sizeof node.merged.node, "%.*s", (int)name.len, name.data);
    (void)snprintf(node.merged.mode, sizeof node.merged.mode, "%.*s", (int)mode.len, mode.data);
    return add_node(context, &node, error);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const node_summary *)a)->merged.node, ((const node_summary *)b)->merged.node);
}

/*
 * Joins the data of database and Redis about the same node; the last contact determines the mode.
 */
static void join_node(node_summary *into, const node_summary *other)
{
    char mode[sizeof into->merged.mode];
    memcpy(mode, other->contact_ms > into->contact_ms ? other->merged.mode : into->merged.mode,
           sizeof mode);
    if (other->merged.merged_ms > into->merged.merged_ms)
        into->merged = other->merged;
    memcpy(into->merged.mode, mode, sizeof mode);
    if (other->contact_ms > into->contact_ms)
        into->contact_ms = other->contact_ms;
}

static void join_nodes(overview *o)
{
    if (o->count == 0)
        return;
    qsort(o->nodes, o->count, sizeof o->nodes[0], by_name);
    size_t kept = 1;
    for (size_t i = 1; i < o->count; i++) {
        if (by_name(&o->nodes[kept - 1], &o->nodes[i]) == 0)
            join_node(&o->nodes[kept - 1], &o->nodes[i]);
        else
            o->nodes[kept++] = o->nodes[i];
    }
    o->count = kept;
}

static sh_err read_database(const sh_settings *settings, overview *o, sh_error *error)
{
    store *s = NULL;
    sh_err err = store_open(settings->db, STORE_READ_ONLY, &s, error);
    if (err == SH_OK)
        err = store_nodes(s, add_merged, o, error);
    store_close(s);
    return err;
}

static sh_err read_queue(sh_queue *queue, overview *o, sh_error *error)
{
    sh_err err = sh_queue_depth_get(queue, &o->depth, error);
    if (err == SH_OK)
        err = sh_queue_contacts(queue, add_contact, o, error);
    if (err != SH_OK)
        return err;
    join_nodes(o);
    backlog_by_node *waiting = NULL;
    err = backlog_by_node_count(queue, &waiting, error);
    for (size_t i = 0; i < o->count && err == SH_OK; i++)
        o->nodes[i].queue = backlog_by_node_of(waiting, o->nodes[i].merged.node);
    backlog_by_node_free(waiting);
    return err;
}

static sh_err read_redis(const sh_settings *settings, overview *o, sh_error *error)
{
    sh_queue *queue = NULL;
    const sh_queue_options options = sh_queue_options_of(settings);
    sh_err err = sh_queue_open(&options, &queue, error);
    if (err == SH_OK)
        err = read_queue(queue, o, error);
    sh_queue_free(queue);
    o->redis = err == SH_OK;
    return err;
}

/* --- As text --------------------------------------------------------------------------------- */

enum {
    NODE,
    MODE,
    LAST_CONTACT,
    LAST_MERGE,
    SENT,
    INSERTED,
    KNOWN,
    SKIPPED,
    SET_ASIDE,
    QUEUE,
    FIRST_REASON,
    COLUMNS
};

static const show_column columns[COLUMNS] = {
    {"NODE", false},     {"MODE", false},    {"LAST CONTACT", false}, {"LAST MERGE", false},
    {"SENT", true},      {"INSERTED", true}, {"KNOWN", true},         {"SKIPPED", true},
    {"SET ASIDE", true}, {"QUEUE", true},    {"FIRST REASON", false},
};

static int64_t number_of(const node_summary *node, int column)
{
    assert(node != NULL);
    switch (column) {
    case SENT:
        return node->merged.sent;
    case INSERTED:
        return node->merged.inserted;
    case KNOWN:
        return node->merged.known;
    case SKIPPED:
        return node->merged.skipped;
    case SET_ASIDE:
        return node->merged.set_aside;
    default:
        return node->queue;
    }
}

static void cell_of(void *context, size_t row, size_t column, char ret[static SHOW_CELL_BYTES])
{
    const overview *o = context;
    const node_summary *node = &o->nodes[row];
    const char *text = NULL;
    if (column == NODE)
        text = node->merged.node;
    else if (column == MODE)
        text = node->merged.mode;
    else if (column == FIRST_REASON)
        text = node->merged.reason;
    else if (!o->redis && (column == LAST_CONTACT || column == QUEUE))
        text = "?";
    if (text != NULL)
        (void)snprintf(ret, SHOW_CELL_BYTES, "%s", text);
    else if (column == LAST_CONTACT)
        show_time(node->contact_ms, "never", ret);
    else if (column == LAST_MERGE)
        show_time(node->merged.merged_ms, "never", ret);
    else
        (void)snprintf(ret, SHOW_CELL_BYTES, "%" PRId64, number_of(node, (int)column));
}

static void write_text(overview *o, FILE *out)
{
    if (o->count == 0)
        (void)fputs("No node has been in contact yet.\n", out);
    else
        show_table(out, &(show_cells){columns, COLUMNS, o->count, cell_of, o});
    if (o->redis)
        (void)fprintf(out, "Queue: %" PRId64 " waiting, %" PRId64 " in dead letters.\n",
                      o->depth.entries, o->depth.dead);
}

/* --- As JSON --------------------------------------------------------------------------------- */

static sh_err append_node(sh_buf *json, const overview *o, const node_summary *node)
{
    const store_node *m = &node->merged;
    const struct {
        const char *key;
        int64_t number;
    } numbers[] = {{"sent", m->sent},
                   {"inserted", m->inserted},
                   {"known", m->known},
                   {"skipped", m->skipped},
                   {"set_aside", m->set_aside}};
    sh_err err = sh_buf_append_text(json, "{");
    if (err == SH_OK)
        err = sh_json_write_member_text(json, "node", m->node);
    if (err == SH_OK)
        err = sh_json_write_member_text(json, "mode", m->mode);
    if (err == SH_OK)
        err = show_json_time(json, "last_contact_ms", o->redis ? node->contact_ms : 0);
    if (err == SH_OK)
        err = show_json_time(json, "last_merge_ms", m->merged_ms);
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0] && err == SH_OK; i++)
        err = sh_json_write_member_integer(json, numbers[i].key, numbers[i].number);
    if (err == SH_OK)
        err = sh_json_write_member_text(json, "reason", m->reason);
    if (err == SH_OK && o->redis)
        err = sh_json_write_member_integer(json, "queue", node->queue);
    else if (err == SH_OK)
        err = sh_buf_append_text(json, ",\"queue\":null");
    return err != SH_OK ? err : sh_buf_append_text(json, "}");
}

static sh_err write_json(const overview *o, FILE *out, sh_error *error)
{
    if (o->redis)
        (void)fprintf(out,
                      "{\"queue\":{\"entries\":%" PRId64 ",\"bytes\":%" PRId64
                      ",\"pending\":%" PRId64 ",\"dead\":%" PRId64 "},\"nodes\":[",
                      o->depth.entries, o->depth.bytes, o->depth.pending, o->depth.dead);
    else
        (void)fputs("{\"queue\":null,\"nodes\":[", out);
    sh_buf json = SH_BUF_INIT(JSON_NODE_MAX);
    sh_err err = SH_OK;
    for (size_t i = 0; i < o->count && err == SH_OK; i++) {
        sh_buf_clear(&json);
        err = append_node(&json, o, &o->nodes[i]);
        if (err == SH_OK)
            (void)fprintf(out, "%s\n%s", i == 0 ? "" : ",", json.data);
    }
    sh_buf_reset(&json);
    if (err != SH_OK)
        return sh_fail(error, err, "out of memory");
    (void)fputs("]}\n", out);
    return SH_OK;
}

/* --- The subcommand -------------------------------------------------------------------------- */

int nodes_command_to(const sh_settings *settings, int argc, char *const argv[], FILE *out,
                     FILE *err)
{
    sh_error error = {.code = SH_OK};
    sh_error away = {.code = SH_OK};
    show_options options;
    overview o = {.nodes = NULL};
    sh_err code = show_options_read(&command, argc, argv, &options, &error);
    if (code == SH_OK)
        code = read_database(settings, &o, &error);
    if (code == SH_OK && read_redis(settings, &o, &away) != SH_OK)
        join_nodes(&o);
    if (code == SH_OK && options.json)
        code = write_json(&o, out, &error);
    else if (code == SH_OK)
        write_text(&o, out);
    if (code == SH_OK)
        code = show_written(out, true, &error);
    free(o.nodes);
    if (code != SH_OK)
        return show_failure(&command, &error, err);
    if (o.redis)
        return SH_EXIT_DONE;
    (void)fprintf(
        err,
        "synchub-receiver nodes: last contacts and the queue are unknown, as Redis failed: "
        "%s\n",
        away.message);
    return SH_EXIT_FAILED;
}

int nodes_command(const sh_settings *settings, int argc, char *const argv[])
{
    return nodes_command_to(settings, argc, argv, stdout, stderr);
}
