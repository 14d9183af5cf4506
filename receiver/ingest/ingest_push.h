/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_INGEST_PUSH_H
#define RECEIVER_INGEST_PUSH_H

#include "libcommon/http/http_server.h"
#include "libcommon/native/envelope.h"
#include "libcommon/queue/queue.h"
#include "receiver/ingest/ingest_authentication.h"

#include <stdbool.h>

typedef enum {
    INGEST_ANSWERED,
    INGEST_ASKS, /* needs the digest of the node's last table from Redis */
    INGEST_PUTS  /* has an envelope for the queue */
} ingest_state;

/* A push, from its body to its answer. */
typedef struct {
    sh_http_exchange *exchange;
    ingest_caller caller;
    ingest_state state;
    bool netalertx;
    int tries;                  /* how often the credentials changed during the push */
    sh_envelope_header header;  /* for a question: node and digest */
    sh_buf sealed;              /* the envelope to queue, unless it is the body */
    size_t text_len;            /* length of the opened text */
    sh_queue_put_item put;      /* puts */
    sh_queue_question question; /* asks */
} ingest_push;

#endif
