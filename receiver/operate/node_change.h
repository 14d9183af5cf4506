/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_NODE_CHANGE_H
#define RECEIVER_NODE_CHANGE_H

#include "libcommon/native/credentials.h"
#include "receiver/hub/hub_secrets.h"
#include "receiver/operate/hub_connections.h"

/* Changes of nodes' credentials in the database: all of one command in one transaction, or none. */

typedef struct {
    const char *node; /* a valid name; borrowed */
    /* Created before the transaction, as deriving keys takes long; only for changes that need it.
     */
    sh_issued_credential issued;
    sh_credential shared; /* if old_ms > 0: for `node add` */
} node_change;

/* How to change the records. */
typedef struct {
    int64_t now_ms;
    int64_t old_ms; /* how long the old credentials stay valid */
    bool netalertx; /* also allow NetAlertX's format */
    bool ephemeral; /* the node comes and goes */
} node_change_options;

/*
 * Changes *record; known is false if the node has none, whose record is empty except for its name.
 */
typedef sh_err (*node_change_each)(sh_node_record *record, bool known, const node_change *change,
                                   const node_change_options *options, sh_error *error);

/* The changes of a command; release with node_changes_reset(). */
typedef struct {
    node_change *items;
    size_t count;
    node_change_each each;
    bool adds; /* may add records: names must not be confusable, and there is a limit */
    node_change_options options;
} node_changes;

/* SH_E_MEMORY. */
sh_err node_changes_init(node_changes *changes, size_t count, sh_error *error);
void node_changes_reset(node_changes *changes); /* wipes the secrets */

/*
 * Creates a credential for each node, with a passphrase for those that may use NetAlertX's format.
 * SH_E_MEMORY, and store's errors.
 */
sh_err node_changes_issue(node_changes *changes, const hub_secrets *keys, store *s,
                          sh_error *error);

/*
 * Changes the records and commits. SH_E_REFUSED, SH_E_NOT_FOUND or SH_E_LIMIT, of one node, if
 * nothing was changed.
 */
sh_err node_changes_apply(const node_changes *changes, store *s, sh_error *error);

/* Logs each known node that is refused from now on, because its name resembles an added one. */
sh_err node_changes_warn(const node_changes *changes, sh_queue *queue, sh_error *error);

#endif
