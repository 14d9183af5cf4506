/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_INGEST_INTERNAL_H
#define RECEIVER_INGEST_INTERNAL_H

#include "receiver/figures.h"
#include "receiver/ingest.h"

/* What the native and NetAlertX's way of pushing share. */

/* Counts, logs and answers a refusal: status, reason's counter, and the words for the node. */
void ingest_refuse(sh_http_exchange *exchange, unsigned status, sh_metric *reason,
                   const char *error_text, const char *node, const char *message);

/* Answers for a queue that could not take what was sent: 503, or 500 for our own failures. */
void ingest_unavailable(sh_http_exchange *exchange, const char *node, const sh_error *error);

/* Whether the text is what its kind says; SH_E_FORMAT, SH_E_LIMIT with the words for the node. */
sh_err ingest_check_text(sh_kind kind, sh_slice text, sh_error *error);

/* Whether the node's last merged table had this digest, less than a day ago. */
sh_err ingest_is_unchanged(sh_queue *queue, sh_slice node, const uint8_t digest[SH_DIGEST_BYTES],
                           bool *ret, sh_error *error);

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

void ingest_native(const ingest *in, sh_http_exchange *exchange);
void ingest_netalertx(const ingest *in, sh_http_exchange *exchange);

#endif
