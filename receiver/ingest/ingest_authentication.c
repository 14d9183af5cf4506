/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/ingest/ingest_authentication.h"

#include "libcommon/base/cleanup.h"
#include "libcommon/base/clock.h"
#include "libcommon/runtime/log.h"
#include "receiver/hub/hub_metrics.h"
#include "receiver/ingest/claimed_identity.h"
#include "receiver/ingest/ingest_error_answers.h"
#include "receiver/ingest/node_reports.h"

#include <stdio.h>
#include <string.h>

void ingest_caller_reset(ingest_caller *caller)
{
    credential_snapshot_release(&caller->snapshot);
    caller->own = NULL;
}

static bool is_known(sh_http_exchange *exchange, ingest_caller *caller)
{
    return caller->snapshot != NULL &&
           credential_snapshot_find(caller->snapshot, sh_http_bearer(exchange), &caller->own);
}

bool ingest_knows(const ingest *in, sh_http_exchange *exchange)
{
    SH_CLEANUP(ingest_caller_reset)
    ingest_caller caller = {.snapshot = credential_cache_snapshot(in->credentials)};
    if (!credential_cache_is_published(in->credentials))
        return !credential_cache_may_lookup(in->credentials);
    return is_known(exchange, &caller) ||
           (caller.snapshot != NULL && !credential_cache_may_lookup(in->credentials));
}

static sh_err lookup_caller(const ingest *in, ingest_caller *ret, sh_error *error)
{
    SH_CLEANUP(queue_loan_end) queue_loan loan = {0};
    ingest_caller_reset(ret);
    sh_err err = queue_loan_begin(in->queues, &loan, error);
    return err == SH_OK
               ? credential_cache_lookup(in->credentials, loan.queue, &ret->snapshot, error)
               : err;
}

#define UNKNOWN_TOKEN                                                                              \
    "the token is not this hub's, nor any node's own; SYNC_api_token (or API_TOKEN) must be the "  \
    "same on node and hub, or what `synchub-receiver node` printed last"

/* Behind an ingress only the peer's claims identify the node. They prove nothing. */
static void log_unknown(const sh_http_exchange *exchange, sh_slice head, sh_slice tail)
{
    char node[SH_NODE_NAME_MAX + 1];
    char address[CLAIMED_IDENTITY_ADDRESS_BYTES];
    const char *node_text = claimed_identity_node(exchange, head, tail, node) ? node : NULL;
    const char *address_text = claimed_identity_address(exchange, address) ? address : NULL;
    const sh_log_field *fields = SH_LOG_FIELDS(
        SH_LOG_PEER(sh_http_peer(exchange)), SH_LOG_SUBJECT("claimed_node", node_text),
        SH_LOG_SUBJECT("forwarded_for", address_text), SH_LOG_REASON(UNKNOWN_TOKEN));
    node_reports_forbidden(exchange, node_text, UNKNOWN_TOKEN);
    sh_log_event(SH_LOG_WARNING, fields, "refused a push with 403");
}

bool ingest_authenticate(const ingest *in, sh_http_exchange *exchange, bool anew,
                         ingest_caller *ret)
{
    sh_error error = {0};
    /* Once, as another thread may find them published meanwhile. */
    bool published = credential_cache_is_published(in->credentials);
    ingest_caller_reset(ret);
    if (!anew && published) {
        ret->snapshot = credential_cache_snapshot(in->credentials);
        if (is_known(exchange, ret))
            return true;
    }
    /* The token may be newer than the cached credentials. */
    sh_err err = SH_OK;
    if (anew || credential_cache_begin_lookup(in->credentials))
        err = lookup_caller(in, ret, &error);
    else if (!published)
        err = sh_fail(&error, SH_E_NOT_FOUND, SH_NODES_NOT_PUBLISHED);
    bool known = is_known(exchange, ret);
    if (err == SH_OK && known)
        return true;
    if (err == SH_E_NOT_FOUND) { /* a 403 might concern a node that is not published again yet */
        ingest_unavailable(exchange, UNAVAILABLE_CREDENTIALS, NULL, error.message);
        return false;
    }
    if (err != SH_OK && (known || ret->snapshot == NULL)) {
        ingest_failed(exchange, NULL, &error); /* unknown at the moment */
        return false;
    }
    sh_http_when_refused(exchange, log_unknown);
    ingest_forbid(exchange, &hub_metrics.refused_token);
    return false;
}

