/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_CONTENT_PROBLEM_H
#define RECEIVER_CONTENT_PROBLEM_H

#include "libcommon/native/envelope.h"
#include "receiver/store/store.h"

/*
 * The problem of a node whose content merge rejected (node_problem_is_content()). It lasts until
 * merge accepts content of that node, as the node may be in contact all the time. Call these in the
 * transaction of the merge, in the order of the nodes' names. The errors of the store.
 */

/* Sets it; reason is that of the dead letter. */
sh_err content_problem_set(store *s, const sh_envelope_header *header, const char *reason,
                           int64_t now_ms, sh_error *error);

/* Clears it, if this is the node's current problem. */
sh_err content_problem_clear(store *s, const char *node, sh_error *error);

#endif
