/* SPDX-License-Identifier: Apache-2.0 */
#include "pusher/push.h"

#include "libcommon/base/buffer.h"
#include "libcommon/base/cleanup.h"
#include "libcommon/base/clock.h"
#include "libcommon/base/hex.h"
#include "libcommon/base/limits.h"
#include "libcommon/base/percent.h"
#include "libcommon/config/settings_http.h"
#include "libcommon/http/http_client.h"
#include "libcommon/netalertx/netalertx_cipher.h"
#include "libcommon/netalertx/netalertx_format.h"
#include "libcommon/runtime/stop.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OWN_HEADERS 3 /* of the protocol … */
#define OWN_HEADER_MAX ((size_t)SH_NODE_NAME_MAX * 3 + 64)
#define HEADERS_MAX (OWN_HEADERS + HEARTBEAT_HEADERS) /* … and what the node reports */

/* The differences between the two protocols; push_classify() classifies the answers. */
typedef struct {
    /* Appends the body of the request to *ret, and frees item->text afterwards. */
    sh_err (*write_body)(const push *p, const push_item *item, sh_buf *ret, sh_error *error);
    /* Writes its headers. */
    sh_err (*write_headers)(const push *p, const push_item *item, sh_buf headers[HEADERS_MAX]);
    size_t body_max;
    bool ask_first; /* for device tables */
} protocol_functions;

struct push {
    const sh_settings *settings;
    const sh_node_key *key;
    const protocol_functions *protocol;
    sh_http_client *client;
    char *url;
    sh_buf node_header;   /* percent-encoded */
    heartbeat *heartbeat; /* NULL: nothing is reported */
    size_t exchanges;
};

static sh_err native_body(const push *p, const push_item *item, sh_buf *ret, sh_error *error)
{
    sh_envelope_header header = {
        .kind = item->kind,
        .time_ms = sh_clock_unix_ms(),
        .part = item->part,
        .parts = item->parts,
    };
    memcpy(header.id, item->id, sizeof header.id);
    memcpy(header.digest, item->digest, sizeof header.digest);
    (void)snprintf(header.node, sizeof header.node, "%s", p->settings->node_name);
    (void)snprintf(header.plugin, sizeof header.plugin, "%s", item->plugin);
    sh_slice text = {item->text->data, item->text->len};
    sh_err err = sh_envelope_seal(&header, p->key, text, ret, error);
    sh_buf_wipe(item->text);
    return err;
}

static sh_err native_headers(const push *p, const push_item *item, sh_buf headers[HEADERS_MAX])
{
    sh_err err = sh_buf_append_text(&headers[0], "Content-Type: " SH_ENVELOPE_TYPE);
    /* Also without a question: a hub behind an ingress logs it when it refuses the push. */
    if (err == SH_OK)
        err = sh_buf_append_format(&headers[1], "Sync-Hub-Node: %s", p->node_header.data);
    if (err != SH_OK || !item->ask)
        return err;
    char hex[SH_DIGEST_HEX_BYTES];
    sh_hex_encode(item->digest, SH_DIGEST_BYTES, hex);
    return err == SH_OK ? sh_buf_append_format(&headers[2], "Sync-Hub-Digest: %s", hex) : err;
}

static sh_err netalertx_body(const push *p, const push_item *item, sh_buf *ret, sh_error *error)
{
    SH_CLEANUP(sh_buf_reset) sh_buf wire = SH_BUF_INIT(SH_NETALERTX_BODY_MAX);
    sh_slice text = {item->text->data, item->text->len};
    sh_err err =
        sh_netalertx_encrypt(sh_slice_of(p->settings->encryption_key), text, NULL, &wire, error);
    sh_buf_wipe(item->text);
    if (err != SH_OK)
        return err;
    const char *plugin = item->kind == SH_KIND_DEVICES ? SH_NETALERTX_DEVICES_PLUGIN : item->plugin;
    err = sh_netalertx_push_write((sh_slice){wire.data, wire.len}, item->file_path, plugin,
                                  p->settings->node_name, ret);
    return err == SH_OK ? SH_OK : sh_fail(error, err, "the push is too large, or memory ran out");
}

