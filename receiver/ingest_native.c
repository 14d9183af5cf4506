/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/cleanup.h"
#include "libcommon/clock.h"
#include "libcommon/log.h"
#include "receiver/ingest_internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* POST /sync with an envelope: PROTOCOL.md section 3. */

/* The header alone: shape, names, parts, clock. Answers and returns false where it must be refused.
 */
static bool check_header(sh_http_exchange *exchange, sh_envelope_header *header)
{
    sh_error error = {0};
    sh_err err = sh_envelope_peek(sh_http_body(exchange), header, &error);
    if (err == SH_E_LIMIT) {
        ingest_refuse(exchange, 413, &figures.refused_size, "Content Too Large", NULL,
                      error.message);
        return false;
    }
    if (err == SH_E_REFUSED) {
        ingest_refuse(exchange, 422, &figures.refused_name, "Invalid name", NULL, error.message);
        return false;
    }
    if (err != SH_OK) {
        ingest_refuse(exchange, 400, &figures.refused_envelope, "Invalid envelope", NULL,
                      error.message);
        return false;
    }
    int64_t skew_s = (header->time_ms - sh_clock_unix_ms()) / 1000;
    if (skew_s > SH_CLOCK_SKEW_MAX_S || skew_s < -SH_CLOCK_SKEW_MAX_S) {
        char message[160];
        (void)snprintf(message, sizeof message,
                       "The envelope's time is %" PRId64 " s off the hub's clock, %d s are "
                       "allowed: set the clocks (NTP)",
                       skew_s, SH_CLOCK_SKEW_MAX_S);
        ingest_refuse(exchange, 422, &figures.refused_clock, "Wrong time", header->node, message);
        return false;
    }
    return true;
}

/* Opens and checks the content. Answers and returns false where it must be refused. */
static bool check_content(const ingest *in, sh_http_exchange *exchange,
                          const sh_envelope_header *header)
{
    sh_error error = {0};
    sh_node_key key;
    SH_CLEANUP(sh_buf_wipe) sh_buf text = SH_BUF_INIT(SH_PLAIN_MAX);
    sh_node_key_derive(in->keys->passphrase_key, sh_slice_of(header->node), &key);
    sh_err err = sh_envelope_open(sh_http_body(exchange), header, &key, &text, &error);
    bool same_key = memcmp(key.id, header->key_id, sizeof key.id) == 0;
    sh_wipe(&key, sizeof key);
    if (err == SH_OK) {
        err = ingest_check_text(header->kind, (sh_slice){text.data, text.len}, &error);
        if (err == SH_OK)
            return true;
        ingest_refuse(exchange, err == SH_E_LIMIT ? 413 : 422, &figures.refused_content,
                      "Invalid content", header->node, error.message);
    } else if (err == SH_E_CRYPTO && !same_key) {
        ingest_refuse(exchange, 422, &figures.refused_key, "Wrong key", header->node,
                      "The payload does not open with the hub's key: SYNC_encryption_key must be "
                      "the same on node and hub");
    } else if (err == SH_E_MEMORY) {
        ingest_unavailable(exchange, header->node, &error);
    } else {
        ingest_refuse(exchange, 422, &figures.refused_altered, "Invalid envelope", header->node,
                      error.message);
    }
    return false;
}

static void reply_status(sh_http_exchange *exchange, unsigned code, const char *status,
                         const uint8_t id[SH_ID_BYTES])
{
    char hex[SH_ID_HEX_BYTES];
    char body[96];
    sh_hex_encode(id, SH_ID_BYTES, hex);
    int len = snprintf(body, sizeof body, "{\"status\":\"%s\",\"id\":\"%s\"}", status, hex);
    sh_http_reply(exchange, code, "application/json", (sh_slice){body, (size_t)len});
}

void ingest_native(const ingest *in, sh_http_exchange *exchange)
{
    sh_envelope_header header;
    if (!check_header(exchange, &header))
        return;
    size_t body_len = sh_http_body(exchange).len;
    size_t most = header.plain_len > body_len ? header.plain_len : body_len;
    SH_CLEANUP(ingest_turn_end) bool turn = ingest_turn_begin(most);
    if (!turn && !ingest_claim(exchange, header.node, 2 * most))
        return;
    if (!check_content(in, exchange, &header))
        return;
    sh_error error = {0};
    SH_CLEANUP(queue_loan_end) queue_loan loan = {0};
    sh_put put = SH_PUT_QUEUED;
    sh_err err = queue_loan_begin(in->queues, &loan, &error);
    if (err == SH_OK)
        err = sh_queue_put(loan.queue, sh_http_body(exchange), &header, "push", &put, &error);
    if (err != SH_OK) {
        ingest_unavailable(exchange, header.node, &error);
        return;
    }
    bool queued = put == SH_PUT_QUEUED;
    sh_metric_add(queued ? &figures.pushes_queued : &figures.pushes_duplicate, 1);
    sh_log_info("%s node=%s plugin=%s text=%u bytes=%zu", queued ? "queued" : "duplicate",
                header.node, header.plugin[0] == '\0' ? "-" : header.plugin, header.plain_len,
                sh_http_body(exchange).len);
    reply_status(exchange, queued ? 202 : 200, queued ? "queued" : "duplicate", header.id);
}
