/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/base/hex.h"
#include "pusher/push.h"

#include "libcommon/base/cleanup.h"
#include "libcommon/json/json_read.h"
#include "libcommon/native/peer_answer.h"

#include <stdio.h>
#include <string.h>

#define NETALERTX_STORED "Data received and stored successfully"

bool push_is_success(push_verdict verdict)
{
    return verdict == PUSH_QUEUED || verdict == PUSH_DUPLICATE || verdict == PUSH_UNCHANGED;
}

const char *push_verdict_name(push_verdict verdict)
{
    static const char *const names[PUSH_VERDICTS] = {
        [PUSH_QUEUED] = "queued",       [PUSH_DUPLICATE] = "duplicate",
        [PUSH_UNCHANGED] = "unchanged", [PUSH_LATER] = "later",
        [PUSH_FOREIGN] = "foreign",     [PUSH_MISCONFIGURED] = "misconfigured",
        [PUSH_REFUSED] = "refused",     [PUSH_STOPPED] = "stopped",
    };
    return names[verdict];
}

/* Fails with the hub's message, reason, and what to do. */
static push_verdict fail_own(const push_question *q, push_verdict verdict, const char *sentence,
                             const char *reason, sh_error *error)
{
    (void)sh_fail(error, verdict == PUSH_LATER ? SH_E_BUSY : SH_E_REFUSED,
                  "%s/sync answered %d%s%s%s; %s", q->url, q->answer->status,
                  reason[0] != '\0' ? " (" : "", reason, reason[0] != '\0' ? ")" : "", sentence);
    return verdict;
}

/* The answer is not the hub's, so it does not concern the item. */
static push_verdict fail_foreign(const push_question *q, sh_error *error)
{
    static const sh_peer hub = {.name = "hub", .setting = "SYNC_hub_url"};
    char message[SH_PEER_DESCRIPTION_BYTES];
    int status = q->answer->status;
    sh_peer_describe_foreign(&hub, q->answer, message);
    bool busy = status >= 500 || status == 408 || status == 425 || status == 429;
    (void)sh_fail(error, busy ? SH_E_BUSY : SH_E_REFUSED,
                  "%s/sync %s; nothing is lost, the pusher will retry", q->url, message);
    return busy ? PUSH_LATER : PUSH_FOREIGN;
}

/* Whether a member of the hub's JSON is this text. */
static bool member_is(const sh_json *document, const char *key, const char *text)
{
    const sh_json *value = document == NULL || sh_json_kind_of(document) != SH_JSON_OBJECT
                               ? NULL
                               : sh_json_member(document, key);
    return value != NULL && sh_json_kind_of(value) == SH_JSON_STRING &&
           sh_slice_equals(sh_json_text(value), sh_slice_of(text));
}

static void read_json(const sh_http_answer *answer, sh_json **ret)
{
    *ret = NULL;
    if (strcmp(answer->content_type, "application/json") == 0)
        (void)sh_json_parse(answer->body.data, answer->body.len, ret, NULL);
}

void push_notice_read(const sh_http_answer *answer, char ret[static PUSH_NOTICE_BYTES])
{
    SH_CLEANUP(sh_json_free_cleanup) sh_json *document = NULL;
    ret[0] = '\0';
    read_json(answer, &document);
    const sh_json *value = document == NULL || sh_json_kind_of(document) != SH_JSON_OBJECT
                               ? NULL
                               : sh_json_member(document, "notice");
    if (value == NULL || sh_json_kind_of(value) != SH_JSON_STRING ||
        sh_json_text(value).len >= PUSH_NOTICE_BYTES)
        return;
    (void)snprintf(ret, PUSH_NOTICE_BYTES, "%.*s", (int)sh_json_text(value).len,
                   sh_json_text(value).data);
}

/* Both answers to a question without a table say that the hub noted the contact. */
static push_verdict classify_heartbeat_success(const push_question *q, sh_error *error)
{
    SH_CLEANUP(sh_json_free_cleanup) sh_json *document = NULL;
    read_json(q->answer, &document);
    if (q->answer->status == 200 &&
        (member_is(document, "status", "changed") || member_is(document, "status", "unchanged")))
        return PUSH_UNCHANGED;
    return fail_foreign(q, error);
}

/* A success of the native protocol has a status and the item's id. */
static push_verdict classify_native_success(const push_question *q, sh_error *error)
{
    SH_CLEANUP(sh_json_free_cleanup) sh_json *document = NULL;
    char id[SH_ID_HEX_BYTES];
    read_json(q->answer, &document);
    sh_hex_encode(q->id, SH_ID_BYTES, id);
    bool own_id = member_is(document, "id", id);
    if (q->answer->status == 202 && own_id && member_is(document, "status", "queued"))
        return PUSH_QUEUED;
    if (q->answer->status == 200 && own_id && member_is(document, "status", "duplicate"))
        return PUSH_DUPLICATE;
    if (q->answer->status == 200 && q->asked && member_is(document, "status", "unchanged"))
        return PUSH_UNCHANGED;
    if (member_is(document, "message", NETALERTX_STORED))
        return fail_own(q, PUSH_MISCONFIGURED,
                        "that is a NetAlertX hub's answer, not a Sync Hub receiver's: set "
                        "SYNC_protocol=netalertx",
                        "", error);
    return fail_foreign(q, error);
}

