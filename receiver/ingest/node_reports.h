/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_NODE_REPORTS_H
#define RECEIVER_NODE_REPORTS_H

#include "libcommon/http/http_server.h"
#include "libcommon/queue/queue.h"

#include <stdbool.h>

/*
 * What ingest learns about nodes besides their data: agents and intervals, problems, refused
 * requests. One state for the process, as for metrics; its functions are thread-safe and do not
 * block. last_contact's thread hands everything to Redis once a second, at most a few hundred
 * reports; an agent only if it has changed, or every ten minutes.
 */

/*
 * Records what the headers of a request say about its node, which must be authorised: agent,
 * interval, instance, and a problem that it reports. Returns whether several instances use the
 * node's name, as far as this process knows.
 */
bool node_reports_contact(const sh_http_exchange *exchange, const char *node, bool netalertx);

/* The same for a contact of a node that this hub may not know yet, which Redis decides. */
void node_reports_newcomer(const sh_http_exchange *exchange, const char *node);

/*
 * Records that a request of an authorised node was refused. kind is a code of error_code.h; text
 * has the remedy.
 */
void node_reports_problem(const char *node, unsigned status, const char *kind, const char *text);

/* Records a request without valid credentials; node is the name that it claims, or NULL. */
void node_reports_forbidden(const sh_http_exchange *exchange, const char *node, const char *reason);

/* Hands everything to Redis. For one thread. What cannot be handed over is discarded. */
sh_err node_reports_flush(sh_queue *queue, sh_error *error);

#endif
