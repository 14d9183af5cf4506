/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/base/hex.h"
#include "pusher/push.h"

#include "libcommon/base/cleanup.h"
#include "libcommon/json/json_read.h"
#include "libcommon/native/peer_answer.h"
#include "libcommon/netalertx/netalertx_format.h"

#include <string.h>

#define REASON_BYTES 200 /* of the hub's own words, in a log line */
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

/* Fails in the hub's own words, reason, and says what to do. */
static push_verdict fail(const push_question *q, push_verdict verdict, const char *sentence,
                         const char *reason, sh_error *error)
{
    (void)sh_fail(error, verdict == PUSH_LATER ? SH_E_BUSY : SH_E_REFUSED,
                  "%s/sync answered %d%s%s%s; %s", q->url, q->answer->status,
                  reason[0] != '\0' ? " (" : "", reason, reason[0] != '\0' ? ")" : "", sentence);
    return verdict;
}

/* Not the hub answered: whatever it says, it says nothing about the item. */
static push_verdict fail_foreign(const push_question *q, sh_error *error)
{
    static const sh_peer hub = {.name = "hub", .setting = "SYNC_hub_url"};
    char words[SH_PEER_WORDS_BYTES];
    int status = q->answer->status;
    sh_peer_foreign_words(&hub, q->answer, words);
    bool busy = status >= 500 || status == 408 || status == 425 || status == 429;
    (void)sh_fail(error, busy ? SH_E_BUSY : SH_E_REFUSED,
                  "%s/sync %s; nothing is dropped, it will be tried again", q->url, words);
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

/* A success of the native protocol says which one, and of which item. */
static push_verdict judge_native_success(const push_question *q, sh_error *error)
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
        return fail(q, PUSH_MISCONFIGURED,
                    "that is a NetAlertX hub's answer, not a Sync Hub receiver's: set "
                    "SYNC_protocol=netalertx",
                    "", error);
    return fail_foreign(q, error);
}

/* NetAlertX's own node takes exactly 200 for success. */
static push_verdict judge_netalertx_success(const push_question *q, sh_error *error)
{
    SH_CLEANUP(sh_json_free_cleanup) sh_json *document = NULL;
    read_json(q->answer, &document);
    if (q->answer->status == 200 && member_is(document, "message", NETALERTX_STORED))
        return PUSH_QUEUED;
    if (strcmp(q->answer->content_type, "text/html") == 0)
        return fail(q, PUSH_FOREIGN,
                    "that is a web page and not NetAlertX's API: SYNC_hub_url must name the hub's "
                    "API port (20212 by default), or the network's login page answers; nothing is "
                    "dropped, it will be tried again",
                    "", error);
    return fail_foreign(q, error);
}

/* Refusals that somebody can mend: the item is kept until then. NULL for all others. */
static const char *what_to_mend(sh_protocol protocol, int status, const char *reason)
{
    switch (status) {
    case 401:
    case 403:
        return "SYNC_api_token of this node must be the hub's (SYNC_api_token there, or API_TOKEN "
               "of a NetAlertX)";
    case 404:
    case 405:
        return "nothing takes pushes there: look at SYNC_hub_url (host, port, nothing behind them)";
    case 400:
        if (strstr(reason, "https") != NULL || strstr(reason, "HTTPS") != NULL)
            return "the hub serves TLS on that port: write https:// in SYNC_hub_url";
        /* fall through */
    case 415:
        return protocol == SH_PROTOCOL_NATIVE
                   ? "the hub does not understand this node: update the older of the two (for a "
                     "NetAlertX hub set SYNC_protocol=netalertx)"
                   : "the hub does not take pushes as JSON: NetAlertX does so since v26.6.3";
    case 422:
        if (strstr(reason, "SYNC_encryption_key") != NULL)
            return "SYNC_encryption_key of this node must be the hub's";
        if (strstr(reason, "clock") != NULL)
            return "set this node's clock, or the hub's";
        if (strstr(reason, "SYNC_node_name") != NULL)
            return "look at SYNC_node_name of this node";
        return NULL;
    case 413:
        return NULL;
    default:
        return "look at SYNC_hub_url, and at what stands between this node and the hub";
    }
}

push_verdict push_judge(const push_question *q, sh_error *error)
{
    char reason[REASON_BYTES];
    int status = q->answer->status;
    if (status < 300)
        return q->protocol == SH_PROTOCOL_NATIVE ? judge_native_success(q, error)
                                                 : judge_netalertx_success(q, error);
    if (status < 400 || !sh_peer_error_is_own(q->answer))
        return fail_foreign(q, error);
    sh_netalertx_error_read((sh_slice){q->answer->body.data, q->answer->body.len}, reason,
                            sizeof reason);
    if (status >= 500 || status == 408 || status == 425 || status == 429)
        return fail(q, PUSH_LATER, "it will be tried again", reason, error);
    const char *mend = what_to_mend(q->protocol, status, reason);
    if (mend != NULL)
        return fail(q, PUSH_MISCONFIGURED, mend, reason, error);
    return fail(q, PUSH_REFUSED, "the hub will not take this item", reason, error);
}
