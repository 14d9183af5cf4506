/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_NODE_OVERVIEW_H
#define RECEIVER_NODE_OVERVIEW_H

#include "receiver/cli/node_row.h"

/* What database and Redis hold about all nodes, joined by name. */

/*
 * Reads everything; with_present counts the devices that are present. A Redis that does not answer
 * is no error: its part is missing. The errors of the store; SH_E_MEMORY.
 */
sh_err node_overview_read(const sh_settings *settings, bool with_present, node_overview *ret,
                          sh_error *error);
void node_overview_reset(node_overview *o);

/* The row of a node, or NULL. Only after node_overview_read(). */
const node_row *node_overview_find(const node_overview *o, const char *node);

/* What node_state.h needs to know; borrowed from the row. */
node_facts node_row_facts(const node_row *row);

#endif
