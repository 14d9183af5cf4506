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

/* Reads the body. Answers and returns false where it is refused. */
static bool read_push(sh_http_exchange *exchange, sh_netalertx_push *push)
{
    sh_error error = {0};
    sh_err err = sh_netalertx_push_read(sh_http_body(exchange), push, &error);
    if (err == SH_E_NOT_FOUND)
        ingest_refuse(exchange, 422, &figures.refused_field, error.message, NULL, error.message);
    else if (err == SH_E_MEMORY)
        ingest_unavailable(exchange, "-", &error);
    else if (err != SH_OK)
        ingest_refuse(exchange, 400, &figures.refused_json, "Invalid JSON", NULL,
                      "Request body must be valid JSON");
    return err == SH_OK;
}

/* The cipher has no authentication: only the text tells a wrong key. */
static sh_err open_with(sh_slice passphrase, sh_slice data, sh_kind kind, sh_buf *text,
                        sh_error *error)
{
    sh_buf_clear(text);
    sh_err err = sh_netalertx_decrypt(passphrase, data, text, error);
    if (err != SH_OK)
        return err;
    return ingest_check_text(kind, (sh_slice){text->data == NULL ? "" : text->data, text->len},
                             error);
}

/* Tries what the node may have encrypted with; of the failures the first one counts. */
static sh_err open_data(const ingest *in, const sh_node_record *own, sh_slice data, sh_kind kind,
                        sh_buf *text, sh_error *error)
{
    if (own == NULL)
        return open_with(in->keys->passphrase, data, kind, text, error);
    sh_err first = SH_E_CRYPTO;
    for (size_t i = 0; i < own->count; i++) {
        sh_node_secrets secrets;
        sh_error reason = {0};
        if (!sh_credential_works(&own->items[i], sh_clock_unix_ms()))
            continue;
        sh_err err = sh_credential_open(in->keys->credential_key, own->node, &own->items[i],
                                        &secrets, &reason);
        if (err == SH_OK) {
            err = open_with(sh_slice_of(secrets.passphrase), data, kind, text, &reason);
            sh_wipe(&secrets, sizeof secrets);
        }
        if (err == SH_OK)
            return SH_OK;
        if (error->code == SH_OK)
            first = sh_fail(error, err, "%s", reason.message);
    }
    return first;
}

static void refuse_data(sh_http_exchange *exchange, const sh_envelope_header *header, sh_err err,
                        const sh_error *error)
{
    if (err == SH_E_MEMORY || err == SH_E_CONFIG) {
        ingest_unavailable(exchange, header->node, error);
    } else if (err == SH_E_LIMIT) {
        ingest_refuse(exchange, 413, &figures.refused_size, "Content Too Large", header->node,
                      error->message);
    } else {
        char message[SH_ERROR_MESSAGE_BYTES + 160];
        (void)snprintf(message, sizeof message,
                       "The payload does not open to what it should be (%s): SYNC_encryption_key "
                       "must be the same on node and hub",
                       error->message);
        ingest_refuse(exchange, 422,
                      err == SH_E_CRYPTO ? &figures.refused_key : &figures.refused_content,
                      "Invalid payload", header->node, message);
    }
}

/* Opens the payload into *text. Answers and returns false where it is refused. */
static bool open_push(const ingest *in, ingest_push *push, sh_buf *text)
{
    sh_error error = {0};
    sh_envelope_header *header = &push->header;
    SH_CLEANUP(sh_netalertx_push_done) sh_netalertx_push content = {0};
    if (!read_push(push->exchange, &content) || !read_names(push->exchange, &content, header) ||
        !ingest_authorise(in, push->exchange, &push->caller, header->node))
        return false;
    sh_err err = open_data(in, push->caller.own, content.data, header->kind, text, &error);
    if (err != SH_OK)
        refuse_data(push->exchange, header, err, &error);
    return err == SH_OK;
}

/* Seals what was opened with the hub's key. Answers and returns false where it cannot be. */
static bool seal_text(const ingest *in, ingest_push *push, sh_slice text)
{
    sh_error error = {0};
    sh_node_key key;
    sh_envelope_header *header = &push->header;
    header->time_ms = sh_clock_unix_ms();
    header->parts = 1;
    sh_random(header->id, sizeof header->id);
    sh_node_key_derive(in->keys->passphrase_key, sh_slice_of(header->node), &key);
    sh_err err = sh_envelope_seal_and_digest(header, &key, text, &push->sealed, &error);
    sh_wipe(&key, sizeof key);
    if (err == SH_E_LIMIT)
        ingest_refuse(push->exchange, 413, &figures.refused_size, "Content Too Large", header->node,
                      error.message);
    else if (err != SH_OK)
        ingest_unavailable(push->exchange, header->node, &error);
    return err == SH_OK;
}

ingest_state ingest_netalertx_open(const ingest *in, ingest_push *push, sh_buf *text)
{
    size_t body_len = sh_http_body(push->exchange).len;
    if (ingest_is_large(body_len)) {
        if (!sh_http_is_alone(push->exchange))
            return INGEST_LATER;
    } else if (!ingest_claim(push->exchange, "-", body_len)) {
        return INGEST_ANSWERED;
    }
    if (!open_push(in, push, text) ||
        !seal_text(in, push, (sh_slice){text->data == NULL ? "" : text->data, text->len}))
        return INGEST_ANSWERED;
    push->text_len = text->len;
    push->put.envelope = (sh_slice){push->sealed.data, push->sealed.len};
    push->put.unless_unchanged = push->header.kind == SH_KIND_DEVICES;
    return INGEST_PUTS;
}

void ingest_netalertx_done(const ingest *in, const ingest_push *push)
{
    const sh_envelope_header *header = &push->header;
    bool unchanged = push->put.put == SH_PUT_UNCHANGED;
    if (unchanged)
        contacts_note(in->contacts, header->node);
    sh_metric_add(unchanged ? &figures.pushes_unchanged : &figures.pushes_queued, 1);
    sh_log_info("%s node=%s plugin=%s text=%zu format=netalertx",
                unchanged ? "unchanged" : "queued", header->node,
                header->plugin[0] == '\0' ? "-" : header->plugin, push->text_len);
    sh_http_reply(push->exchange, 200, "application/json", SH_SLICE(STORED));
}
