/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_INGEST_DIGEST_QUERY_H
#define RECEIVER_INGEST_DIGEST_QUERY_H

#include "libcommon/http/http_server.h"
#include "receiver/ingest/ingest_context.h"
#include "receiver/ingest/ingest_push.h"

#include <stdbool.h>

/*
 * PROTOCOL.md, section 3: a node may send its table's digest before the table, or only the digest,
 * to find out whether the hub has this table already.
 */

/* Whether a request has no body, and so is only a question. */
bool ingest_digest_query_is_all(const sh_http_exchange *exchange);

/*
 * Parses the headers of a question. Answers malformed or forbidden ones. *asks is false if the
 * request contains no question.
 */
ingest_state ingest_digest_query_read(const ingest *in, ingest_push *push, bool *asks);

/* Answers if the table is unchanged or the request was only a question. */
void ingest_digest_query_answer(const ingest *in, ingest_push *push);

#endif
