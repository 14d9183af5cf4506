/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/operate/node_selection.h"

#include "receiver/operate/node_labels.h"

#include <stdlib.h>
#include <string.h>

bool node_selection_read_sort(const char *text, node_selection *ret)
{
    static const char *const names[NODE_SORTS] = {
        [NODE_SORT_NAME] = "name",         [NODE_SORT_STATE] = "state",
        [NODE_SORT_CONTACT] = "contact",   [NODE_SORT_TABLE] = "table",
        [NODE_SORT_INSERTED] = "inserted", [NODE_SORT_QUEUE] = "queue",
    };
    ret->reverse = text[0] == '-';
    for (int i = 0; i < NODE_SORTS; i++)
        if (strcmp(names[i], text + ret->reverse) == 0) {
            ret->sort = (node_sort)i;
            return true;
        }
    return false;
}

int64_t node_selection_key(const node_selection *selection, const listed_node *node)
{
    switch (selection->sort) {
    case NODE_SORT_STATE:
        return node->state;
    case NODE_SORT_CONTACT:
        return node->row->info.contact.last_ms;
    case NODE_SORT_TABLE:
        return node->row->merged.merged_ms;
    case NODE_SORT_INSERTED:
        return node->row->merged.inserted;
    case NODE_SORT_QUEUE:
        return node->row->queue;
    default:
        return 0;
    }
}

static int compare_listed(const void *a, const void *b, void *context)
{
    const listed_node *left = a, *right = b;
    const node_selection *selection = context;
    int64_t first = node_selection_key(selection, left);
    int64_t second = node_selection_key(selection, right);
    int order = (first > second) - (first < second);
    if (order == 0)
        order = strcmp(left->row->info.node, right->row->info.node);
    return selection->reverse ? -order : order;
}

static bool is_found(const node_row_info *info, const char *text)
{
    const char *const searched[] = {info->node, info->agent, info->note, info->labels};
    for (size_t i = 0; i < sizeof searched / sizeof searched[0]; i++)
        if (strcasestr(searched[i], text) != NULL)
            return true;
    return false;
}

static bool is_wanted(const node_overview *o, const node_selection *selection,
                      const listed_node *node)
{
    const node_facts facts = node_row_facts(o, node->row);
    const node_row_info *info = &node->row->info;
    return (selection->state == NODE_STATES || node->state == selection->state) &&
           (!selection->problems || node_needs_attention(&facts, o->now_ms)) &&
           (selection->label == NULL || node_labels_match(info->labels, selection->label)) &&
           (selection->search == NULL || is_found(info, selection->search));
}

sh_err node_list_select(node_overview *o, const node_selection *selection, node_list *ret,
                        sh_error *error)
{
    node_selection order = *selection;
    *ret = (node_list){.overview = o, .nodes = calloc(o->count + 1, sizeof *ret->nodes)};
    if (ret->nodes == NULL)
        return sh_fail(error, SH_E_MEMORY, "out of memory");
    for (size_t i = 0; i < o->count; i++) {
        const node_facts facts = node_row_facts(o, &o->rows[i]);
        listed_node node = {.row = &o->rows[i], .state = node_state_of(&facts, o->now_ms)};
        if (is_wanted(o, selection, &node))
            ret->nodes[ret->count++] = node;
    }
    if (selection->sort != NODE_SORT_NAME || selection->reverse)
        qsort_r(ret->nodes, ret->count, sizeof ret->nodes[0], compare_listed, &order);
    return SH_OK;
}

void node_list_reset(node_list *list)
{
    free(list->nodes);
    *list = (node_list){.count = 0};
}
