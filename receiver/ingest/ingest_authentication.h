/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_INGEST_AUTHENTICATION_H
#define RECEIVER_INGEST_AUTHENTICATION_H

#include "libcommon/http/http_server.h"
#include "receiver/ingest/ingest_context.h"

#include <stdbool.h>

/* The sender of a push, identified by its token. */
typedef struct {
    credential_snapshot *snapshot;
    const sh_node_record *own; /* record of the node that owns the token; NULL: the shared token */
} ingest_caller;

/*
 * Identifies the sender. Cached credentials that contain the token are sufficient, because Redis
 * checks their version together with the put or question; `anew` loads them again. Answers 403 or
 * 503 and returns false if the token is not valid. Use: SH_CLEANUP(ingest_caller_reset)
 * ingest_caller caller = {0};
 */
bool ingest_authenticate(const ingest *in, sh_http_exchange *exchange, bool anew,
                         ingest_caller *ret);
void ingest_caller_reset(ingest_caller *caller);
/* Whether the sender can be identified, or refused, without asking Redis. */
bool ingest_knows(const ingest *in, sh_http_exchange *exchange);

/* Whether the caller may send as this node. Answers 403 and returns false if not. */
bool ingest_authorise(const ingest *in, sh_http_exchange *exchange, const ingest_caller *caller,
                      const char *node);

#endif