static sh_err netalertx_headers(const push *p, const push_item *item, sh_buf headers[HEADERS_MAX])
{
    (void)p;
    (void)item;
    return sh_buf_append_text(&headers[0], "Content-Type: application/json");
}

static const protocol_functions protocols[] = {
    [SH_PROTOCOL_NATIVE] = {native_body, native_headers, SH_ENVELOPE_MAX, true},
    [SH_PROTOCOL_NETALERTX] = {netalertx_body, netalertx_headers, SH_NETALERTX_BODY_MAX, false},
};

static sh_err push_fill(push *p, int stop_fd, sh_error *error)
{
    p->url = sh_text_format("%s/sync", p->settings->hub_url);
    if (p->url == NULL)
        return sh_fail(error, SH_E_MEMORY, "no memory for the hub's URL");
    if (sh_percent_encode(p->settings->node_name, &p->node_header) != SH_OK)
        return sh_fail(error, SH_E_MEMORY, "no memory for the node's name");
    sh_http_client_options options = {
        .user_agent = "synchub-pusher/" SYNCHUB_VERSION,
        .names = sh_settings_client_names("SYNC_hub_url"),
        .ca_file = p->settings->tls_ca,
        .stop_fd = stop_fd,
        .stop_grace_ms = 1, /* stop_fd becomes readable after the deadline */
        .parallel_max = 1,
        .tick = sh_service_alive,
    };
    return sh_http_client_new(&options, &p->client, error);
}

sh_err push_new(const sh_settings *settings, const sh_node_key *key, int stop_fd, push **ret,
                sh_error *error)
{
    *ret = NULL;
    push *p = calloc(1, sizeof *p);
    if (p == NULL)
        return sh_fail(error, SH_E_MEMORY, "no memory for pushes");
    p->settings = settings;
    p->key = key;
    p->protocol = &protocols[settings->protocol];
    p->node_header = SH_BUF_INIT((size_t)SH_NODE_NAME_MAX * 3);
    sh_err err = push_fill(p, stop_fd, error);
    if (err != SH_OK) {
        push_free(p);
        return err;
    }
    *ret = p;
    return SH_OK;
}

void push_free(push *p)
{
    if (p == NULL)
        return;
    sh_http_client_free(p->client);
    free(p->url);
    sh_buf_reset(&p->node_header);
    free(p);
}

static push_verdict judge_no_answer(const push *p, sh_err err, const sh_error *reason,
                                    sh_error *error)
{
    switch (err) {
    case SH_E_STOPPED:
        (void)sh_fail(error, err, "the exchange with %s was aborted: stopping", p->url);
        return PUSH_STOPPED;
    case SH_E_LIMIT:
        (void)sh_fail(error, err, "%s: %s; that is not a hub's answer: check SYNC_hub_url", p->url,
                      reason->message);
        return PUSH_FOREIGN;
    case SH_E_NETWORK: /* the message names host and setting */
        (void)sh_fail(error, err, "%s", reason->message);
        return PUSH_LATER;
    default:
        (void)sh_fail(error, err, "%s: %s", p->url, reason->message);
        return PUSH_LATER;
    }
}

void push_set_heartbeat(push *p, heartbeat *c)
{
    p->heartbeat = c;
}

size_t push_exchanges(const push *p)
{
    return p->exchanges;
}

static sh_http_request request_of(const push *p, const push_item *item, const sh_buf *body,
                                  const char *const *headers)
{
    bool large = p->protocol->ask_first && body->len > SH_HTTP_SMALL_BODY;
    return (sh_http_request){
        .method = "POST",
        .url = p->url,
        .token = p->settings->api_token,
        .headers = headers,
        .body = body->data,
        .body_len = body->len,
        /* Do not send a large body to a hub that accepts none now. */
        .ask_first = body->len > 0 && (item->ask || large),
        .answer_max = SH_HTTP_ERROR_BODY_MAX,
        .timeout_ms = p->settings->run_timeout_s * 1000,
    };
}

