/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_CALLERS_H
#define RECEIVER_CALLERS_H

#include "libcommon/native/credentials.h"
#include "libcommon/queue/queue.h"
#include "receiver/hub/keys.h"

/*
 * Who may send what: the nodes' own credentials as this process knows them, shared by its threads
 * and looked at anew whenever their version in Redis has changed.
 */
typedef struct callers callers;

sh_err callers_new(const hub_keys *keys, callers **ret, sh_error *error);
void callers_free(callers *c); /* NULL is accepted; no view may be held any more */

/* What was known at one moment; it does not change while it is held. */
typedef struct callers_view callers_view;

/* Takes the last view, or NULL where there never was one. */
callers_view *callers_last(callers *c);
/*
 * Takes a view after asking Redis, by one GET, whether anything has changed. Errors are the
 * queue's; then *ret is as callers_last() gives it. End views with callers_view_end() always.
 */
sh_err callers_look(callers *c, sh_queue *queue, callers_view **ret, sh_error *error);
/* Takes over what has changed since the last look. For one thread, in the background. */
void callers_refresh(callers *c, sh_queue *queue);
/*
 * Whether Redis may be asked about a token that nobody here knows. It may be one that was made a
 * moment ago, or one of a flood of wrong ones, so that only SH_TOKEN_LOOKUPS_PER_S are asked about;
 * callers_look_begin() counts one.
 */
bool callers_may_look(callers *c);
bool callers_look_begin(callers *c);
void callers_view_end(callers_view **view); /* for SH_CLEANUP; NULL inside is accepted */
const char *callers_version(const callers_view *view);

/*
 * Whether the token is one that works now; *own is the record of the node whose own it is, borrowed
 * from the view, or NULL for the shared one.
 */
bool callers_know(const callers_view *view, sh_slice token, const sh_node_record **own);

typedef enum {
    CALLER_MAY_SEND,
    CALLER_IS_ANOTHER, /* it has the credentials of another node */
    CALLER_IS_SHARED,  /* the node has credentials of its own, this is the shared token */
} caller_verdict;

/* Whether who is known by callers_know() may send as this node. */
caller_verdict callers_judge(const callers_view *view, const sh_node_record *own, const char *node);

/* The node with credentials of its own whose name is easily confused with this one, or NULL. */
const char *callers_like(const callers_view *view, const char *node);

/* Whether it is time to note that the node was here; says so once in SH_NODE_USED_INTERVAL_S. */
bool callers_note_use(callers_view *view, const sh_node_record *own, int64_t now_ms);

#endif