/* As NetAlertX's own node does, accept only 200 as success. */
static push_verdict classify_netalertx_success(const push_question *q, sh_error *error)
{
    SH_CLEANUP(sh_json_free_cleanup) sh_json *document = NULL;
    read_json(q->answer, &document);
    if (q->answer->status == 200 && member_is(document, "message", NETALERTX_STORED))
        return PUSH_QUEUED;
    if (strcmp(q->answer->content_type, "text/html") == 0)
        return fail_own(q, PUSH_FOREIGN,
                        "that is a web page and not NetAlertX's API: SYNC_hub_url must contain the "
                        "hub's API port (20212 by default), or a login page of the network "
                        "answers; nothing is lost, the pusher will retry",
                        "", error);
    return fail_foreign(q, error);
}

#define OTHER_TOKEN                                                                                \
    "SYNC_api_token of this node must be the hub's (SYNC_api_token there, or API_TOKEN of a "      \
    "NetAlertX), or that of this SYNC_node_name if it has credentials of its own"
#define OTHER_KEY "SYNC_encryption_key of this node must be the hub's"
#define OTHER_CLOCK "set this node's clock, or the hub's"
#define OTHER_NAME "check SYNC_node_name of this node"
#define OTHER_PATH                                                                                 \
    "nothing accepts pushes there: check SYNC_hub_url (host, port, nothing after them)"
#define OTHER_SCHEME "the hub serves TLS on that port: write https:// in SYNC_hub_url"
#define OTHER_VERSION                                                                              \
    "the hub does not understand this node: update the older of the two (for a NetAlertX hub set " \
    "SYNC_protocol=netalertx)"

/*
 * What the operator must fix; the item is kept until then. NULL: the refusal is permanent, and the
 * item is given up. By the status, for unknown codes and answers without a code.
 */
static const char *remedy_by_status(sh_protocol protocol, int status)
{
    switch (status) {
    case 401:
    case 403:
        return OTHER_TOKEN;
    case 404:
    case 405:
        return OTHER_PATH;
    case 400:
    case 415:
        return protocol == SH_PROTOCOL_NATIVE
                   ? OTHER_VERSION
                   : "the hub does not accept pushes as JSON: NetAlertX does since v26.6.3";
    case 413:
    case 422:
        return NULL;
    default:
        return "check SYNC_hub_url, and proxies between this node and the hub";
    }
}

/*
 * By the text of the message: for answers without a code, which are those of 0.1.0 hubs (until
 * 0.4.0), and all in NetAlertX's format, where these words are part of the contract (PROTOCOL.md,
 * "Errors").
 */
static const char *remedy_by_message(sh_protocol protocol, int status, const char *message)
{
    if (status == 400 && (strstr(message, "https") != NULL || strstr(message, "HTTPS") != NULL))
        return OTHER_SCHEME;
    if (status == 422 && strstr(message, "SYNC_encryption_key") != NULL)
        return OTHER_KEY;
    if (status == 422 && strstr(message, "clock") != NULL)
        return OTHER_CLOCK;
    if (status == 422 && strstr(message, "SYNC_node_name") != NULL)
        return OTHER_NAME;
    return remedy_by_status(protocol, status);
}

static const char *remedy_of(sh_protocol protocol, int status, const sh_peer_error *peer_error)
{
    switch (peer_error->code) {
    case SH_CODE_NONE:
        return remedy_by_message(protocol, status, peer_error->message);
    case SH_CODE_TOKEN:
        return OTHER_TOKEN;
    case SH_CODE_KEY:
        return OTHER_KEY;
    case SH_CODE_CLOCK:
        return OTHER_CLOCK;
    case SH_CODE_NODE_NAME:
        return OTHER_NAME;
    case SH_CODE_PATH:
    case SH_CODE_METHOD:
        return OTHER_PATH;
    case SH_CODE_TLS:
        return OTHER_SCHEME;
    case SH_CODE_PLAIN:
        return "the hub speaks plain HTTP on that port: write http:// in SYNC_hub_url";
    case SH_CODE_CONTENT_TYPE:
    case SH_CODE_ENVELOPE:
    case SH_CODE_HEADER:
        return OTHER_VERSION;
    case SH_CODE_REQUEST:
        return "something between this node and the hub changes its requests: check the proxies";
    case SH_CODE_ALTERED:
    case SH_CODE_CONTENT:
    case SH_CODE_PLUGIN_NAME:
    case SH_CODE_SIZE:
        return NULL;
    default:
        return remedy_by_status(protocol, status);
    }
}

push_verdict push_classify(const push_question *q, sh_error *error)
{
    sh_peer_error peer_error;
    int status = q->answer->status;
    if (status < 300 && q->is_heartbeat)
        return classify_heartbeat_success(q, error);
    if (status < 300)
        return q->protocol == SH_PROTOCOL_NATIVE ? classify_native_success(q, error)
                                                 : classify_netalertx_success(q, error);
    sh_peer_error_read(q->answer, &peer_error);
    if (status < 400 || !peer_error.is_own)
        return fail_foreign(q, error);
    if (status >= 500 || status == 408 || status == 425 || status == 429)
        return fail_own(q, PUSH_LATER, "the pusher will retry", peer_error.message, error);
    if (q->is_heartbeat &&
        (peer_error.code == SH_CODE_NONE || peer_error.code == SH_CODE_ENVELOPE) &&
        (status == 400 || status == 411))
        return fail_own(q, PUSH_REFUSED, "the hub is too old to know heartbeats",
                        peer_error.message, error);
    const char *remedy = remedy_of(q->protocol, status, &peer_error);
    if (remedy != NULL)
        return fail_own(q, PUSH_MISCONFIGURED, remedy, peer_error.message, error);
    return fail_own(q, PUSH_REFUSED, "the hub will not accept this item", peer_error.message,
                    error);
}
