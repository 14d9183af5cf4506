/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/ingest/ingest_netalertx.h"

#include "libcommon/base/cleanup.h"
#include "libcommon/base/clock.h"
#include "libcommon/base/node_name.h"
#include "libcommon/netalertx/netalertx_format.h"
#include "libcommon/runtime/log.h"
#include "receiver/hub/hub_metrics.h"
#include "receiver/ingest/ingest_body.h"
#include "receiver/ingest/ingest_error_answers.h"
#include "receiver/ingest/netalertx_payload.h"
#include "receiver/ingest/node_reports.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/*
 * POST /sync with NetAlertX's JSON. A NetAlertX node shows only the member "error" to its user, so
 * that has whole sentences.
 */

#define STORED "{\"message\":\"Data received and stored successfully\"}"
#define INVALID                                                                                    \
    "The payload is not a device table or plugin result (of at most 200000 rows) under this "      \
    "hub's key: SYNC_encryption_key must be the same on node and hub"
#define NATIVE_NODE                                                                                \
    "This node has credentials of its own, for the native protocol only: push with a "             \
    "synchub-pusher, or make credentials for it by `synchub-receiver node add --netalertx`"
#define TOO_MANY                                                                                   \
    "Too many invalid payloads came from here: SYNC_encryption_key must be the same on node and "  \
    "hub; try again later"

/* Fills in header from the push. Answers and returns false if it is refused. */
static bool read_names(sh_http_exchange *exchange, const sh_netalertx_push *push,
                       sh_envelope_header *header)
{
    sh_error error = {0};
    bool devices = sh_slice_equals(push->plugin, SH_SLICE(SH_NETALERTX_DEVICES_PLUGIN));
    sh_err err = sh_node_name_check(push->node, &error);
    if (err != SH_OK) {
        ingest_refuse_node_name(exchange, error.message);
        return false;
    }
    if (!devices && sh_plugin_name_check(push->plugin, &error) != SH_OK) {
        ingest_refuse_plugin_name(exchange, error.message);
        return false;
    }
    header->kind = devices ? SH_KIND_DEVICES : SH_KIND_PLUGIN;
    memcpy(header->node, push->node.data, push->node.len);
    if (!devices)
        memcpy(header->plugin, push->plugin.data, push->plugin.len);
    return true;
}

/* Parses the body. Answers and returns false if it is refused. */
static bool read_push(sh_http_exchange *exchange, sh_netalertx_push *push)
{
    sh_error error = {0};
    sh_err err = sh_netalertx_push_read(sh_http_body(exchange), push, &error);
    if (err == SH_E_NOT_FOUND)
        ingest_refuse(exchange, REFUSED_FIELD, NULL, error.message);
    else if (err == SH_E_MEMORY)
        ingest_failed(exchange, NULL, &error);
    else if (err != SH_OK)
        ingest_refuse(exchange, REFUSED_JSON, NULL, "Request body must be valid JSON");
    return err == SH_OK;
}

/*
 * Tries the keys that the node may use. SH_E_CONFIG if its own credentials cannot be read;
 * otherwise as netalertx_payload_open().
 */
static sh_err open_payload(const ingest *in, const sh_node_record *own, netalertx_payload *payload,
                           sh_error *error)
{
    if (own == NULL)
        return netalertx_payload_open(in->keys->passphrase, payload, error);
    sh_err err = SH_OK;
    for (size_t i = 0; i < own->count && err == SH_OK && !payload->valid && !payload->ignored;
         i++) {
        sh_node_secrets secrets;
        if (!sh_credential_is_valid(&own->items[i], sh_clock_unix_ms()))
            continue;
        err = sh_credential_open(in->keys->credential_key, own->node, &own->items[i], &secrets,
                                 error);
        if (err != SH_OK)
            break;
        err = netalertx_payload_open(sh_slice_of(secrets.encryption_key), payload, error);
        sh_wipe(&secrets, sizeof secrets);
    }
    return err;
}

/* Whether the hub has accepted data of this node before, also before this process started. */
static bool is_known(const ingest *in, const char *node)
{
    if (!name_index_is_loaded(in->names)) {
        SH_CLEANUP(queue_loan_end) queue_loan loan = {0};
        if (queue_loan_begin(in->queues, &loan, NULL) == SH_OK)
            (void)name_index_load(in->names, loan.queue, NULL); /* or at the next time */
    }
    return name_index_knows(in->names, node);
}

/* Answers and returns false if the node's own credentials do not allow this format. */
static bool may_use_format(sh_http_exchange *exchange, const sh_node_record *own)
{
    if (own == NULL || own->netalertx)
        return true;
    ingest_refuse_node(exchange, REFUSED_PROTOCOL, own->node, NATIVE_NODE);
    return false;
}

