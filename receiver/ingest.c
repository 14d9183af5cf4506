/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/ingest.h"

#include "libcommon/cleanup.h"
#include "libcommon/clock.h"
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

sh_err ingest_is_unchanged(sh_queue *queue, sh_slice node, const uint8_t digest[SH_DIGEST_BYTES],
                           bool *ret, sh_error *error)
{
    uint8_t merged[SH_DIGEST_BYTES];
    int64_t merged_ms = 0;
    sh_error reason = {0};
    *ret = false;
    sh_err err = sh_queue_digest_get(queue, node, merged, &merged_ms, &reason);
    if (err == SH_E_NOT_FOUND)
        return SH_OK;
    if (err != SH_OK)
        return sh_fail(error, err, "%s", reason.message);
    int64_t age_ms = sh_clock_unix_ms() - merged_ms;
    *ret = memcmp(merged, digest, SH_DIGEST_BYTES) == 0 && age_ms >= 0 &&
           age_ms < SH_FULL_TABLE_INTERVAL_S * 1000LL;
    return SH_OK;
}

/*
 * PROTOCOL.md section 3: a node may ask by its table's digest before it sends the table, or
 * instead. False where nothing was answered: there is no such question, or the table is another
 * one.
 */
static bool answer_if_unchanged(const ingest *in, sh_http_exchange *exchange)
{
    const char *encoded = sh_http_header(exchange, "Sync-Hub-Node");
    const char *hex = sh_http_header(exchange, "Sync-Hub-Digest");
    if (hex == NULL || encoded == NULL)
        return false;
    uint8_t digest[SH_DIGEST_BYTES];
    char name[SH_NODE_NAME_MAX + 1];
    sh_buf decoded = SH_BUF_INIT(SH_NODE_NAME_MAX);
    bool good = sh_hex_decode(sh_slice_of(hex), digest, sizeof digest) &&
                sh_percent_decode(sh_slice_of(encoded), &decoded) == SH_OK;
    good = good && sh_node_name_check((sh_slice){decoded.data, decoded.len}, NULL) == SH_OK;
    (void)snprintf(name, sizeof name, "%s", good ? decoded.data : "");
    sh_buf_done(&decoded);
    sh_slice node = sh_slice_of(name);
    if (!good) {
        ingest_refuse(exchange, 400, &figures.refused_envelope, "Bad Request", NULL,
                      "Sync-Hub-Node or Sync-Hub-Digest cannot be read");
        return true;
    }
    sh_error error = {0};
    SH_CLEANUP(queue_loan_end) queue_loan loan = {0};
    bool unchanged = false;
    sh_err err = queue_loan_begin(in->queues, &loan, &error);
    if (err == SH_OK)
        err = ingest_is_unchanged(loan.queue, node, digest, &unchanged, &error);
    if (err != SH_OK) {
        ingest_unavailable(exchange, name, &error);
    } else if (unchanged) {
        contacts_note(in->contacts, name);
        sh_metric_add(&figures.pushes_unchanged, 1);
        sh_log_debug("node=%s is unchanged", name);
        sh_http_reply(exchange, 200, JSON_TYPE, SH_SLICE("{\"status\":\"unchanged\"}"));
    }
    return err != SH_OK || unchanged;
}

/* A push without a body only asks. It is answered like any other, so that the connection stays. */
static bool only_asks(const sh_http_exchange *exchange)
{
    const char *length = sh_http_header(exchange, "Content-Length");
    return length != NULL && strcmp(length, "0") == 0;
}

size_t ingest_admit(const ingest *in, sh_http_exchange *exchange)
{
    if (!sh_secret_equals(sh_http_bearer(exchange), in->keys->token)) {
        sh_metric_add(&figures.refused_token, 1);
        sh_log_warning("refused a push with 403: peer=%s: the token is not this hub's; "
                       "SYNC_api_token (or API_TOKEN) must be the same on node and hub",
                       sh_http_peer(exchange));
        sh_http_reply_error(exchange, 403, "Forbidden", "ERROR: Not authorized");
        return 0;
    }
    const char *type = sh_http_content_type(exchange);
    if (strcmp(type, JSON_TYPE) == 0)
        return SH_NETALERTX_BODY_MAX;
    if (strcmp(type, SH_ENVELOPE_TYPE) == 0) {
        if (!only_asks(exchange))
            (void)answer_if_unchanged(in, exchange);
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
    if (strcmp(sh_http_content_type(exchange), JSON_TYPE) == 0) {
        ingest_netalertx(in, exchange);
        return;
    }
    bool asked = only_asks(exchange) && sh_http_header(exchange, "Sync-Hub-Digest") != NULL;
    if (asked && answer_if_unchanged(in, exchange))
        return;
    if (asked)
        sh_http_reply(exchange, 200, JSON_TYPE, SH_SLICE("{\"status\":\"changed\"}"));
    else
        ingest_native(in, exchange);
}
