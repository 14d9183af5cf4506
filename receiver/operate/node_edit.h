/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_NODE_EDIT_H
#define RECEIVER_NODE_EDIT_H

#include "libcommon/config/settings.h"

#include <stdbool.h>
#include <stdint.h>

#define NODE_SILENT_AFTER_MAX_MS (366 * 86400 * INT64_C(1000))

/* What an operator sets of a node; zeroed: nothing. Texts are borrowed. */
typedef struct {
    const char *const *labels; /* `KEY=VALUE`; an empty VALUE removes the label */
    size_t labels_count;
    const char *note; /* NULL: it stays; one line */
    bool sets_silent_after, sets_ephemeral;
    int64_t silent_after_ms; /* 0: three intervals */
    bool ephemeral;
    bool expects; /* since now, unless it is already; adds a node that is not known */
} node_edit;

/*
 * Changes the node's record in one transaction. SH_E_NOT_FOUND if there is no such node, unless the
 * edit expects it; SH_E_CONFIG or SH_E_LIMIT for an invalid value. Nothing is changed then.
 */
sh_err node_edit_apply(const sh_settings *settings, const char *node, const node_edit *edit,
                       sh_error *error);

/*
 * Deletes all that is known of a node but its devices. SH_E_NOT_FOUND; SH_E_REFUSED if it has
 * credentials of its own that are not revoked.
 */
sh_err node_edit_forget(const sh_settings *settings, const char *node, sh_error *error);

#endif