/* Answers 429 and returns false if the peer has sent too many invalid payloads. */
static bool may_try(const ingest *in, sh_http_exchange *exchange, const char *node)
{
    char seconds[24];
    const char *peer = sh_http_peer(exchange);
    int64_t now_ms = sh_clock_monotonic_ms();
    int64_t wait_s = throttle_wait_s(in->throttle, peer, node, false, now_ms);
    if (wait_s > 0 && is_known(in, node))
        wait_s = throttle_wait_s(in->throttle, peer, node, true, now_ms);
    if (wait_s == 0)
        return true;
    sh_metric_add(&hub_metrics.refused_throttled, 1);
    sh_log_event(SH_LOG_DEBUG, SH_LOG_FIELDS(SH_LOG_NODE(node), SH_LOG_PEER(peer)),
                 "refused a push with 429");
    (void)snprintf(seconds, sizeof seconds, "%" PRId64, wait_s);
    sh_http_reply_header(exchange, "Retry-After", seconds);
    sh_http_reply_error(exchange, 429, NULL, TOO_MANY, TOO_MANY);
    return false;
}

_Static_assert(SH_ROWS_MAX == 200000 && SH_PLUGIN_LINES_MAX == 200000,
               "INVALID contains the limits");

/* The same answer, log line and metric for any invalid payload. */
static void refuse_payload(const ingest *in, sh_http_exchange *exchange, const char *node)
{
    const char *peer = sh_http_peer(exchange);
    bool waits =
        throttle_count(in->throttle, peer, node, is_known(in, node), sh_clock_monotonic_ms());
    ingest_refuse_node(exchange, REFUSED_PAYLOAD, node, INVALID);
    if (waits)
        sh_log_event(SH_LOG_WARNING, SH_LOG_FIELDS(SH_LOG_NODE(node), SH_LOG_PEER(peer)),
                     "too many invalid payloads: from now on one attempt in %d s is allowed",
                     THROTTLE_NODE_INTERVAL_S);
}

/* NetAlertX accepts it as well, and skips the file later because it is not a table. */
static void answer_ignored(sh_http_exchange *exchange, const char *node)
{
    sh_log_event(
        SH_LOG_INFO, SH_LOG_FIELDS(SH_LOG_NODE(node), SH_LOG_PEER(sh_http_peer(exchange))),
        "ignored the result of NetAlertX's SYNC plugin, or an empty table: SYNC_plugins on "
        "the node should not contain SYNC");
    sh_http_reply(exchange, 200, "application/json", SH_SLICE(STORED));
}

/* Opens the payload into *text. Answers and returns false if it is refused. */
static bool open_push(const ingest *in, ingest_push *push, sh_buf *text)
{
    sh_error error = {0};
    sh_envelope_header *header = &push->header;
    SH_CLEANUP(sh_netalertx_push_reset) sh_netalertx_push content = {0};
    if (!read_push(push->exchange, &content) || !read_names(push->exchange, &content, header) ||
        !ingest_authorise(in, push->exchange, &push->caller, header->node) ||
        !may_use_format(push->exchange, push->caller.own) ||
        !may_try(in, push->exchange, header->node))
        return false;
    netalertx_payload payload = {.data = content.data, .kind = header->kind, .text = text};
    sh_err err = open_payload(in, push->caller.own, &payload, &error);
    if (err == SH_E_LIMIT)
        ingest_refuse_size(push->exchange, header->node, error.message);
    else if (err == SH_E_CONFIG)
        ingest_unavailable(push->exchange, UNAVAILABLE_CREDENTIALS, header->node, error.message);
    else if (err != SH_OK)
        ingest_failed(push->exchange, header->node, &error);
    else if (payload.ignored)
        answer_ignored(push->exchange, header->node);
    else if (!payload.valid)
        refuse_payload(in, push->exchange, header->node);
    return err == SH_OK && payload.valid;
}

/* Seals text with the hub's key. Answers and returns false on failure. */
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
        ingest_refuse_size(push->exchange, header->node, error.message);
    else if (err != SH_OK)
        ingest_failed(push->exchange, header->node, &error);
    return err == SH_OK;
}

ingest_state ingest_netalertx_open(const ingest *in, ingest_push *push, sh_buf *text)
{
    if (!sh_http_is_exclusive(push->exchange) &&
        !ingest_claim(push->exchange, NULL, sh_http_body(push->exchange).len))
        return INGEST_ANSWERED;
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
    name_index_add(in->names, header->node);
    node_reports_contact(push->exchange, header->node, true);
    if (unchanged)
        last_contact_note(in->contacts, header->node);
    sh_metric_add(unchanged ? &hub_metrics.pushes_unchanged : &hub_metrics.pushes_queued, 1);
    sh_log_event(SH_LOG_INFO,
                 SH_LOG_FIELDS(SH_LOG_NODE(header->node), SH_LOG_PLUGIN(header->plugin),
                               SH_LOG_NUMBER("text", push->text_len),
                               SH_LOG_TEXT_FIELD("format", "netalertx")),
                 "%s", unchanged ? "unchanged" : "queued");
    sh_http_reply(push->exchange, 200, "application/json", SH_SLICE(STORED));
}
