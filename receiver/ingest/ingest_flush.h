/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_INGEST_FLUSH_H
#define RECEIVER_INGEST_FLUSH_H

#include "receiver/ingest/ingest_context.h"
#include "receiver/ingest/ingest_push.h"

#include <stddef.h>

/*
 * Sends the questions and puts of the pushes to Redis in as few exchanges as possible, and answers
 * the pushes. Redis checks in the same exchange that the credentials are unchanged (SH_PUT_STALE).
 */
void ingest_flush(const ingest *in, ingest_push pushes[], size_t count);

#endif
