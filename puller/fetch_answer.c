/* SPDX-License-Identifier: Apache-2.0 */
#include "puller/fetch_answer.h"

#include "libcommon/base/clock.h"
#include "libcommon/base/hex.h"
#include "libcommon/runtime/log.h"
#include "puller/answer_check.h"
#include "puller/fetch_request.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#define ETAG_AT strlen("If-None-Match: ")

/* Adopts the name in the node's answer. */
static void take_name(node_fetch *f, const char *name)
{
    bool known = strcmp(f->name, name) == 0;
    (void)snprintf(f->name, sizeof f->name, "%s", name);
    f->has_name = true;
    f->name_new = f->name_new || (!known && f->node->name[0] == '\0');
}

void pull_answer_written(void *context, const enqueue_batch_item *item, sh_err err, sh_put put,
                         const sh_error *error)
{
    pull_run *r = context;
    node_fetch *f = item->who;
    char id[SH_ID_HEX_BYTES];
    if (pull_run_note(r, err) != SH_OK) {
        f->is_hubs_fault = true;
        pull_run_fail(r, f, PULL_ERROR, error);
        return;
    }
    const reported_node node = pull_run_reported(r, f);
    pull_reports_good(&r->reports, &node);
    if (item->unchanged || put == SH_PUT_DUPLICATE) {
        sh_log_event(SH_LOG_DEBUG,
                     SH_LOG_FIELDS(SH_LOG_NODE(pull_run_name_of(f)), SH_LOG_URL(f->node->url)),
                     "unchanged");
        pull_run_advance(r, f, PULL_WRITTEN_BEFORE);
        return;
    }
    sh_hex_encode(item->header.id, SH_ID_BYTES, id);
    sh_log_event(SH_LOG_INFO,
                 SH_LOG_FIELDS(SH_LOG_NODE(pull_run_name_of(f)), SH_LOG_URL(f->node->url),
                               SH_LOG_ROWS(item->rows), SH_LOG_BYTES(item->envelope.len),
                               SH_LOG_ENTRY(id)),
                 "pulled");
    pull_run_advance(r, f, PULL_WRITTEN);
}

/* The batch may call pull_answer_written() during this call. */
static sh_err enqueue_table(pull_run *r, node_fetch *f, const puller_table *table, sh_error *error)
{
    pull_run_advance(r, f, PULL_ANSWERED);
    return enqueue_batch_add_table(&r->batch, f, table, f->node->name[0] != '\0', error);
}

static void enqueue_unchanged(pull_run *r, node_fetch *f)
{
    pull_run_advance(r, f, PULL_ANSWERED);
    enqueue_batch_add_unchanged(&r->batch, f, f->name);
}

static sh_err take_native(pull_run *r, node_fetch *f, const sh_http_answer *answer,
                          const puller_expected *expected, sh_error *error)
{
    puller_table table;
    sh_err err = puller_native_read(answer, expected, &table, error);
    if (err == SH_OK) {
        take_name(f, table.header.node);
        err = enqueue_table(r, f, &table, error);
    }
    puller_table_reset(&table);
    return err;
}

static sh_err seal_and_queue(pull_run *r, node_fetch *f, puller_table *table, sh_error *error)
{
    table->sealed = SH_BUF_INIT(SH_ENVELOPE_MAX);
    sh_random(table->header.id, sizeof table->header.id);
    table->header.time_ms = sh_clock_unix_ms();
    sh_err err =
        sh_envelope_seal(&table->header, &table->key, (sh_slice){table->text.data, table->text.len},
                         &table->sealed, error);
    if (err != SH_OK)
        return err;
    table->envelope = (sh_slice){table->sealed.data, table->sealed.len};
    return enqueue_table(r, f, table, error);
}

static sh_err take_netalertx(pull_run *r, node_fetch *f, const sh_http_answer *answer,
                             const puller_expected *expected, sh_error *error)
{
    puller_table table;
    bool cut;
    uint8_t digest[SH_DIGEST_BYTES];
    sh_error unknown = {.code = SH_OK};
    sh_err err = puller_netalertx_read(answer, expected, &table, &cut, error);
    if (err != SH_OK) {
        pull_run_fail(r, f, cut ? PULL_CUT : PULL_ERROR, error);
        puller_table_reset(&table);
        return SH_OK;
    }
    take_name(f, table.header.node);
    err = pull_run_recent_digest(r, f->name, digest, &unknown);
    if (err == SH_OK && memcmp(digest, table.header.digest, sizeof digest) == 0)
        enqueue_unchanged(r, f);
    else if (err == SH_OK || err == SH_E_NOT_FOUND)
        err = seal_and_queue(r, f, &table, error);
    else
        (void)sh_fail(error, err, "%s", unknown.message);
    puller_table_reset(&table);
    return err;
}

/* Handles an answer. An error ends the node's part; anything else has been handled. */
static sh_err take_answer(pull_run *r, node_fetch *f, const sh_http_answer *answer, sh_error *error)
{
    bool conditional = f->if_none_match[0] != '\0' && !pull_run_speaks_netalertx(r);
    puller_expected expected = {.credentials = pull_request_credentials(r),
                                .name = f->node->name,
                                .etag = conditional ? f->if_none_match + ETAG_AT : NULL};
    bool unchanged;
    if (r->redis_away)
        return sh_fail(error, SH_E_NETWORK, "fetched, but Redis (SYNC_redis_url) is down");
    if ((answer->status == 401 || answer->status == 403) && pull_request_next_token(r, f)) {
        pull_run_advance(r, f, PULL_TOKEN_REFUSED);
        return SH_OK;
    }
    sh_err err = puller_status_check(answer, &expected, &unchanged, error);
    if (err != SH_OK)
        return err;
    if (unchanged) {
        enqueue_unchanged(r, f);
        return SH_OK;
    }
    return pull_run_speaks_netalertx(r) ? take_netalertx(r, f, answer, &expected, error)
                                        : take_native(r, f, answer, &expected, error);
}

static void note_answer(node_fetch *f, const sh_http_answer *answer)
{
    bool own = strncmp(answer->server, "synchub-", 8) == 0;
    f->status = answer->status;
    (void)snprintf(f->agent, sizeof f->agent, "%s", own ? answer->server : "");
    static_assert(SH_NODE_PROBLEM_VALUE_MAX < sizeof answer->problem, "each value fits");
    (void)sh_node_problem_read(own ? answer->problem : "", &f->problem);
}

void pull_answer_done(void *context, size_t index, sh_err err, const sh_http_answer *answer,
                      const sh_error *failure)
{
    pull_run *r = context;
    node_fetch *f = r->asked[index];
    sh_error error = {.code = SH_OK};
    if (err == SH_OK)
        note_answer(f, answer);
    if (err != SH_OK)
        (void)sh_fail(&error, err, "%s", failure->message);
    else
        err = take_answer(r, f, answer, &error);
    if (err != SH_OK)
        pull_run_fail(r, f, PULL_ERROR, &error);
}

void pull_answer_idle(void *context)
{
    pull_run *r = context;
    enqueue_batch_flush(&r->batch);
}
