/* SPDX-License-Identifier: Apache-2.0 */
#include "puller/answer_check.h"

#include "libcommon/base/cleanup.h"
#include "libcommon/base/limits.h"
#include "libcommon/base/node_name.h"
#include "libcommon/base/text.h"
#include "libcommon/native/peer_answer.h"
#include "libcommon/netalertx/netalertx_format.h"
#include "libcommon/netalertx/table_scan.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MESSAGE_BYTES (SH_PEER_ERROR_MESSAGE_BYTES + 8) /* for the peer's message */

void puller_table_reset(puller_table *table)
{
    sh_buf_wipe(&table->text);
    sh_buf_reset(&table->sealed);
    sh_wipe(&table->key, sizeof table->key);
}

static sh_slice slice_of(const sh_buf *buf)
{
    return (sh_slice){buf->data == NULL ? "" : buf->data, buf->len};
}

/* Fails because a proxy or another server answered instead of the node. */
static sh_err fail_foreign(const sh_http_answer *answer, sh_error *error)
{
    static const sh_peer node = {.name = "node", .setting = "SYNC_nodes"};
    char message[SH_PEER_DESCRIPTION_BYTES];
    bool busy = answer->status >= 500 || answer->status == 408 || answer->status == 429;
    sh_peer_describe_foreign(&node, answer, message);
    return sh_fail(error, busy ? SH_E_BUSY : SH_E_REFUSED, "%s", message);
}

/* Without a code, as in answers of NetAlertX and of pushers before 0.2.0, the text decides. */
static bool has_no_table(const sh_peer_error *peer_error)
{
    return peer_error->code == SH_CODE_NO_TABLE ||
           (peer_error->code == SH_CODE_NONE &&
            (strcasestr(peer_error->message, "not found") != NULL ||
             strcasestr(peer_error->message, "no such file") != NULL));
}

static sh_err fail_server(const sh_http_answer *answer, const sh_peer_error *peer_error,
                          const char *message, sh_error *error)
{
    if (has_no_table(peer_error))
        return sh_fail(error, SH_E_BUSY,
                       "the node has no device table: its scanner has not written one yet%s",
                       message);
    const char *remedy = strncmp(answer->server, "synchub-", 8) == 0
                             ? "`synchub-pusher doctor` there says what to do"
                             : "its log has more";
    if (answer->retry_after_s >= 0)
        return sh_fail(error, SH_E_BUSY, "the node asks to retry after %" PRId64 " s: %d%s; %s",
                       answer->retry_after_s, answer->status, message, remedy);
    return sh_fail(error, SH_E_BUSY, "the node answered %d%s; %s", answer->status, message, remedy);
}

static sh_err fail_token(const puller_expected *expected, const char *message, sh_error *error)
{
    const sh_credentials *all = expected->credentials.all;
    if (expected->name[0] != '\0' && all != NULL &&
        sh_credentials_find_node(all, expected->name, NULL) != NULL)
        return sh_fail(error, SH_E_REFUSED,
                       "the node refuses its own token: SYNC_api_token and SYNC_encryption_key "
                       "there must be its own, which `synchub-receiver node add` printed; `node "
                       "rotate` creates others%s",
                       message);
    return sh_fail(error, SH_E_REFUSED,
                   "the node refuses the token: SYNC_api_token here must be the node's own "
                   "(SYNC_api_token or API_TOKEN there)%s",
                   message);
}

