/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_INGEST_INTERNAL_H
#define RECEIVER_INGEST_INTERNAL_H

#include "receiver/figures.h"
#include "receiver/ingest.h"

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

/* Whether the caller may send as this node. Answers 403 and returns false where it may not. */
bool ingest_authorise(const ingest *in, sh_http_exchange *exchange, const ingest_caller *caller,
                      const char *node);

/*
 * Queues an envelope that is sealed with the hub's key for its node; unless_unchanged: but not
 * where its node's last merged table had the same digest, less than a day ago. Answers and returns
 * false where it could not, or where the caller lost the right to send meanwhile.
 */
bool ingest_put(const ingest *in, sh_http_exchange *exchange, ingest_caller *caller,
                sh_slice envelope, const sh_envelope_header *header, bool unless_unchanged,
                sh_put *ret);

/*
 * Whether the node's last merged table had this digest, less than a day ago. Answers and returns
 * false as ingest_put() does.
 */
bool ingest_ask(const ingest *in, sh_http_exchange *exchange, ingest_caller *caller,
                const char *node, const uint8_t digest[static SH_DIGEST_BYTES], bool *unchanged);

/* Counts, logs and answers a refusal: status, reason's counter, and the words for the node. */
void ingest_refuse(sh_http_exchange *exchange, unsigned status, sh_metric *reason,
                   const char *error_text, const char *node, const char *message);

/* Answers for a queue that could not take what was sent: 503, or 500 for our own failures. */
void ingest_unavailable(sh_http_exchange *exchange, const char *node, const sh_error *error);

/* Whether the text is what its kind says; SH_E_FORMAT, SH_E_LIMIT with the words for the node. */
sh_err ingest_check_text(sh_kind kind, sh_slice text, sh_error *error);

/*
 * Large texts are opened one at a time, so that the memory they take is bounded however many peers
 * send them. Use: SH_CLEANUP(ingest_turn_end) bool turn = ingest_turn_begin(body_len);
 */
bool ingest_turn_begin(size_t body_len);
void ingest_turn_end(const bool *turn);

/*
 * Takes room for what a smaller text needs beside its body; where there is none, answers 503 and
 * returns false.
 */
bool ingest_claim(sh_http_exchange *exchange, const char *node, size_t bytes);

void ingest_native(const ingest *in, sh_http_exchange *exchange, ingest_caller *caller);
void ingest_netalertx(const ingest *in, sh_http_exchange *exchange, ingest_caller *caller);

#endif
