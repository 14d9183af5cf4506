/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_NODE_OVERVIEW_H
#define RECEIVER_NODE_OVERVIEW_H

#include "receiver/operate/node_row.h"

/* What database and Redis hold about all nodes, joined by name. */

/*
 * Reads everything but the numbers of devices. A Redis that does not answer is not an error: its
 * part is missing. The errors of the store; SH_E_MEMORY.
 */
sh_err node_overview_read(const sh_settings *settings, node_overview *ret, sh_error *error);
void node_overview_reset(node_overview *o);

/*
 * Sets `present` of these rows of the overview: the numbers of their devices that are present. They
 * are counted, so ask only for those of nodes that are shown next. The errors of the store.
 */
sh_err node_overview_count_present(node_overview *o, node_row *const rows[], size_t count,
                                   sh_error *error);

/* The row of a node, or NULL. Only after node_overview_read(). */
node_row *node_overview_find(const node_overview *o, const char *node);

/* What node_state.h needs to know of a row of the overview; borrowed from it. */
node_facts node_row_facts(const node_overview *o, const node_row *row);

#endif
