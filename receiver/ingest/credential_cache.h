/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_CREDENTIAL_CACHE_H
#define RECEIVER_CREDENTIAL_CACHE_H

#include "libcommon/native/credentials.h"
#include "libcommon/queue/queue.h"
#include "receiver/hub/hub_secrets.h"

/*
 * This process's copy of the nodes' own credentials, which decide who may send what. Shared by all
 * threads; loaded again whenever the version in Redis has changed.
 */
typedef struct credential_cache credential_cache;

sh_err credential_cache_new(const hub_secrets *keys, credential_cache **ret, sh_error *error);
void credential_cache_free(credential_cache *c); /* NULL is accepted; no snapshot may be held */

/* The credentials at one moment; immutable while held. */
typedef struct credential_snapshot credential_snapshot;

/* Returns a reference to the newest snapshot, or NULL if none was loaded yet. */
credential_snapshot *credential_cache_snapshot(credential_cache *c);
/*
 * Takes a snapshot after asking Redis, by one GET, whether anything has changed. Errors are the
 * queue's, and SH_E_NOT_FOUND while no credentials are published; *ret is then the newest snapshot
 * that was loaded before, or NULL. Release it always.
 */
sh_err credential_cache_lookup(credential_cache *c, sh_queue *queue, credential_snapshot **ret,
                               sh_error *error);
/* Loads what has changed. For one thread, in the background. */
void credential_cache_refresh(credential_cache *c, sh_queue *queue);
/* Whether credentials were published in Redis when it was last asked, and the snapshot has them. */
bool credential_cache_is_published(const credential_cache *c);
/*
 * Whether Redis may be asked about an unknown token, or any while no credentials are published. It
 * may be new, or one of a flood of wrong ones: only SH_TOKEN_LOOKUPS_PER_S are looked up.
 * credential_cache_begin_lookup() counts one.
 */
bool credential_cache_may_lookup(credential_cache *c);
bool credential_cache_begin_lookup(credential_cache *c);
void credential_snapshot_release(
    credential_snapshot **snapshot); /* for SH_CLEANUP; NULL inside is accepted */
const char *credential_snapshot_version(const credential_snapshot *snapshot);

/*
 * Whether the token is valid now. *own is the record of the node that it belongs to, borrowed from
 * the snapshot, or NULL for the shared token.
 */
bool credential_snapshot_find(const credential_snapshot *snapshot, sh_slice token,
                              const sh_node_record **own);

typedef enum {
    CALLER_MAY_SEND,
    CALLER_IS_ANOTHER, /* the token belongs to another node */
    CALLER_IS_SHARED,  /* the shared token, for a node with credentials of its own, not in grace */
} caller_class;

/* Whether the sender that credential_snapshot_find() found may send as this node. */
caller_class credential_snapshot_classify(const credential_snapshot *snapshot,
                                          const sh_node_record *own, const char *node);

/* When the shared credentials stopped working for this node (`node add --grace`); 0: not known. */
int64_t credential_snapshot_shared_until_ms(const credential_snapshot *snapshot, const char *node);

/* The node with credentials of its own whose name is easily confused with this one, or NULL. */
const char *credential_snapshot_find_lookalike(const credential_snapshot *snapshot,
                                               const char *node);

/* Whether to record the use of a node's credentials now: true once in SH_NODE_USED_INTERVAL_S. */
bool credential_snapshot_note_use(credential_snapshot *snapshot, const sh_node_record *own,
                                  int64_t now_ms);

#endif
