/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_INGEST_NATIVE_H
#define RECEIVER_INGEST_NATIVE_H

#include "receiver/ingest/ingest_context.h"
#include "receiver/ingest/ingest_push.h"

/* POST /sync with an envelope: PROTOCOL.md section 3. */

/*
 * Verifies the body's header and tag, and seals it again if the node has a key of its own:
 * INGEST_PUTS, or INGEST_ANSWERED if it was refused. Merge checks the content.
 */
ingest_state ingest_native_open(const ingest *in, ingest_push *push);
/* Answers a push whose put has succeeded. */
void ingest_native_done(const ingest *in, const ingest_push *push);

#endif
