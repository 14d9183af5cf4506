/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_INGEST_QUESTION_H
#define RECEIVER_INGEST_QUESTION_H

#include "libcommon/http/http_server.h"
#include "receiver/ingest/ingest_context.h"
#include "receiver/ingest/ingest_push.h"

#include <stdbool.h>

/*
 * PROTOCOL.md section 3: a node may send its table's digest before the table, or alone, and learns
 * whether the hub has that table already.
 */

/* Whether a request has no body, and so consists of the question alone. */
bool ingest_question_is_all(const sh_http_exchange *exchange);

/*
 * Reads the headers of a question. Answers what is malformed or forbidden. *asks is false where
 * the request holds no question.
 */
ingest_state ingest_question_read(const ingest *in, ingest_push *push, bool *asks);

/* Answers by what Redis returned, where the table is unchanged or the question was all. */
void ingest_question_answer(const ingest *in, ingest_push *push);

#endif
