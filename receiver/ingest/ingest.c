/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/ingest/ingest.h"

#include "libcommon/base/cleanup.h"
#include "libcommon/base/clock.h"
#include "libcommon/base/hex.h"
#include "libcommon/base/percent.h"
#include "libcommon/native/node_name.h"
#include "libcommon/netalertx/plugin_lines.h"
#include "libcommon/netalertx/table_scan.h"
#include "libcommon/runtime/log.h"
#include "receiver/ingest/ingest_internal.h"
#include "receiver/ingest/netalertx_payload.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define JSON_TYPE "application/json"
#define LARGE_BODY SH_MIB
#define NATIVE_ONLY                                                                                \
    "This hub takes the native protocol alone (SYNC_protocol=native there): push to it by a "      \
    "synchub-pusher with SYNC_protocol=native"

bool ingest_claim(sh_http_exchange *exchange, const char *node, size_t bytes)
{
    if (sh_http_claim(exchange, bytes))
        return true;
    ingest_unavailable(exchange, UNAVAILABLE_BUSY, node, "all memory for bodies is in use");
    return false;
}

sh_err ingest_check_text(sh_kind kind, sh_slice text, sh_error *error)
{
    if (kind == SH_KIND_DEVICES)
        return sh_table_check(text.data, text.len, NULL, error);
    return sh_plugin_text_check(text.data, text.len, error);
}

/* The name in Sync-Hub-Node. Answers and returns false where it is none. */
static bool read_node_header(sh_http_exchange *exchange, const char *encoded,
                             char name[static SH_NODE_NAME_MAX + 1])
{
    sh_error error = {0};
    SH_CLEANUP(sh_buf_reset) sh_buf decoded = SH_BUF_INIT(SH_HTTP_HEADER_BYTES_MAX);
    if (sh_percent_decode(sh_slice_of(encoded), &decoded) != SH_OK) {
        ingest_refuse(exchange, REFUSED_HEADER, NULL,
                      "Sync-Hub-Node or Sync-Hub-Digest cannot be read");
        return false;
    }
    if (sh_node_name_check((sh_slice){decoded.data, decoded.len}, &error) != SH_OK) {
        ingest_refuse_node_name(exchange, error.message);
        return false;
    }
    memcpy(name, decoded.data, decoded.len);
    name[decoded.len] = '\0';
    return true;
}

/*
 * PROTOCOL.md section 3: a node may ask by its table's digest before it sends the table, or
 * instead. Answers what cannot be read or is not allowed; *asks is false where there is nothing
 * to ask.
 */
static ingest_state read_question(const ingest *in, ingest_push *push, bool *asks)
{
    sh_http_exchange *exchange = push->exchange;
    const char *encoded = sh_http_header(exchange, "Sync-Hub-Node");
    const char *hex = sh_http_header(exchange, "Sync-Hub-Digest");
    *asks = false;
    if (encoded == NULL)
        return INGEST_ANSWERED;
    *asks = true;
    if (!read_node_header(exchange, encoded, push->header.node) ||
        !ingest_authorise(in, exchange, &push->caller, push->header.node))
        return INGEST_ANSWERED;
    *asks = hex != NULL;
    if (hex == NULL)
        return INGEST_ANSWERED;
    if (sh_hex_decode(sh_slice_of(hex), push->header.digest, sizeof push->header.digest))
        return INGEST_ASKS;
    ingest_refuse(exchange, REFUSED_HEADER, NULL,
                  "Sync-Hub-Node or Sync-Hub-Digest cannot be read");
    return INGEST_ANSWERED;
}

/* A push without a body only asks. It is answered like any other, so that the connection stays. */
static bool only_asks(const sh_http_exchange *exchange)
{
    const char *length = sh_http_header(exchange, "Content-Length");
    return length != NULL && strcmp(length, "0") == 0;
}

void ingest_asked(const ingest *in, ingest_push *push)
{
    const sh_queue_question *known = &push->question;
    int64_t age_ms = sh_clock_unix_ms() - known->merged_ms;
    bool unchanged = known->merged_ms > 0 &&
                     memcmp(known->digest, push->header.digest, SH_DIGEST_BYTES) == 0 &&
                     age_ms >= 0 && age_ms < SH_FULL_TABLE_INTERVAL_S * 1000LL;
    if (unchanged) {
        contacts_note(in->contacts, push->header.node);
        name_index_add(in->names, push->header.node);
        sh_metric_add(&figures.pushes_unchanged, 1);
        sh_log_event(SH_LOG_DEBUG, SH_LOG_FIELDS(SH_LOG_NODE(push->header.node)), "unchanged");
        sh_http_reply(push->exchange, 200, JSON_TYPE, SH_SLICE("{\"status\":\"unchanged\"}"));
    } else if (only_asks(push->exchange)) {
        sh_http_reply(push->exchange, 200, JSON_TYPE, SH_SLICE("{\"status\":\"changed\"}"));
    }
}

