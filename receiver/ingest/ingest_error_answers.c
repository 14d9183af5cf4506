/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/ingest/ingest_error_answers.h"

#include "libcommon/runtime/log.h"
#include "receiver/hub/hub_metrics.h"
#include "receiver/ingest/node_reports.h"

#include <assert.h>
#include <ctype.h>
#include <stdio.h>
#include <string.h>

bool ingest_is_netalertx(const sh_http_exchange *exchange)
{
    return strcmp(sh_http_content_type(exchange), "application/json") == 0;
}

/*
 * NetAlertX nodes get exactly the members that NetAlertX answers. If NetAlertX has no text for the
 * case, "error" also contains the message, because their users see only that member.
 */
static void reply_error(sh_http_exchange *exchange, unsigned status, sh_error_code code,
                        const char *title, const char *message)
{
    bool netalertx = ingest_is_netalertx(exchange);
    sh_http_reply_error(exchange, status, netalertx ? NULL : sh_error_code_text(code),
                        netalertx || title == NULL ? message : title, message);
}

static const struct {
    unsigned status;
    sh_error_code code;
    sh_metric *counter;
    const char *title; /* NULL: the message */
} refusals[REFUSED_KINDS] = {
    [REFUSED_HEADER] = {400, SH_CODE_HEADER, &hub_metrics.refused_envelope, "Bad Request"},
    [REFUSED_ENVELOPE] = {400, SH_CODE_ENVELOPE, &hub_metrics.refused_envelope, "Invalid envelope"},
    [REFUSED_TYPE] = {415, SH_CODE_CONTENT_TYPE, &hub_metrics.refused_type, "Invalid Content-Type"},
    [REFUSED_PROTOCOL] = {415, SH_CODE_CONTENT_TYPE, &hub_metrics.refused_type, NULL},
    [REFUSED_SIZE] = {413, SH_CODE_SIZE, &hub_metrics.refused_size, "Content Too Large"},
    [REFUSED_NODE_NAME] = {422, SH_CODE_NODE_NAME, &hub_metrics.refused_name, "Invalid name"},
    [REFUSED_LOOKALIKE] = {422, SH_CODE_NODE_NAME, &hub_metrics.refused_name, NULL},
    [REFUSED_PLUGIN_NAME] = {422, SH_CODE_PLUGIN_NAME, &hub_metrics.refused_name, "Invalid name"},
    [REFUSED_CLOCK] = {422, SH_CODE_CLOCK, &hub_metrics.refused_clock, "Wrong time"},
    [REFUSED_KEY] = {422, SH_CODE_KEY, &hub_metrics.refused_key, "Wrong key"},
    [REFUSED_ALTERED] = {422, SH_CODE_ALTERED, &hub_metrics.refused_altered, "Invalid envelope"},
    [REFUSED_CONTENT] = {422, SH_CODE_CONTENT, &hub_metrics.refused_content, "Invalid content"},
    [REFUSED_JSON] = {400, SH_CODE_NONE, &hub_metrics.refused_json, "Invalid JSON"},
    [REFUSED_FIELD] = {422, SH_CODE_NONE, &hub_metrics.refused_field, "Missing field"},
    [REFUSED_PAYLOAD] = {422, SH_CODE_NONE, &hub_metrics.refused_payload, "Invalid payload"},
};

void ingest_refuse(sh_http_exchange *exchange, refused_kind kind, const char *node,
                   const char *message)
{
    assert(kind < REFUSED_KINDS);
    sh_metric_add(refusals[kind].counter, 1);
    sh_log_event(SH_LOG_WARNING,
                 SH_LOG_FIELDS(SH_LOG_NODE(node), SH_LOG_PEER(sh_http_peer(exchange)),
                               SH_LOG_BYTES(sh_http_body(exchange).len), SH_LOG_REASON(message)),
                 "refused a push with %u", refusals[kind].status);
    if (kind == REFUSED_JSON) /* NetAlertX's own title */
        sh_http_reply_error(exchange, 400, NULL, "Invalid JSON", message);
    else
        reply_error(exchange, refusals[kind].status, refusals[kind].code, refusals[kind].title,
                    message);
}

void ingest_refuse_node(sh_http_exchange *exchange, refused_kind kind, const char *node,
                        const char *message)
{
    sh_error_code code = refusals[kind].code;
    /* NetAlertX's format has no codes, and its payloads are refused alike for all reasons. */
    const char *problem = code == SH_CODE_NONE ? "payload" : sh_error_code_text(code);
    node_reports_problem(node, refusals[kind].status, problem, message);
    ingest_refuse(exchange, kind, node, message);
}

/*
 * Pushers before 0.2.0 do not know codes. They search the messages of 422 for
 * "SYNC_encryption_key", "clock" and "SYNC_node_name", and give up the item if they find none:
 * until 0.4.0 the messages of the codes `key`, `clock` and `node_name` must contain these words
 * (PROTOCOL.md, "Errors").
 */
void ingest_refuse_node_name(sh_http_exchange *exchange, const char *rule)
{
    char message[SH_ERROR_MESSAGE_BYTES + 64];
    (void)snprintf(message, sizeof message, "%s: choose another SYNC_node_name", rule);
    message[0] = (char)toupper((unsigned char)message[0]);
    ingest_refuse(exchange, REFUSED_NODE_NAME, NULL, message);
}

