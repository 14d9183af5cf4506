/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/ingest.h"

#include "libcommon/cleanup.h"
#include "libcommon/log.h"
#include "libcommon/plugin_lines.h"
#include "libcommon/table_scan.h"
#include "receiver/ingest_internal.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#define JSON_TYPE "application/json"
#define LARGE_BODY SH_MIB

static pthread_mutex_t large_turn = PTHREAD_MUTEX_INITIALIZER;

bool ingest_turn_begin(size_t body_len)
{
    bool turn = body_len > LARGE_BODY;
    if (turn)
        (void)pthread_mutex_lock(&large_turn);
    return turn;
}

void ingest_turn_end(const bool *turn)
{
    if (*turn)
        (void)pthread_mutex_unlock(&large_turn);
}

bool ingest_claim(sh_http_exchange *exchange, const char *node, size_t bytes)
{
    if (sh_http_claim(exchange, bytes))
        return true;
    sh_metric_add(&figures.unavailable_busy, 1);
    sh_log_warning("put a push off with 503: node=%s peer=%s: all memory for bodies is in use",
                   node, sh_http_peer(exchange));
    sh_http_reply_error(exchange, 503, "Service Unavailable",
                        "The hub has too much in hand: try later");
    return false;
}

void ingest_refuse(sh_http_exchange *exchange, unsigned status, sh_metric *reason,
                   const char *error_text, const char *node, const char *message)
{
    sh_metric_add(reason, 1);
    sh_log_warning("refused a push with %u: node=%s peer=%s bytes=%zu: %s", status,
                   node == NULL ? "-" : node, sh_http_peer(exchange), sh_http_body(exchange).len,
                   message);
    sh_http_reply_error(exchange, status, error_text, message);
}

void ingest_unavailable(sh_http_exchange *exchange, const char *node, const sh_error *error)
{
    bool later = sh_err_is_transient(error->code) || error->code == SH_E_CONFIG;
    sh_metric *reason = error->code == SH_E_BUSY ? &figures.unavailable_full
                        : later                  ? &figures.unavailable_redis
                                                 : &figures.failed_internal;
    sh_metric_add(reason, 1);
    sh_log_error("could not queue a push: node=%s: %s", node, error->message);
    /* What is wrong inside the hub is its operator's to read in the log, not the node's. */
    sh_http_reply_error(exchange, later ? 503 : 500,
                        later ? "Service Unavailable" : "Internal Server Error",
                        error->code == SH_E_BUSY ? "The hub's queue takes nothing now: try later"
                                                 : "The hub's queue is away: try later");
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
    sh_buf decoded = SH_BUF_INIT(SH_NODE_NAME_MAX);
    bool good = sh_percent_decode(sh_slice_of(encoded), &decoded) == SH_OK;
    good = good && sh_node_name_check((sh_slice){decoded.data, decoded.len}, NULL) == SH_OK;
    (void)snprintf(name, SH_NODE_NAME_MAX + 1, "%s", good ? decoded.data : "");
    sh_buf_done(&decoded);
    if (!good)
        ingest_refuse(exchange, 400, &figures.refused_envelope, "Bad Request", NULL,
                      "Sync-Hub-Node or Sync-Hub-Digest cannot be read");
    return good;
}

/*
 * PROTOCOL.md section 3: a node may ask by its table's digest before it sends the table, or
 * instead. False where nothing was answered: there is no such question, or the table is another
 * one.
 */
static bool answer_question(const ingest *in, sh_http_exchange *exchange, ingest_caller *caller)
{
    const char *encoded = sh_http_header(exchange, "Sync-Hub-Node");
    const char *hex = sh_http_header(exchange, "Sync-Hub-Digest");
    char name[SH_NODE_NAME_MAX + 1];
    uint8_t digest[SH_DIGEST_BYTES];
    bool unchanged = false;
    if (encoded == NULL)
        return false;
    if (!read_node_header(exchange, encoded, name) || !ingest_authorise(in, exchange, caller, name))
        return true;
    if (hex == NULL)
        return false;
    if (!sh_hex_decode(sh_slice_of(hex), digest, sizeof digest)) {
        ingest_refuse(exchange, 400, &figures.refused_envelope, "Bad Request", NULL,
                      "Sync-Hub-Node or Sync-Hub-Digest cannot be read");
        return true;
    }
    if (!ingest_ask(in, exchange, caller, name, digest, &unchanged))
        return true;
    if (unchanged) {
        contacts_note(in->contacts, name);
        sh_metric_add(&figures.pushes_unchanged, 1);
        sh_log_debug("node=%s is unchanged", name);
        sh_http_reply(exchange, 200, JSON_TYPE, SH_SLICE("{\"status\":\"unchanged\"}"));
    }
    return unchanged;
}

/* A push without a body only asks. It is answered like any other, so that the connection stays. */
static bool only_asks(const sh_http_exchange *exchange)
{
    const char *length = sh_http_header(exchange, "Content-Length");
    return length != NULL && strcmp(length, "0") == 0;
}

size_t ingest_admit(const ingest *in, sh_http_exchange *exchange)
{
    SH_CLEANUP(ingest_caller_end) ingest_caller caller = {0};
    if (!ingest_authenticate(in, exchange, false, &caller))
        return 0;
    const char *type = sh_http_content_type(exchange);
    if (strcmp(type, JSON_TYPE) == 0)
        return SH_NETALERTX_BODY_MAX;
    if (strcmp(type, SH_ENVELOPE_TYPE) == 0) {
        if (!only_asks(exchange))
            (void)answer_question(in, exchange, &caller);
        return SH_ENVELOPE_MAX;
    }
    char message[256];
    (void)snprintf(message, sizeof message, "Expected %s or %s, got %s", JSON_TYPE,
                   SH_ENVELOPE_TYPE, type[0] == '\0' ? "none" : type);
    ingest_refuse(exchange, 415, &figures.refused_type, "Invalid Content-Type", NULL, message);
    return 0;
}

void ingest_handle(const ingest *in, sh_http_exchange *exchange)
{
    SH_CLEANUP(ingest_caller_end) ingest_caller caller = {0};
    if (!ingest_authenticate(in, exchange, false, &caller))
        return;
    if (strcmp(sh_http_content_type(exchange), JSON_TYPE) == 0) {
        ingest_netalertx(in, exchange, &caller);
        return;
    }
    bool asked = only_asks(exchange) && sh_http_header(exchange, "Sync-Hub-Digest") != NULL;
    if (asked && answer_question(in, exchange, &caller))
        return;
    if (asked)
        sh_http_reply(exchange, 200, JSON_TYPE, SH_SLICE("{\"status\":\"changed\"}"));
    else
        ingest_native(in, exchange, &caller);
}