sh_err puller_status_check(const sh_http_answer *answer, const puller_expected *expected,
                           bool *unchanged, sh_error *error)
{
    char message[MESSAGE_BYTES] = "";
    sh_peer_error peer_error;
    *unchanged = answer->status == 304 && expected->etag != NULL &&
                 strcmp(answer->etag, expected->etag) == 0;
    if (answer->status == 200 || *unchanged)
        return SH_OK;
    sh_peer_error_read(answer, &peer_error);
    if (!peer_error.is_likely_own)
        return fail_foreign(answer, error);
    if (peer_error.message[0] != '\0')
        (void)snprintf(message, sizeof message, " (%s)", peer_error.message);
    if (answer->status >= 500)
        return fail_server(answer, &peer_error, message, error);
    switch (answer->status) {
    case 401:
    case 403:
        return fail_token(expected, message, error);
    case 404:
    case 405:
        return sh_fail(error, SH_E_REFUSED,
                       "there is no GET /sync at this URL (%d): check address and port in "
                       "SYNC_nodes; a NetAlertX needs v25.10 or later%s",
                       answer->status, message);
    case 408:
    case 429:
        return fail_server(answer, &peer_error, message, error);
    default:
        break;
    }
    return sh_fail(error, SH_E_REFUSED,
                   "the node answered %d, which is not an answer to GET /sync%s", answer->status,
                   message);
}

static sh_err check_name(const char *expected, const char *name, sh_error *error)
{
    if (expected[0] == '\0' || strcmp(expected, name) == 0)
        return SH_OK;
    return sh_fail(
        error, SH_E_REFUSED,
        "the node calls itself \"%s\", but SYNC_nodes calls it \"%s\": correct one of the two",
        name, expected);
}

static sh_err check_type(const sh_http_answer *answer, sh_error *error)
{
    if (strcmp(answer->content_type, SH_ENVELOPE_TYPE) == 0)
        return SH_OK;
    if (strcmp(answer->content_type, "application/json") == 0)
        return sh_fail(error, SH_E_UNSUPPORTED,
                       "the node answers in JSON, so it is a NetAlertX and not a Sync Hub pusher: "
                       "pull it with a puller with SYNC_protocol=netalertx");
    return fail_foreign(answer, error);
}

/* Checks the clear header; *key is the key of the envelope. */
static sh_err check_header(const sh_envelope_header *h, const puller_expected *expected,
                           const sh_node_record **own, sh_node_key *key, sh_error *error)
{
    const puller_credentials *c = &expected->credentials;
    sh_err err = check_name(expected->name, h->node, error);
    if (err == SH_OK)
        err = puller_record_of(c, h->node, own, error);
    if (err != SH_OK)
        return err;
    if (h->kind != SH_KIND_DEVICES || h->parts != 1)
        return sh_fail(error, SH_E_UNSUPPORTED,
                       "the envelope does not contain one complete device table");
    err = puller_key_of(c, *own, h, key, error);
    if (err != SH_OK)
        return err;
    if (llabs(c->now_ms - h->time_ms) > SH_CLOCK_SKEW_MAX_S * 1000LL)
        return sh_fail(error, SH_E_REFUSED,
                       "the table was sealed %lld s %s this machine's time; the clocks may differ "
                       "by at most %d s: set the clock here or on the node",
                       llabs(c->now_ms - h->time_ms) / 1000,
                       h->time_ms > c->now_ms ? "ahead of" : "behind", SH_CLOCK_SKEW_MAX_S);
    return SH_OK;
}

/* Opens the envelope and checks its table. */
static sh_err check_table(const sh_node_key *key, puller_table *table, sh_error *error)
{
    SH_CLEANUP(sh_buf_wipe) sh_buf text = SH_BUF_INIT(SH_PLAIN_MAX);
    sh_err err = sh_envelope_open(table->envelope, &table->header, key, &text, error);
    if (err == SH_OK)
        err = sh_table_check(slice_of(&text).data, text.len, &table->rows, error);
    if (err != SH_OK)
        return err;
    uint8_t digest[SH_DIGEST_BYTES];
    sh_digest(key, slice_of(&text), digest);
    if (memcmp(digest, table->header.digest, sizeof digest) != 0)
        return sh_fail(error, SH_E_FORMAT, "the envelope's digest does not match its table");
    return SH_OK;
}

