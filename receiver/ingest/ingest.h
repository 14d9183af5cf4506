/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_INGEST_H
#define RECEIVER_INGEST_H

#include "libcommon/http/http_server.h"
#include "libcommon/queue/queue_watch.h"
#include "receiver/hub/keys.h"
#include "receiver/ingest/contacts.h"
#include "receiver/ingest/credential_cache.h"
#include "receiver/ingest/key_guard.h"
#include "receiver/ingest/name_index.h"
#include "receiver/ingest/newcomers.h"
#include "receiver/ingest/queue_pool.h"
#include "receiver/ingest/throttle.h"

#include <stdbool.h>

/*
 * POST /sync: authenticate, open, check, seal, queue. Stateless: what it knows of nodes is in
 * Redis. Every call may come from any thread of the HTTP server.
 */
typedef struct {
    const hub_keys *keys;
    queue_pool *queues;
    callers *callers;
    contacts *contacts;
    name_index *names;
    throttle *throttle;
    bool native_only; /* NetAlertX's format is refused */
    newcomers *newcomers;
    sh_queue_watch *watch;
    key_guard *key;
} ingest;

/* The callbacks of the route, as sh_http_route says. */
size_t ingest_admit(const ingest *in, sh_http_exchange *exchange);
sh_http_class ingest_classify(const sh_http_exchange *exchange);
void ingest_handle_each(const ingest *in, sh_http_exchange *const exchanges[], size_t count);

#endif