/* Informs the operator; a failure does not concern the push. */
static void note_use(const ingest *in, const ingest_caller *caller)
{
    SH_CLEANUP(queue_loan_end) queue_loan loan = {0};
    int64_t now_ms = sh_clock_unix_ms();
    if (caller->own != NULL &&
        credential_snapshot_note_use(caller->snapshot, caller->own, now_ms) &&
        queue_loan_begin(in->queues, &loan, NULL) == SH_OK)
        (void)sh_queue_node_used(loan.queue, caller->own->node, now_ms, NULL);
}

/*
 * Answers and returns false if the name of a node with the shared token resembles that of a node
 * with its own.
 */
static bool check_lookalike(sh_http_exchange *exchange, const ingest_caller *caller,
                            const char *node)
{
    const char *like =
        caller->own != NULL ? NULL : credential_snapshot_find_lookalike(caller->snapshot, node);
    if (like == NULL)
        return true;
    char message[2 * SH_NODE_NAME_MAX + 200];
    (void)snprintf(
        message, sizeof message,
        "The node name is easily confused with \"%s\", a node with credentials of its own: "
        "choose another SYNC_node_name",
        like);
    ingest_refuse_node(exchange, REFUSED_LOOKALIKE, node, message);
    return false;
}

#define REASON_BYTES (2 * SH_NODE_NAME_MAX + 400)

/* Why the shared token is refused, and what to do on the node. */
static void write_shared(const ingest_caller *caller, const char *node,
                         char ret[static REASON_BYTES])
{
    char since[SH_RFC3339_BYTES], ended[2 * SH_RFC3339_BYTES] = "";
    int64_t until_ms = credential_snapshot_shared_until_ms(caller->snapshot, node);
    sh_clock_rfc3339(until_ms, since);
    if (until_ms > 0)
        (void)snprintf(ended, sizeof ended, "since %s ", since);
    (void)snprintf(ret, REASON_BYTES,
                   "this node has credentials of its own, so %sthe shared token is not accepted "
                   "for it: SYNC_api_token and SYNC_encryption_key there must be its own, which "
                   "`node add` printed; `synchub-receiver node rotate` creates others",
                   ended);
}

bool ingest_authorise(const ingest *in, sh_http_exchange *exchange, const ingest_caller *caller,
                      const char *node)
{
    char text[REASON_BYTES];
    switch (credential_snapshot_classify(caller->snapshot, caller->own, node)) {
    case CALLER_MAY_SEND:
        break;
    case CALLER_IS_ANOTHER: /* proven, unlike the name that it uses */
        (void)snprintf(text, sizeof text,
                       "it sends as node \"%s\" with its own token, which is valid only for "
                       "itself: correct SYNC_node_name there, or SYNC_api_token",
                       node);
        node_reports_problem(caller->own->node, 403, "node_name", text);
        (void)snprintf(text, sizeof text,
                       "the token belongs to node %s, which may send only as itself: "
                       "SYNC_node_name or SYNC_api_token there is wrong",
                       caller->own->node);
        ingest_forbid_node(exchange, &hub_metrics.refused_node, node, text);
        return false;
    case CALLER_IS_SHARED:
        write_shared(caller, node, text);
        node_reports_forbidden(exchange, node, text);
        ingest_forbid_node(exchange, &hub_metrics.refused_shared, node, text);
        return false;
    }
    if (!check_lookalike(exchange, caller, node))
        return false;
    note_use(in, caller);
    return true;
}