sh_err puller_native_read(const sh_http_answer *answer, const puller_expected *expected,
                          puller_table *ret, sh_error *error)
{
    *ret = (puller_table){.text = SH_BUF_INIT(SH_PLAIN_MAX),
                          .sealed = SH_BUF_INIT(SH_ENVELOPE_MAX),
                          .envelope = slice_of(&answer->body)};
    const sh_node_record *own = NULL;
    sh_node_key key = {.id = {0}};
    sh_err err = check_type(answer, error);
    if (err == SH_OK)
        err = sh_envelope_peek(ret->envelope, &ret->header, error);
    if (err == SH_OK)
        err = check_header(&ret->header, expected, &own, &key, error);
    if (err == SH_OK)
        err = check_table(&key, ret, error);
    if (err == SH_OK) {
        sh_node_key_derive(expected->credentials.passphrase_key, sh_slice_of(ret->header.node),
                           &ret->key);
        if (own != NULL) {
            err = sh_envelope_reseal(ret->envelope, &ret->header,
                                     &(sh_reseal_keys){&key, &ret->key}, &ret->sealed, error);
            ret->envelope = slice_of(&ret->sealed);
        }
    }
    sh_wipe(&key, sizeof key);
    return err;
}

/*
 * A NetAlertX's answer does not prove its identity, so a node with credentials of its own must be
 * named in SYNC_nodes: then the request has its own token.
 */
static sh_err check_proven(const puller_expected *expected, const char *node, sh_error *error)
{
    const sh_node_record *own = NULL;
    sh_err err = puller_record_of(&expected->credentials, node, &own, error);
    if (err == SH_OK && own != NULL && expected->name[0] == '\0' &&
        !sh_node_record_takes_shared(own, expected->credentials.now_ms))
        return sh_fail(error, SH_E_REFUSED,
                       "the answer claims to be node \"%s\", which has credentials of its own: if "
                       "it is that node, write %s=URL in SYNC_nodes",
                       node, node);
    return err;
}

/* The node's name: the one in SYNC_nodes, otherwise the one in the answer. */
static sh_err choose_name(const puller_expected *expected, const sh_buf *answered, char *ret,
                          sh_error *error)
{
    sh_slice name = expected->name[0] != '\0' ? sh_slice_of(expected->name) : slice_of(answered);
    sh_error reason = {.code = SH_OK};
    if (sh_node_name_check(name, &reason) != SH_OK)
        return sh_fail(error, SH_E_FORMAT,
                       "%s in the node's answer: write name=URL in SYNC_nodes to name the node "
                       "here, or set SYNC_node_name on it",
                       reason.message);
    memcpy(ret, name.data, name.len);
    ret[name.len] = '\0';
    return SH_OK;
}

sh_err puller_netalertx_read(const sh_http_answer *answer, const puller_expected *expected,
                             puller_table *ret, bool *cut, sh_error *error)
{
    *ret = (puller_table){.text = SH_BUF_INIT(SH_PLAIN_MAX),
                          .header = {.kind = SH_KIND_DEVICES, .parts = 1}};
    *cut = false;
    SH_CLEANUP(sh_buf_reset) sh_buf name = SH_BUF_INIT(SH_HTTP_ERROR_BODY_MAX);
    if (strcmp(answer->content_type, "application/json") != 0)
        return fail_foreign(answer, error);
    sh_err err = sh_netalertx_pull_read(slice_of(&answer->body), &ret->text, &name, error);
    if (err == SH_OK)
        err = choose_name(expected, &name, ret->header.node, error);
    if (err == SH_OK)
        err = check_proven(expected, ret->header.node, error);
    if (err != SH_OK)
        return err;
    err = sh_table_check(slice_of(&ret->text).data, ret->text.len, &ret->rows, error);
    if (err != SH_OK) {
        *cut = err == SH_E_FORMAT;
        return err;
    }
    sh_node_key_derive(expected->credentials.passphrase_key, sh_slice_of(ret->header.node),
                       &ret->key);
    sh_digest(&ret->key, slice_of(&ret->text), ret->header.digest);
    return SH_OK;
}
