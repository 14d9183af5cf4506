/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_NODE_LOOKALIKES_H
#define RECEIVER_NODE_LOOKALIKES_H

#include "receiver/operate/node_row.h"

/* Sets node_row.lookalike of accepted nodes whose names are easily confused. SH_E_MEMORY. */
sh_err node_lookalikes_find(node_overview *o, sh_error *error);

#endif
