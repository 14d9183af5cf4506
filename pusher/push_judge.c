/* SPDX-License-Identifier: Apache-2.0 */
#include "pusher/push.h"

#include "libcommon/cleanup.h"
#include "libcommon/json_read.h"
#include "libcommon/netalertx_format.h"

#include <string.h>

#define REASON_BYTES 200 /* of the hub's own words, in a log line */

bool push_is_success(push_verdict verdict)
{
    return verdict == PUSH_QUEUED || verdict == PUSH_DUPLICATE || verdict == PUSH_UNCHANGED;
}

const char *push_verdict_name(push_verdict verdict)
{
    static const char *const names[PUSH_VERDICTS] = {
        [PUSH_QUEUED] = "queued",
        [PUSH_DUPLICATE] = "duplicate",
        [PUSH_UNCHANGED] = "unchanged",
        [PUSH_LATER] = "later",
        [PUSH_MISCONFIGURED] = "misconfigured",
        [PUSH_REFUSED] = "refused",
        [PUSH_STOPPED] = "stopped",
    };
    return names[verdict];
}

static push_verdict fail(sh_error *error, push_verdict verdict, sh_err code, const char *sentence,
                         const char *url, int status, const char *reason)
{
    (void)sh_fail(error, code, "%s/sync answered %d%s%s%s; %s", url, status,
                  reason[0] != '\0' ? " (" : "", reason, reason[0] != '\0' ? ")" : "", sentence);
    return verdict;
}

/* A success of the native protocol says which one; any web server can answer 200. */
static push_verdict judge_native_success(int status, sh_slice body, const char *url, bool asked,
                                         sh_error *error)
{
    SH_CLEANUP(sh_json_free_cleanup) sh_json *document = NULL;
    const sh_json *word = NULL;
    if (sh_json_parse(body.data, body.len, &document, NULL) == SH_OK &&
        sh_json_kind_of(document) == SH_JSON_OBJECT)
        word = sh_json_member(document, "status");
    if (word != NULL && sh_json_kind_of(word) == SH_JSON_STRING) {
        sh_slice text = sh_json_text(word);
        if (sh_slice_equals(text, SH_SLICE("queued")))
            return PUSH_QUEUED;
        if (sh_slice_equals(text, SH_SLICE("duplicate")))
            return PUSH_DUPLICATE;
        if (asked && sh_slice_equals(text, SH_SLICE("unchanged")))
            return PUSH_UNCHANGED;
    }
    return fail(error, PUSH_MISCONFIGURED, SH_E_REFUSED,
                "that is no answer of a Sync Hub receiver: look at SYNC_hub_url (for a NetAlertX "
                "hub set SYNC_protocol=netalertx)",
                url, status, "");
}

static push_verdict judge_success(sh_protocol protocol, int status, const char *content_type,
                                  sh_slice body, const char *url, bool asked, sh_error *error)
{
    if (protocol == SH_PROTOCOL_NATIVE)
        return judge_native_success(status, body, url, asked, error);
    /* NetAlertX's node takes exactly 200 for success; a web page is the wrong port's answer. */
    if (status == 200 && strcmp(content_type, "text/html") != 0)
        return PUSH_QUEUED;
    return fail(error, PUSH_MISCONFIGURED, SH_E_REFUSED,
                "that is no answer of NetAlertX's API: SYNC_hub_url must name the hub's API port "
                "(20212 by default)",
                url, status, "");
}

/* Refusals that somebody can mend: the item is kept until then. NULL for all others. */
static const char *what_to_mend(sh_protocol protocol, int status, const char *reason)
{
    if (status >= 300 && status < 400)
        return "redirects are not followed (they would carry the token away): set SYNC_hub_url to "
               "where it leads";
    switch (status) {
    case 401:
    case 403:
        return "SYNC_api_token of this node must be the hub's (SYNC_api_token there, or API_TOKEN "
               "of a NetAlertX)";
    case 404:
    case 405:
        return "nothing takes pushes there: look at SYNC_hub_url (host, port, nothing behind them)";
    case 400:
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

push_verdict push_judge(sh_protocol protocol, int status, const char *content_type, sh_slice body,
                        const char *url, bool asked, sh_error *error)
{
    if (status == 200 || (status == 202 && protocol == SH_PROTOCOL_NATIVE))
        return judge_success(protocol, status, content_type, body, url, asked, error);
    char reason[REASON_BYTES];
    sh_netalertx_error_read(body, reason, sizeof reason);
    if (status >= 500 || status == 408 || status == 425 || status == 429)
        return fail(error, PUSH_LATER, SH_E_BUSY, "it will be tried again", url, status, reason);
    const char *mend = what_to_mend(protocol, status, reason);
    if (mend != NULL)
        return fail(error, PUSH_MISCONFIGURED, SH_E_REFUSED, mend, url, status, reason);
    return fail(error, PUSH_REFUSED, SH_E_REFUSED, "the hub will not take this item", url, status,
                reason);
}
