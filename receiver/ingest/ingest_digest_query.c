/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/ingest/ingest_digest_query.h"

#include "libcommon/base/buffer.h"
#include "libcommon/base/cleanup.h"
#include "libcommon/base/clock.h"
#include "libcommon/base/hex.h"
#include "libcommon/base/limits.h"
#include "libcommon/base/node_name.h"
#include "libcommon/base/percent.h"
#include "libcommon/runtime/log.h"
#include "receiver/hub/hub_metrics.h"
#include "receiver/ingest/ingest_error_answers.h"
#include "receiver/ingest/ingest_success_answers.h"
#include "receiver/ingest/node_reports.h"

#include <string.h>

/* Reads the name in Sync-Hub-Node. Answers and returns false if it is invalid. */
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

ingest_state ingest_digest_query_read(const ingest *in, ingest_push *push, bool *asks)
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

bool ingest_digest_query_is_all(const sh_http_exchange *exchange)
{
    const char *length = sh_http_header(exchange, "Content-Length");
    return length != NULL && strcmp(length, "0") == 0;
}

/*
 * A question without a table behind it is a contact, too. Redis decides whether a node that this
 * process does not know is accepted. Returns whether its name is shared.
 */
static bool note_heartbeat(const ingest *in, const ingest_push *push)
{
    const char *node = push->header.node;
    if (name_index_knows(in->names, node)) {
        last_contact_note(in->contacts, node);
        return node_reports_contact(push->exchange, node, false);
    }
    if (push->caller.own != NULL || new_node_rate_may_come(in->new_node_rate)) {
        new_node_rate_count(in->new_node_rate);
        node_reports_newcomer(push->exchange, node);
    }
    return false;
}

/* After a day the table is sent in full, and merge checks it again. */
static bool is_recent(int64_t unix_ms)
{
    int64_t age_ms = sh_clock_unix_ms() - unix_ms;
    return unix_ms > 0 && age_ms >= 0 && age_ms < SH_FULL_TABLE_INTERVAL_S * 1000LL;
}

void ingest_digest_query_answer(const ingest *in, ingest_push *push)
{
    const sh_queue_question *known = &push->question;
    ingest_success success = {.code = 200, .status = "unchanged"};
    bool same = memcmp(known->digest, push->header.digest, SH_DIGEST_BYTES) == 0;
    if (same && is_recent(known->refused_ms)) {
        ingest_refuse_node(push->exchange, REFUSED_CONTENT, push->header.node, known->refused);
    } else if (same && is_recent(known->merged_ms)) {
        last_contact_note(in->contacts, push->header.node);
        success.is_shared = node_reports_contact(push->exchange, push->header.node, false);
        name_index_add(in->names, push->header.node);
        sh_metric_add(&hub_metrics.pushes_unchanged, 1);
        sh_log_event(SH_LOG_DEBUG, SH_LOG_FIELDS(SH_LOG_NODE(push->header.node)), "unchanged");
        ingest_reply_success(push->exchange, &success);
    } else if (ingest_digest_query_is_all(push->exchange)) {
        success.status = "changed";
        success.is_shared = note_heartbeat(in, push);
        ingest_reply_success(push->exchange, &success);
    }
}
