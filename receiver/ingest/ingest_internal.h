/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_INGEST_INTERNAL_H
#define RECEIVER_INGEST_INTERNAL_H

#include "receiver/hub/hub_metrics.h"
#include "receiver/ingest/ingest.h"
#include "receiver/ingest/ingest_refusal.h"

/* What the native and NetAlertX's way of pushing share. */

/* Who sends, found by the token. */
typedef struct {
    callers_view *view;
    const sh_node_record *own; /* of the node whose own token it is; NULL: the shared one */
} ingest_caller;

/*
 * Finds out who sends. What this process knows of credentials is good enough where it knows the
 * token, for whatever is queued or asked is checked against their version then; anew: it is not.
 * Answers 403 or 503 and returns false where nobody known sends.
 * Use: SH_CLEANUP(ingest_caller_end) ingest_caller caller = {0};
 */
bool ingest_authenticate(const ingest *in, sh_http_exchange *exchange, bool anew,
                         ingest_caller *ret);
void ingest_caller_end(ingest_caller *caller);
/* Whether Redis need not be asked who sends: it is known here, or too many unknown ones came. */
bool ingest_knows(const ingest *in, sh_http_exchange *exchange);

/* Whether the caller may send as this node. Answers 403 and returns false where it may not. */
bool ingest_authorise(const ingest *in, sh_http_exchange *exchange, const ingest_caller *caller,
                      const char *node);

typedef enum {
    INGEST_ANSWERED,
    INGEST_ASKS, /* for what Redis knows of the node's last table */
    INGEST_PUTS  /* an envelope into the queue */
} ingest_state;

/* One push on its way from its body to its answer. */
typedef struct {
    sh_http_exchange *exchange;
    ingest_caller caller;
    ingest_state state;
    bool netalertx;
    int tries;                  /* the credentials changed so often meanwhile */
    sh_envelope_header header;  /* asks: its node and digest */
    sh_buf sealed;              /* what is queued, where that is not the body itself */
    size_t text_len;            /* of what was opened */
    sh_queue_put_item put;      /* puts */
    sh_queue_question question; /* asks */
} ingest_push;

/*
 * Does all that the pushes wait for Redis to do, all together, and answers them. Each was opened by
 * one whose right to send is checked again with what it asks or puts.
 */
void ingest_settle(const ingest *in, ingest_push pushes[], size_t count);

/* What the answer to a question means: answers where the table is unchanged, or only was asked for.
 */
void ingest_asked(const ingest *in, ingest_push *push);

/* Whether the text is what its kind says; SH_E_FORMAT, SH_E_LIMIT with the words for the node. */
sh_err ingest_check_text(sh_kind kind, sh_slice text, sh_error *error);

/*
 * Takes room for what is made of a smaller body and kept beside it; where there is none, answers
 * 503 and returns false.
 */
bool ingest_claim(sh_http_exchange *exchange, const char *node, size_t bytes);

/*
 * Opens the body into *text, whose old content goes, and checks it for INGEST_PUTS; or answers; or
 * leaves it for later.
 */
ingest_state ingest_native_open(const ingest *in, ingest_push *push, sh_buf *text);
ingest_state ingest_netalertx_open(const ingest *in, ingest_push *push, sh_buf *text);
/* Answers what was put. */
void ingest_native_done(const ingest *in, const ingest_push *push);
void ingest_netalertx_done(const ingest *in, const ingest_push *push);

#endif
