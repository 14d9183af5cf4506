/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_INGEST_FLUSH_H
#define RECEIVER_INGEST_FLUSH_H

#include "receiver/ingest/ingest_context.h"
#include "receiver/ingest/ingest_push.h"

#include <stddef.h>

/*
 * Sends everything that the pushes need from Redis in as few exchanges as possible, and answers
 * them. The caller's right to send is checked again in the same exchange: SH_PUT_STALE.
 */
void ingest_flush(const ingest *in, ingest_push pushes[], size_t count);

#endif
