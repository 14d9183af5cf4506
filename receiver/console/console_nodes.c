/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/console/console_nodes.h"

#include "libcommon/base/cleanup.h"
#include "libcommon/json/json_write.h"
#include "receiver/console/console_reply.h"
#include "receiver/operate/node_json.h"
#include "receiver/operate/node_selection.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NEXT_BYTES (SH_NODE_NAME_MAX + 32)
#define LABEL_BYTES (SH_NODE_LABELS_BYTES_MAX + 1)
#define SEARCH_BYTES 256

typedef struct {
    node_selection selection;
    char label[LABEL_BYTES], search[SEARCH_BYTES];
    char after[NEXT_BYTES]; /* `KEY NAME` of the last node of the page before; "": none */
    int64_t limit;
} nodes_query;

/* --- The query ------------------------------------------------------------------------------- */

static sh_err read_filters(const console_request *request, nodes_query *ret, sh_error *error)
{
    char state[16], problems[8];
    node_selection *selection = &ret->selection;
    if (!console_request_query(request, "state", state, sizeof state) ||
        !console_request_query(request, "problems", problems, sizeof problems) ||
        !console_request_query(request, "label", ret->label, sizeof ret->label) ||
        !console_request_query(request, "search", ret->search, sizeof ret->search))
        return sh_fail(error, SH_E_FORMAT, "a parameter of the query is too long or no text");
    selection->state = state[0] == '\0' ? NODE_STATES : node_state_of_name(state);
    if (state[0] != '\0' && selection->state == NODE_STATES)
        return sh_fail(error, SH_E_FORMAT, "there is no state '%s'", state);
    selection->problems = strcmp(problems, "true") == 0;
    selection->label = ret->label[0] == '\0' ? NULL : ret->label;
    selection->search = ret->search[0] == '\0' ? NULL : ret->search;
    return SH_OK;
}

static sh_err read_query(const console_request *request, nodes_query *ret, sh_error *error)
{
    char sort[16];
    sh_err err = read_filters(request, ret, error);
    if (err == SH_OK)
        err = console_request_limit(request, &ret->limit, error);
    if (err != SH_OK)
        return err;
    if (!console_request_query(request, "sort", sort, sizeof sort) ||
        (sort[0] != '\0' && !node_selection_read_sort(sort, &ret->selection)))
        return sh_fail(error, SH_E_FORMAT,
                       "`sort` takes name, state, contact, table, inserted or queue");
    if (!console_request_query(request, "after", ret->after, sizeof ret->after) ||
        (ret->after[0] != '\0' && strchr(ret->after, ' ') == NULL))
        return sh_fail(error, SH_E_FORMAT, "`after` must be the `next` of the page before");
    return SH_OK;
}

/* --- The page -------------------------------------------------------------------------------- */

/* Whether a node comes behind the last one of the page before, in the order of the query. */
static bool is_behind(const nodes_query *query, const listed_node *node)
{
    if (query->after[0] == '\0')
        return true;
    int64_t last = strtoll(query->after, NULL, 10);
    int64_t key = node_selection_key(&query->selection, node);
    int order = (key > last) - (key < last);
    if (order == 0)
        order = strcmp(node->row->info.node, strchr(query->after, ' ') + 1);
    return query->selection.reverse ? order < 0 : order > 0;
}

/* Drops what comes before the page, and what comes after it; *more: there was some. */
static void cut_page(const nodes_query *query, node_list *list, bool *more)
{
    size_t first = 0;
    while (first < list->count && !is_behind(query, &list->nodes[first]))
        first++;
    list->count -= first;
    memmove(list->nodes, list->nodes + first, list->count * sizeof list->nodes[0]);
    *more = list->count > (size_t)query->limit;
    if (*more)
        list->count = (size_t)query->limit;
}

static sh_err count_present(node_list *list, sh_error *error)
{
    SH_CLEANUP(sh_free_cleanup) node_row **rows = calloc(list->count + 1, sizeof(node_row *));
    if (rows == NULL)
        return sh_fail(error, SH_E_MEMORY, "out of memory");
    for (size_t i = 0; i < list->count; i++)
        rows[i] = list->nodes[i].row;
    return node_overview_count_present(list->overview, rows, list->count, error);
}

