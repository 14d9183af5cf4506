/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_NODE_SELECTION_H
#define RECEIVER_NODE_SELECTION_H

#include "receiver/operate/node_overview.h"

/* Which nodes of an overview are listed, in which order. Pure. */

typedef enum {
    NODE_SORT_NAME,
    NODE_SORT_STATE,
    NODE_SORT_CONTACT,
    NODE_SORT_TABLE,
    NODE_SORT_INSERTED,
    NODE_SORT_QUEUE,
    NODE_SORTS
} node_sort;

typedef struct {
    node_state state;   /* NODE_STATES: all */
    bool problems;      /* only those that need attention */
    const char *label;  /* `key` or `key=value`; NULL: all */
    const char *search; /* a part of name, agent, note or labels, ignoring ASCII case; NULL: all */
    node_sort sort;
    bool reverse;
} node_selection;

typedef struct {
    node_row *row;
    node_state state;
} listed_node;

typedef struct {
    node_overview *overview;
    listed_node *nodes;
    size_t count;
} node_list;

/* Parses `contact` or `-contact`. False for another word. */
bool node_selection_read_sort(const char *text, node_selection *ret);

/* SH_E_MEMORY. The overview must outlive the list. */
sh_err node_list_select(node_overview *o, const node_selection *selection, node_list *ret,
                        sh_error *error);
void node_list_reset(node_list *list);

/* What the selection sorts by, for nodes with this row and state; 0 for names. */
int64_t node_selection_key(const node_selection *selection, const listed_node *node);

#endif
