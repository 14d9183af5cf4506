/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/cleanup.h"
#include "libcommon/clock.h"
#include "libcommon/log.h"
#include "libcommon/netalertx_cipher.h"
#include "libcommon/netalertx_format.h"
#include "receiver/ingest_internal.h"

#include <stdio.h>
#include <string.h>

/* POST /sync with NetAlertX's JSON: NETALERTX contract, section 1. */

#define STORED "{\"message\":\"Data received and stored successfully\"}"

/* Fills what the push says into header. Answers and returns false where it must be refused. */
static bool read_names(sh_http_exchange *exchange, const sh_netalertx_push *push,
                       sh_envelope_header *header)
{
    sh_error error = {0};
    bool devices = sh_slice_equals(push->plugin, SH_SLICE(SH_NETALERTX_DEVICES_PLUGIN));
    sh_err err = sh_node_name_check(push->node, &error);
    if (err == SH_OK && !devices)
        err = sh_plugin_name_check(push->plugin, &error);
    if (err != SH_OK) {
        ingest_refuse(exchange, 422, &figures.refused_name, "Invalid name", NULL, error.message);
        return false;
    }
    header->kind = devices ? SH_KIND_DEVICES : SH_KIND_PLUGIN;
    memcpy(header->node, push->node.data, push->node.len);
    if (!devices)
        memcpy(header->plugin, push->plugin.data, push->plugin.len);
    return true;
}

/* Reads the body and opens its payload into *text. Answers and returns false where it is refused.
 */
static bool open_push(const ingest *in, sh_http_exchange *exchange, sh_envelope_header *header,
                      sh_buf *text)
{
    sh_error error = {0};
    SH_CLEANUP(sh_netalertx_push_done) sh_netalertx_push push = {0};
    sh_err err = sh_netalertx_push_read(sh_http_body(exchange), &push, &error);
    if (err == SH_E_NOT_FOUND) {
        ingest_refuse(exchange, 422, &figures.refused_field, error.message, NULL, error.message);
        return false;
    }
    if (err == SH_E_MEMORY) {
        ingest_unavailable(exchange, "-", &error);
        return false;
    }
    if (err != SH_OK) {
        ingest_refuse(exchange, 400, &figures.refused_json, "Invalid JSON", NULL,
                      "Request body must be valid JSON");
        return false;
    }
    if (!read_names(exchange, &push, header))
        return false;
    err = sh_netalertx_decrypt(in->keys->passphrase, push.data, text, &error);
    if (err == SH_OK) /* The cipher has no authentication: only the text tells a wrong key. */
        err = ingest_check_text(
            header->kind, (sh_slice){text->data == NULL ? "" : text->data, text->len}, &error);
    if (err == SH_OK)
        return true;
    if (err == SH_E_MEMORY) {
        ingest_unavailable(exchange, header->node, &error);
    } else if (err == SH_E_LIMIT) {
        ingest_refuse(exchange, 413, &figures.refused_size, "Content Too Large", header->node,
                      error.message);
    } else {
        char message[SH_ERROR_MESSAGE_BYTES + 160];
        (void)snprintf(message, sizeof message,
                       "The payload does not open to what it should be (%s): SYNC_encryption_key "
                       "must be the same on node and hub",
                       error.message);
        ingest_refuse(exchange, 422,
                      err == SH_E_CRYPTO ? &figures.refused_key : &figures.refused_content,
                      "Invalid payload", header->node, message);
    }
    return false;
}

/* Seals what was opened and puts it into the queue, unless it is the table that was merged last. */
static sh_err queue_text(const ingest *in, sh_envelope_header *header, sh_slice text,
                         bool *unchanged, sh_error *error)
{
    SH_CLEANUP(queue_loan_end) queue_loan loan = {0};
    sh_err err = queue_loan_begin(in->queues, &loan, error);
    if (err != SH_OK)
        return err;
    sh_node_key key;
    sh_node_key_derive(in->keys->passphrase_key, sh_slice_of(header->node), &key);
    sh_digest(&key, text, header->digest);
    if (header->kind == SH_KIND_DEVICES)
        err = ingest_is_unchanged(loan.queue, sh_slice_of(header->node), header->digest, unchanged,
                                  error);
    if (err == SH_OK && *unchanged) {
        sh_wipe(&key, sizeof key);
        contacts_note(in->contacts, header->node);
        return SH_OK;
    }
    SH_CLEANUP(sh_buf_done) sh_buf envelope = SH_BUF_INIT(SH_ENVELOPE_MAX);
    header->time_ms = sh_clock_unix_ms();
    header->parts = 1;
    sh_random(header->id, sizeof header->id);
    if (err == SH_OK)
        err = sh_envelope_seal(header, &key, text, &envelope, error);
    sh_wipe(&key, sizeof key);
    sh_put put;
    if (err == SH_OK)
        err = sh_queue_put(loan.queue, (sh_slice){envelope.data, envelope.len}, header, "push",
                           &put, error);
    return err;
}

void ingest_netalertx(const ingest *in, sh_http_exchange *exchange)
{
    sh_envelope_header header = {0};
    size_t body_len = sh_http_body(exchange).len;
    SH_CLEANUP(ingest_turn_end) bool turn = ingest_turn_begin(body_len);
    if (!turn && !ingest_claim(exchange, "-", 3 * body_len)) /* unescaped, decoded, in clear */
        return;
    SH_CLEANUP(sh_buf_wipe) sh_buf text = SH_BUF_INIT(SH_PLAIN_MAX);
    if (!open_push(in, exchange, &header, &text))
        return;
    sh_error error = {0};
    bool unchanged = false;
    sh_slice plain = {text.data == NULL ? "" : text.data, text.len};
    sh_err err = queue_text(in, &header, plain, &unchanged, &error);
    if (err == SH_E_LIMIT) {
        ingest_refuse(exchange, 413, &figures.refused_size, "Content Too Large", header.node,
                      error.message);
        return;
    }
    if (err != SH_OK) {
        ingest_unavailable(exchange, header.node, &error);
        return;
    }
    sh_metric_add(unchanged ? &figures.pushes_unchanged : &figures.pushes_queued, 1);
    sh_log_info("%s node=%s plugin=%s text=%zu format=netalertx",
                unchanged ? "unchanged" : "queued", header.node,
                header.plugin[0] == '\0' ? "-" : header.plugin, plain.len);
    sh_http_reply(exchange, 200, "application/json", SH_SLICE(STORED));
}
