/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_INGEST_H
#define RECEIVER_INGEST_H

#include "libcommon/http/http_server.h"
#include "receiver/ingest/ingest_context.h"

#include <stddef.h>

/*
 * POST /sync: authenticate, open, check, seal, queue. Stateless: what the hub knows of nodes is in
 * Redis. These are the callbacks of the route, as sh_http_route says; any thread.
 */
size_t ingest_admit(const ingest *in, sh_http_exchange *exchange);
sh_http_class ingest_classify(const sh_http_exchange *exchange);
void ingest_handle_each(const ingest *in, sh_http_exchange *const exchanges[], size_t count);

#endif