sh_err console_write_queue(sh_buf *json, const node_overview *o)
{
    if (!o->has_redis)
        return sh_buf_append_text(json, ",\"queue\":null");
    return sh_buf_append_format(json,
                                ",\"queue\":{\"entries\":%" PRId64 ",\"bytes\":%" PRId64
                                ",\"pending\":%" PRId64 ",\"dead\":%" PRId64 "}",
                                o->depth.entries, o->depth.bytes, o->depth.pending, o->depth.dead);
}

static sh_err write_end(const nodes_query *query, const node_list *list, bool more, sh_buf *json)
{
    const node_overview *o = list->overview;
    sh_err err = sh_buf_append_text(json, "],\"next\":");
    if (err == SH_OK && more) {
        char next[NEXT_BYTES];
        const listed_node *last = &list->nodes[list->count - 1];
        (void)snprintf(next, sizeof next, "%" PRId64 " %s",
                       node_selection_key(&query->selection, last), last->row->info.node);
        err = sh_json_write_string(json, sh_slice_of(next));
    } else if (err == SH_OK) {
        err = sh_buf_append_text(json, "null");
    }
    if (err == SH_OK)
        err = console_write_queue(json, o);
    return err == SH_OK ? sh_buf_append_text(json, "}\n") : err;
}

static sh_err write_list(const nodes_query *query, node_list *list, sh_buf *json, sh_error *error)
{
    bool more = false;
    cut_page(query, list, &more);
    sh_err err = count_present(list, error);
    if (err != SH_OK)
        return err;
    err = sh_buf_append_text(json, "{\"items\":[");
    for (size_t i = 0; i < list->count && err == SH_OK; i++) {
        err = i == 0 ? SH_OK : sh_buf_append_text(json, ",\n");
        if (err == SH_OK)
            err = node_json_append(json, list->overview, list->nodes[i].row);
    }
    if (err == SH_OK)
        err = write_end(query, list, more, json);
    return err == SH_OK ? SH_OK : sh_fail(error, err, "the page is too large: ask for fewer nodes");
}

void console_list_nodes(console_request *request)
{
    SH_CLEANUP(sh_buf_reset) sh_buf json = SH_BUF_INIT(SH_CONSOLE_PAGE_MAX * NODE_JSON_MAX);
    nodes_query query = {.limit = 0};
    node_overview o = {.count = 0};
    node_list list = {.count = 0};
    sh_error error = {.code = SH_OK};
    sh_err err = read_query(request, &query, &error);
    if (err == SH_OK)
        err = node_overview_read(request->console->settings, &o, &error);
    if (err == SH_OK)
        err = node_list_select(&o, &query.selection, &list, &error);
    if (err == SH_OK)
        err = write_list(&query, &list, &json, &error);
    node_list_reset(&list);
    node_overview_reset(&o);
    console_reply_json(request->exchange, err, &json, &error);
}

void console_reply_node(const console_request *request, const char *name, unsigned status)
{
    SH_CLEANUP(sh_buf_reset) sh_buf json = SH_BUF_INIT(NODE_JSON_MAX);
    node_overview o = {.count = 0};
    sh_error error = {.code = SH_OK};
    node_row *row = NULL;
    sh_err err = node_overview_read(request->console->settings, &o, &error);
    if (err == SH_OK && (row = node_overview_find(&o, name)) == NULL)
        err = sh_fail(&error, SH_E_NOT_FOUND, "there is no node '%s'", name);
    if (err == SH_OK)
        err = node_overview_count_present(&o, &row, 1, &error);
    if (err == SH_OK && (err = node_json_append(&json, &o, row)) != SH_OK)
        (void)sh_fail(&error, err, "out of memory");
    node_overview_reset(&o);
    if (err == SH_OK)
        console_reply_body(request->exchange, status, "application/json",
                           (sh_slice){json.data, json.len});
    else
        console_reply_failure(request->exchange, &error);
}

void console_show_node(console_request *request)
{
    console_reply_node(request, request->parts[1], 200);
}