static void push_begin(ingest_push *push, sh_http_exchange *exchange)
{
    push->exchange = exchange;
    push->sealed = SH_BUF_INIT(SH_ENVELOPE_MAX);
}

static void push_end(ingest_push *push)
{
    sh_buf_reset(&push->sealed);
    ingest_caller_end(&push->caller);
}

/* Answers and returns false where the key is not the hub's, or nobody knows. */
static bool has_right_key(const ingest *in, sh_http_exchange *exchange)
{
    key_state state = key_guard_get(in->key);
    SH_CLEANUP(queue_loan_end) queue_loan loan = {0};
    if (state == KEY_UNKNOWN && queue_loan_begin(in->queues, &loan, NULL) == SH_OK)
        state = key_guard_look(in->key, loan.queue);
    if (state == KEY_RIGHT)
        return true;
    /* check_key() in serve.c and the watch log why. */
    ingest_unavailable(exchange, state == KEY_WRONG ? UNAVAILABLE_KEY : UNAVAILABLE_REDIS, NULL,
                       NULL);
    return false;
}

size_t ingest_admit(const ingest *in, sh_http_exchange *exchange)
{
    const char *type = sh_http_content_type(exchange);
    bool netalertx = ingest_is_netalertx(exchange);
    bool native = strcmp(type, SH_ENVELOPE_TYPE) == 0;
    bool names_node = native && !only_asks(exchange) && sh_http_header(exchange, "Sync-Hub-Node");
    SH_CLEANUP(push_end) ingest_push push = {0};
    push_begin(&push, exchange);
    if (!sh_http_may_wait(exchange) &&
        (names_node || key_guard_get(in->key) == KEY_UNKNOWN || !ingest_knows(in, exchange)))
        return SH_HTTP_WAIT;
    if (!ingest_authenticate(in, exchange, false, &push.caller) || !has_right_key(in, exchange))
        return 0;
    if (netalertx && in->native_only) {
        ingest_refuse(exchange, REFUSED_PROTOCOL, NULL, NATIVE_ONLY);
        return 0;
    }
    if (netalertx)
        return SH_NETALERTX_BODY_MAX;
    if (native) {
        bool asks = false;
        if (names_node)
            push.state = read_question(in, &push, &asks);
        ingest_settle(in, &push, 1);
        return SH_ENVELOPE_MAX;
    }
    char message[256];
    (void)snprintf(message, sizeof message, "Expected %s or %s, got %s", JSON_TYPE,
                   SH_ENVELOPE_TYPE, type[0] == '\0' ? "none" : type);
    ingest_refuse(exchange, REFUSED_TYPE, NULL, message);
    return 0;
}

/*
 * Large texts are opened one at a time, so that the memory they take is bounded however many peers
 * send them.
 */
sh_http_class ingest_classify(const sh_http_exchange *exchange)
{
    sh_slice body = sh_http_body(exchange);
    if (body.len == 0)
        return SH_HTTP_QUERY;
    bool large = body.len > LARGE_BODY ||
                 (!ingest_is_netalertx(exchange) && sh_envelope_text_len(body) > LARGE_BODY);
    return large ? SH_HTTP_EXCLUSIVE : SH_HTTP_NORMAL;
}

/* Up to what it needs Redis for. */
static ingest_state open_push(const ingest *in, ingest_push *push, sh_buf *text)
{
    sh_http_exchange *exchange = push->exchange;
    if (!ingest_authenticate(in, exchange, false, &push->caller) || !has_right_key(in, exchange))
        return INGEST_ANSWERED;
    push->netalertx = ingest_is_netalertx(exchange);
    if (push->netalertx)
        return ingest_netalertx_open(in, push, text);
    if (only_asks(exchange)) {
        bool asks = false;
        ingest_state state = read_question(in, push, &asks);
        if (asks)
            return state;
    }
    return ingest_native_open(in, push, text);
}

void ingest_handle_each(const ingest *in, sh_http_exchange *const exchanges[], size_t count)
{
    SH_CLEANUP(sh_free_cleanup) ingest_push *pushes = calloc(count, sizeof *pushes);
    if (pushes == NULL) {
        sh_error error = {0};
        (void)sh_fail(&error, SH_E_MEMORY, "no memory for %zu pushes", count);
        for (size_t i = 0; i < count; i++)
            ingest_failed(exchanges[i], NULL, &error);
        return;
    }
    sh_buf text = SH_BUF_INIT(
        SH_PLAIN_MAX + NETALERTX_PAYLOAD_MARGIN); /* one after the other; wiping it has its price */
    for (size_t i = 0; i < count; i++) {
        push_begin(&pushes[i], exchanges[i]);
        pushes[i].state = open_push(in, &pushes[i], &text);
    }
    sh_buf_wipe(&text);
    ingest_settle(in, pushes, count);
    for (size_t i = 0; i < count; i++)
        push_end(&pushes[i]);
}