/* Sends the request and sets verdict and retry_after_s. */
static void exchange_with_hub(push *p, const push_item *item, const sh_http_request *request,
                              push_result *result, sh_error *error)
{
    sh_http_answer answer = {0};
    sh_error reason = {0};
    p->exchanges++;
    sh_err err = sh_http_send(p->client, request, &answer, &reason);
    if (err == SH_OK) {
        push_question question = {.protocol = (sh_protocol)p->settings->protocol,
                                  .answer = &answer,
                                  .url = p->settings->hub_url,
                                  .id = item->id,
                                  .asked = item->ask,
                                  .is_heartbeat = request->body_len == 0};
        result->verdict = push_classify(&question, error);
        result->retry_after_s = answer.retry_after_s;
        if (push_is_success(result->verdict) && p->settings->protocol == SH_PROTOCOL_NATIVE)
            push_notice_read(&answer, result->notice);
        if (push_is_success(result->verdict) && p->heartbeat != NULL)
            heartbeat_hub_clock(p->heartbeat, answer.date_s, sh_clock_unix_ms());
    } else {
        result->verdict = judge_no_answer(p, err, &reason, error);
    }
    sh_http_answer_reset(&answer);
}

/* Writes the headers of the protocol, and those that report about the node. */
static sh_err write_headers(const push *p, const push_item *item, sh_buf headers[HEADERS_MAX],
                            char problem[static SH_PROBLEM_KIND_MAX + 1])
{
    problem[0] = '\0';
    sh_err err = p->protocol->write_headers(p, item, headers);
    if (err == SH_OK && p->heartbeat != NULL && p->settings->protocol == SH_PROTOCOL_NATIVE)
        err = heartbeat_headers_write(p->heartbeat, sh_clock_unix_ms(), headers + OWN_HEADERS,
                                      problem);
    return err;
}

/* Performs the exchange with this body, which is empty for a heartbeat. */
static void send_body(push *p, const push_item *item, const sh_buf *body, push_result *result,
                      sh_error *error)
{
    sh_buf headers[HEADERS_MAX];
    const char *pointers[HEADERS_MAX + 1] = {NULL};
    char problem[SH_PROBLEM_KIND_MAX + 1];
    size_t count = 0;
    for (size_t i = 0; i < HEADERS_MAX; i++)
        headers[i] = SH_BUF_INIT(i < OWN_HEADERS ? OWN_HEADER_MAX : HEARTBEAT_HEADER_MAX);
    sh_err err = write_headers(p, item, headers, problem);
    for (size_t i = 0; i < HEADERS_MAX; i++)
        if (headers[i].len > 0)
            pointers[count++] = headers[i].data;
    const sh_http_request request = request_of(p, item, body, pointers);
    if (err == SH_OK)
        exchange_with_hub(p, item, &request, result, error);
    else
        (void)sh_fail(error, err, "no memory for the headers of a push");
    if (p->heartbeat != NULL && push_is_success(result->verdict))
        heartbeat_record_reported(p->heartbeat, problem);
    for (size_t i = 0; i < HEADERS_MAX; i++)
        sh_buf_reset(&headers[i]);
}

push_result push_send(push *p, const push_item *item, sh_error *error)
{
    push_result result = {.verdict = PUSH_LATER, .retry_after_s = -1};
    int64_t started_ms = sh_clock_monotonic_ms();
    SH_CLEANUP(sh_buf_reset) sh_buf body = SH_BUF_INIT(p->protocol->body_max);
    sh_err err = p->protocol->write_body(p, item, &body, error);
    if (err != SH_OK) {
        result.verdict = sh_err_is_transient(err) ? PUSH_LATER : PUSH_REFUSED;
        return result;
    }
    send_body(p, item, &body, &result, error);
    result.sent_bytes = body.len;
    result.duration_ms = sh_clock_monotonic_ms() - started_ms;
    return result;
}

/* No table has the digest 0, so the hub only notes the contact. */
push_result push_heartbeat(push *p, sh_error *error)
{
    push_result result = {.verdict = PUSH_LATER, .retry_after_s = -1};
    const push_item item = {.ask = true};
    const sh_buf nothing = SH_BUF_INIT(0);
    int64_t started_ms = sh_clock_monotonic_ms();
    send_body(p, &item, &nothing, &result, error);
    result.duration_ms = sh_clock_monotonic_ms() - started_ms;
    return result;
}
