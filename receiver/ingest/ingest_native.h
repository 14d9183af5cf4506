/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_INGEST_NATIVE_H
#define RECEIVER_INGEST_NATIVE_H

#include "libcommon/base/buffer.h"
#include "receiver/ingest/ingest_context.h"
#include "receiver/ingest/ingest_push.h"

/* POST /sync with an envelope: PROTOCOL.md section 3. */

/*
 * Opens the body into *text, replacing its content, and checks it: INGEST_PUTS. Answers what is
 * refused: INGEST_ANSWERED.
 */
ingest_state ingest_native_open(const ingest *in, ingest_push *push, sh_buf *text);
/* Answers what was put. */
void ingest_native_done(const ingest *in, const ingest_push *push);

#endif
