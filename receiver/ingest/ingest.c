/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/ingest/ingest.h"

#include "libcommon/base/cleanup.h"
#include "receiver/ingest/ingest_authentication.h"
#include "receiver/ingest/ingest_digest_query.h"
#include "receiver/ingest/ingest_error_answers.h"
#include "receiver/ingest/ingest_flush.h"
#include "receiver/ingest/ingest_native.h"
#include "receiver/ingest/ingest_netalertx.h"
#include "receiver/ingest/netalertx_payload.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define JSON_TYPE "application/json"
#define LARGE_BODY SH_MIB
#define NATIVE_ONLY                                                                                \
    "This hub accepts only the native protocol (SYNC_protocol=native there): push to it with a "   \
    "synchub-pusher with SYNC_protocol=native"

static void push_begin(ingest_push *push, sh_http_exchange *exchange)
{
    push->exchange = exchange;
    push->sealed = SH_BUF_INIT(SH_ENVELOPE_MAX);
}

static void push_end(ingest_push *push)
{
    sh_buf_reset(&push->sealed);
    ingest_caller_reset(&push->caller);
}

/* Answers and returns false if the key is not the hub's, or that is unknown. */
static bool has_right_key(const ingest *in, sh_http_exchange *exchange)
{
    key_state state = ingest_key_check_get(in->key);
    SH_CLEANUP(queue_loan_end) queue_loan loan = {0};
    if (state == KEY_UNKNOWN && queue_loan_begin(in->queues, &loan, NULL) == SH_OK)
        state = ingest_key_check_refresh(in->key, loan.queue);
    if (state == KEY_RIGHT)
        return true;
    /* check_key() in serve.c and the watch log why. */
    ingest_unavailable(exchange, state == KEY_WRONG ? UNAVAILABLE_KEY : UNAVAILABLE_REDIS, NULL,
                       NULL);
    return false;
}

static void refuse_type(sh_http_exchange *exchange, const char *type)
{
    char message[320];
    bool form = strcmp(type, "application/x-www-form-urlencoded") == 0 ||
                strcmp(type, "multipart/form-data") == 0;
    (void)snprintf(message, sizeof message, "Expected %s or %s, got %s%s", JSON_TYPE,
                   SH_ENVELOPE_TYPE, type[0] == '\0' ? "none" : type,
                   form ? ": a NetAlertX that pushes forms is too old; v26.6.3 and later push JSON"
                        : "");
    ingest_refuse(exchange, REFUSED_TYPE, NULL, message);
}

size_t ingest_admit(const ingest *in, sh_http_exchange *exchange)
{
    const char *type = sh_http_content_type(exchange);
    bool netalertx = ingest_is_netalertx(exchange);
    bool native = strcmp(type, SH_ENVELOPE_TYPE) == 0;
    bool names_node = native && !ingest_digest_query_is_all(exchange) &&
                      sh_http_header(exchange, "Sync-Hub-Node");
    SH_CLEANUP(push_end) ingest_push push = {0};
    push_begin(&push, exchange);
    if (!sh_http_may_wait(exchange) &&
        (names_node || ingest_key_check_get(in->key) == KEY_UNKNOWN || !ingest_knows(in, exchange)))
        return SH_HTTP_WAIT;
    if (!ingest_authenticate(in, exchange, false, &push.caller) || !has_right_key(in, exchange))
        return 0;
    if (netalertx && in->native_only) {
        ingest_refuse(exchange, REFUSED_PROTOCOL, NULL, NATIVE_ONLY);
        return 0;
    }
    if (netalertx) {
        sh_http_when_too_large(exchange, INGEST_SIZE_REMEDY);
        return SH_NETALERTX_BODY_MAX;
    }
    if (native) {
        bool asks = false;
        if (names_node)
            push.state = ingest_digest_query_read(in, &push, &asks);
        ingest_flush(in, &push, 1);
        return SH_ENVELOPE_MAX;
    }
    refuse_type(exchange, type);
    return 0;
}

/* Large bodies are processed one at a time, so that memory is bounded with any number of peers. */
sh_http_class ingest_classify(const sh_http_exchange *exchange)
{
    size_t len = sh_http_body(exchange).len;
    if (len == 0)
        return SH_HTTP_QUERY;
    return len > LARGE_BODY ? SH_HTTP_EXCLUSIVE : SH_HTTP_NORMAL;
}

/* Processes a push up to the point where it needs Redis. */
static ingest_state open_push(const ingest *in, ingest_push *push, sh_buf *text)
{
    sh_http_exchange *exchange = push->exchange;
    if (!ingest_authenticate(in, exchange, false, &push->caller) || !has_right_key(in, exchange))
        return INGEST_ANSWERED;
    push->netalertx = ingest_is_netalertx(exchange);
    if (push->netalertx)
        return ingest_netalertx_open(in, push, text);
    if (ingest_digest_query_is_all(exchange)) {
        bool asks = false;
        ingest_state state = ingest_digest_query_read(in, push, &asks);
        if (asks)
            return state;
    }
    return ingest_native_open(in, push);
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
    sh_buf text = SH_BUF_INIT(SH_PLAIN_MAX +
                              NETALERTX_PAYLOAD_MARGIN); /* for all in turn, as wiping takes time */
    for (size_t i = 0; i < count; i++) {
        push_begin(&pushes[i], exchanges[i]);
        pushes[i].state = open_push(in, &pushes[i], &text);
    }
    sh_buf_wipe(&text);
    ingest_flush(in, pushes, count);
    for (size_t i = 0; i < count; i++)
        push_end(&pushes[i]);
}
