/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_INGEST_CONTEXT_H
#define RECEIVER_INGEST_CONTEXT_H

#include "libcommon/http/http_server.h"
#include "libcommon/queue/queue_watch.h"
#include "receiver/hub/hub_secrets.h"
#include "receiver/ingest/combiner.h"
#include "receiver/ingest/credential_cache.h"
#include "receiver/ingest/ingest_key_check.h"
#include "receiver/ingest/last_contact.h"
#include "receiver/ingest/name_index.h"
#include "receiver/ingest/new_node_rate.h"
#include "receiver/ingest/queue_pool.h"
#include "receiver/ingest/throttle.h"

#include <stdbool.h>

/* The state that POST /sync uses. All calls on it may come from any thread of the HTTP server. */
typedef struct {
    const hub_secrets *keys;
    queue_pool *queues;
    combiner *exchanges; /* with Redis, of ingest_flush() */
    credential_cache *credentials;
    last_contact *contacts;
    name_index *names;
    throttle *throttle;
    bool native_only; /* refuse NetAlertX's format */
    new_node_rate *new_node_rate;
    sh_queue_watch *watch;
    ingest_key_check *key;
} ingest;

#endif
