/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/ingest/ingest_native.h"

#include "libcommon/base/cleanup.h"
#include "libcommon/base/clock.h"
#include "libcommon/runtime/log.h"
#include "receiver/hub/hub_metrics.h"
#include "receiver/ingest/ingest_body.h"
#include "receiver/ingest/ingest_error_answers.h"
#include "receiver/ingest/ingest_success_answers.h"
#include "receiver/ingest/node_reports.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* POST /sync with an envelope: PROTOCOL.md section 3. */

/* Checks the header: form, names, parts. Answers and returns false if it is refused. */
static bool check_header(sh_http_exchange *exchange, sh_envelope_header *header)
{
    sh_error error = {0};
    sh_err err = sh_envelope_peek(sh_http_body(exchange), header, &error);
    if (err == SH_E_LIMIT) {
        ingest_refuse(exchange, REFUSED_SIZE, NULL, error.message);
        return false;
    }
    if (err == SH_E_REFUSED) {
        if (header->node[0] == '\0')
            ingest_refuse_node_name(exchange, error.message);
        else
            ingest_refuse(exchange, REFUSED_PLUGIN_NAME, header->node, error.message);
        return false;
    }
    if (err != SH_OK) {
        ingest_refuse(exchange, REFUSED_ENVELOPE, NULL, error.message);
        return false;
    }
    return true;
}

/* Of an authorised node. Answers and returns false if it is refused. */
static bool check_clock(sh_http_exchange *exchange, const sh_envelope_header *header)
{
    int64_t skew_s = (header->time_ms - sh_clock_unix_ms()) / 1000;
    if (skew_s > SH_CLOCK_SKEW_MAX_S || skew_s < -SH_CLOCK_SKEW_MAX_S) {
        char message[160];
        (void)snprintf(message, sizeof message,
                       "The envelope's time is %" PRId64 " s off the hub's clock, %d s are "
                       "allowed: set the clocks (NTP)",
                       skew_s, SH_CLOCK_SKEW_MAX_S);
        ingest_refuse_node(exchange, REFUSED_CLOCK, header->node, message);
        return false;
    }
    return true;
}

/*
 * Finds the key with which this envelope must be sealed. Answers and returns false if it is sealed
 * with another one.
 */
static bool find_key(const ingest *in, sh_http_exchange *exchange, const ingest_caller *caller,
                     const sh_envelope_header *header, sh_node_key *ret)
{
    sh_error error = {0};
    sh_err err = SH_OK;
    if (caller->own != NULL)
        err = sh_node_record_find_key(caller->own, in->keys->credential_key, header->key_id,
                                      sh_clock_unix_ms(), ret, &error);
    else
        sh_node_key_derive(in->keys->passphrase_key, sh_slice_of(header->node), ret);
    if (err == SH_OK && memcmp(ret->id, header->key_id, sizeof ret->id) == 0)
        return true;
    sh_wipe(ret, sizeof *ret);
    if (err != SH_OK && err != SH_E_NOT_FOUND)
        ingest_unavailable(exchange, UNAVAILABLE_CREDENTIALS, header->node, error.message);
    else if (caller->own != NULL)
        ingest_refuse_node(
            exchange, REFUSED_KEY, header->node,
            "The payload cannot be opened with this node's own key: SYNC_encryption_key "
            "must be the one that came with its token");
    else
        ingest_refuse_node(
            exchange, REFUSED_KEY, header->node,
            "The payload cannot be opened with the hub's key: SYNC_encryption_key must be "
            "the same on node and hub");
    return false;
}

/*
 * All entries in the queue are sealed with the hub's key, so that they can be merged after the
 * node's key was rotated or revoked. An envelope of the shared key is queued as it is.
 */
static sh_err verify_or_reseal(const ingest *in, ingest_push *push, const sh_node_key *key,
                               sh_error *error)
{
    sh_slice body = sh_http_body(push->exchange);
    if (push->caller.own == NULL)
        return sh_envelope_verify(body, &push->header, key, error);
    sh_node_key hub_key;
    sh_node_key_derive(in->keys->passphrase_key, sh_slice_of(push->header.node), &hub_key);
    sh_err err = sh_envelope_reseal(body, &push->header, &(sh_reseal_keys){key, &hub_key},
                                    &push->sealed, error);
    sh_wipe(&hub_key, sizeof hub_key);
    return err;
}

/*
 * Verifies integrity and origin; merge decompresses and checks the content. Answers and returns
 * false if the envelope is refused.
 */
static bool seal_for_queue(const ingest *in, ingest_push *push, const sh_node_key *key)
{
    sh_error error = {0};
    sh_err err = verify_or_reseal(in, push, key, &error);
    if (err == SH_E_CRYPTO)
        ingest_refuse_node(push->exchange, REFUSED_ALTERED, push->header.node, error.message);
    else if (err != SH_OK)
        ingest_failed(push->exchange, push->header.node, &error);
    return err == SH_OK;
}

ingest_state ingest_native_open(const ingest *in, ingest_push *push)
{
    sh_http_exchange *exchange = push->exchange;
    sh_envelope_header *header = &push->header;
    sh_node_key key;
    if (!check_header(exchange, header) ||
        !ingest_authorise(in, exchange, &push->caller, header->node) ||
        !check_clock(exchange, header))
        return INGEST_ANSWERED;
    if (!sh_http_is_exclusive(exchange) && push->caller.own != NULL &&
        !ingest_claim(exchange, header->node, sh_http_body(exchange).len))
        return INGEST_ANSWERED;
    if (!find_key(in, exchange, &push->caller, header, &key))
        return INGEST_ANSWERED;
    bool good = seal_for_queue(in, push, &key);
    sh_wipe(&key, sizeof key);
    push->text_len = header->plain_len;
    push->put.envelope = push->sealed.len > 0 ? (sh_slice){push->sealed.data, push->sealed.len}
                                              : sh_http_body(exchange);
    return good ? INGEST_PUTS : INGEST_ANSWERED;
}

void ingest_native_done(const ingest *in, const ingest_push *push)
{
    const sh_envelope_header *header = &push->header;
    bool queued = push->put.put == SH_PUT_QUEUED;
    name_index_add(in->names, header->node);
    /* A duplicate may be a replay. */
    bool is_shared = queued && node_reports_contact(push->exchange, header->node, false);
    sh_metric_add(queued ? &hub_metrics.pushes_queued : &hub_metrics.pushes_duplicate, 1);
    sh_log_event(SH_LOG_INFO,
                 SH_LOG_FIELDS(SH_LOG_NODE(header->node), SH_LOG_PLUGIN(header->plugin),
                               SH_LOG_NUMBER("text", push->text_len),
                               SH_LOG_BYTES(push->put.envelope.len)),
                 "%s", queued ? "queued" : "duplicate");
    const ingest_success success = {.code = queued ? 202 : 200,
                                    .status = queued ? "queued" : "duplicate",
                                    .id = header->id,
                                    .is_shared = is_shared};
    ingest_reply_success(push->exchange, &success);
}
