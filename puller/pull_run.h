/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PULLER_PULL_RUN_H
#define PULLER_PULL_RUN_H

#include "libcommon/config/settings.h"
#include "libcommon/crypto/crypto.h"
#include "libcommon/http/http_client.h"
#include "libcommon/native/credentials.h"
#include "libcommon/native/node_problem_header.h"
#include "libcommon/queue/queue.h"
#include "puller/enqueue_batch.h"
#include "puller/leases.h"
#include "puller/nodes.h"
#include "puller/pull_reports.h"
#include "puller/pull_retries.h"
#include "puller/puller_status.h"

#include <stdbool.h>
#include <stdint.h>

/* One run over all nodes: its state, its leases, and how it ends for each node. */

/* The state that all runs share. Belongs to one thread. */
typedef struct {
    const sh_settings *settings;
    puller_nodes nodes;
    last_report *last_reports; /* of each node */
    bool is_single;            /* one run only */
    uint8_t passphrase_key[SH_KEY_BYTES];
    uint8_t credential_key[SH_KEY_BYTES]; /* seals the nodes' own credentials */
    sh_http_client *client;
    size_t parallel_max; /* concurrent exchanges */
    sh_queue *queue;
    sh_queue_keeps keeps; /* as last logged … */
    bool keeps_logged;    /* … if ever */
} puller;

/* One node in one run. */
typedef struct {
    const puller_node *node;
    pull_state state;
    char name[SH_NODE_NAME_MAX + 1]; /* as configured, answered before, or answered now; or "" */
    char if_none_match[sizeof "If-None-Match: \"\"" + SH_DIGEST_HEX_BYTES]; /* "": not sent */
    const char *headers[3];
    char token[SH_SECRET_TEXT_BYTES]; /* the node's own, or "" for the shared one */
    size_t token_number;              /* number of this token, see puller_token_of() */
    bool leased;
    char agent[SH_AGENT_MAX + 1]; /* of its answer, "" if it does not say; and … */
    sh_node_problem problem;      /* … the problem that it reports of itself; and … */
    int status;                   /* … its HTTP status, 0 without an answer */
    bool is_hubs_fault;           /* the failure is one of Redis or this program */
    bool name_new;                /* record it for this URL */
    bool has_name;                /* its answer contained its name */
} node_fetch;

typedef struct {
    puller *p;
    node_fetch *fetches; /* one for each node */
    sh_http_request *requests;
    node_fetch **asked; /* node of each request */
    size_t asked_count;
    int64_t begin_ms;    /* monotonic */
    int64_t within_ms;   /* skip nodes fetched within this time before the run */
    unsigned tries_left; /* further attempts for half-written tables */
    size_t counts[PULL_OUTCOMES];
    node_fetch *ended[LEASES_MAX]; /* nodes whose leases will be released together */
    size_t ended_count;
    pull_reports reports;
    enqueue_batch batch; /* fetched tables on their way into the queue */
    bool redis_away;     /* Redis failed during the run: later calls fail at once */
} pull_run;

bool pull_run_speaks_netalertx(const pull_run *r);

/* Records whether a call to Redis failed because Redis is away. Returns err. */
sh_err pull_run_note(pull_run *r, sh_err err);

/*
 * Moves a node to the state after event. In an end state, counts the node and releases its lease,
 * in a batch with others.
 */
void pull_run_advance(pull_run *r, node_fetch *f, pull_event event);

/*
 * The same for an event with an error: PULL_ERROR, PULL_CUT, or PULL_STOPPED if error is
 * SH_E_STOPPED. Logs the error if it ends the node's part.
 */
void pull_run_fail(pull_run *r, node_fetch *f, pull_event event, const sh_error *error);

/*
 * Takes the leases of count nodes, 1 to LEASES_MAX, in one call; held[] is the result for
 * each. The errors of the queue; SH_E_STOPPED.
 */
sh_err pull_run_take_leases(pull_run *r, node_fetch *fetches, size_t count, lease held[],
                            sh_error *error);

/* Releases the leases of nodes that have ended. */
void pull_run_release_leases(pull_run *r);

/*
 * The digest of the node's last merged table if it was merged within SH_FULL_TABLE_INTERVAL_S.
 * SH_E_NOT_FOUND; the errors of the queue.
 */
sh_err pull_run_recent_digest(pull_run *r, const char *name, uint8_t digest[static SH_DIGEST_BYTES],
                              sh_error *error);

/* A node for the reports to the hub. */
reported_node pull_run_reported(const pull_run *r, const node_fetch *f);

/* For the log: the node's name, NULL while it is unknown. */
const char *pull_run_name_of(const node_fetch *f);

#endif