void ingest_forbid(sh_http_exchange *exchange, sh_metric *reason)
{
    sh_metric_add(reason, 1);
    const char *code = ingest_is_netalertx(exchange) ? NULL : sh_error_code_text(SH_CODE_TOKEN);
    sh_http_reply_error(exchange, 403, code, "Forbidden", "ERROR: Not authorized");
}

void ingest_forbid_node(sh_http_exchange *exchange, sh_metric *reason, const char *node,
                        const char *text)
{
    sh_log_event(
        SH_LOG_WARNING,
        SH_LOG_FIELDS(SH_LOG_NODE(node), SH_LOG_PEER(sh_http_peer(exchange)), SH_LOG_REASON(text)),
        "refused a push with 403");
    ingest_forbid(exchange, reason);
}

void ingest_refuse_plugin_name(sh_http_exchange *exchange, const char *rule)
{
    char message[SH_ERROR_MESSAGE_BYTES + 64];
    (void)snprintf(message, sizeof message, "%s: correct SYNC_plugins on the node", rule);
    message[0] = (char)toupper((unsigned char)message[0]);
    ingest_refuse(exchange, REFUSED_PLUGIN_NAME, NULL, message);
}

void ingest_refuse_size(sh_http_exchange *exchange, const char *node, const char *limit)
{
    char message[SH_ERROR_MESSAGE_BYTES + sizeof INGEST_SIZE_REMEDY + 2];
    (void)snprintf(message, sizeof message, "%s: " INGEST_SIZE_REMEDY, limit);
    ingest_refuse_node(exchange, REFUSED_SIZE, node, message);
}

unavailable_kind ingest_unavailable_of(sh_err err)
{
    if (err == SH_E_MEMORY)
        return UNAVAILABLE_MEMORY;
    if (err == SH_E_BUSY)
        return UNAVAILABLE_FULL;
    return sh_err_is_transient(err) || err == SH_E_CONFIG ? UNAVAILABLE_REDIS
                                                          : UNAVAILABLE_INTERNAL;
}

#define DEFERRED SH_LOG_WARNING, "answered a push with 503"
#define FAILED SH_LOG_ERROR, "could not queue a push"

void ingest_unavailable(sh_http_exchange *exchange, unavailable_kind kind, const char *node,
                        const char *reason)
{
    static const struct {
        sh_error_code code;
        sh_metric *counter;
        sh_log_level level;
        const char *log, *message;
    } kinds[UNAVAILABLE_KINDS] = {
        [UNAVAILABLE_BUSY] = {SH_CODE_BUSY, &hub_metrics.unavailable_busy, DEFERRED,
                              "The hub is busy: try again later"},
        [UNAVAILABLE_CREDENTIALS] = {SH_CODE_CREDENTIALS, &hub_metrics.unavailable_credentials,
                                     FAILED,
                                     "The hub cannot check this node's credentials at the moment: "
                                     "the reason is in its log"},
        [UNAVAILABLE_FULL] = {SH_CODE_FULL, &hub_metrics.unavailable_full, FAILED,
                              "The hub's queue accepts nothing at the moment: try again later"},
        [UNAVAILABLE_INTERNAL] = {SH_CODE_INTERNAL, &hub_metrics.failed_internal, FAILED,
                                  "The hub failed to queue it: the reason is in its log"},
        [UNAVAILABLE_KEY] = {SH_CODE_NOT_READY, &hub_metrics.unavailable_key, FAILED,
                             "This receiver is not ready: the reason is in its log"},
        [UNAVAILABLE_MEMORY] = {SH_CODE_MEMORY, &hub_metrics.unavailable_memory, FAILED,
                                "The hub is short of memory: try again later"},
        [UNAVAILABLE_NAMES] = {SH_CODE_NAMES, &hub_metrics.unavailable_names, DEFERRED,
                               "The hub accepts no more nodes under the shared token at the "
                               "moment: the reason is in its log"},
        [UNAVAILABLE_REDIS] = {SH_CODE_REDIS, &hub_metrics.unavailable_redis, FAILED,
                               "The hub's queue is down: try again later"},
        [UNAVAILABLE_SHARE] = {SH_CODE_SHARE, &hub_metrics.unavailable_share, DEFERRED,
                               "This node's share of the hub's queue is full: try again later"},
    };
    assert(kind < UNAVAILABLE_KINDS);
    sh_metric_add(kinds[kind].counter, 1);
    if (reason != NULL)
        sh_log_event(kinds[kind].level,
                     SH_LOG_FIELDS(SH_LOG_NODE(node), SH_LOG_PEER(sh_http_peer(exchange)),
                                   SH_LOG_REASON(reason)),
                     "%s", kinds[kind].log);
    bool later = kind != UNAVAILABLE_INTERNAL;
    reply_error(exchange, later ? 503 : 500, kinds[kind].code,
                later ? "Service Unavailable" : "Internal Server Error", kinds[kind].message);
}

void ingest_failed(sh_http_exchange *exchange, const char *node, const sh_error *error)
{
    ingest_unavailable(exchange, ingest_unavailable_of(error->code), node, error->message);
}
