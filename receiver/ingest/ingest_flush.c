/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/ingest/ingest_flush.h"

#include "libcommon/base/cleanup.h"
#include "libcommon/base/clock.h"
#include "receiver/ingest/ingest_digest_query.h"
#include "receiver/ingest/ingest_error_answers.h"
#include "receiver/ingest/ingest_native.h"
#include "receiver/ingest/ingest_netalertx.h"
#include "receiver/ingest/node_reports.h"

#include <assert.h>
#include <string.h>

#define STALE_TRIES 5 /* changes of credentials during one push before it is answered 503 */

_Static_assert(SH_HTTP_TOGETHER_MAX <= SH_QUEUE_AT_ONCE, "a batch fits into one exchange");

/* The credentials changed meanwhile: identify and authorise the caller again. */
static void check_again(const ingest *in, ingest_push *push)
{
    bool good = false;
    if (push->tries++ < STALE_TRIES) {
        good = ingest_authenticate(in, push->exchange, true, &push->caller) &&
               ingest_authorise(in, push->exchange, &push->caller, push->header.node);
    } else {
        ingest_unavailable(push->exchange, UNAVAILABLE_CREDENTIALS, push->header.node,
                           "the nodes' credentials change too often");
    }
    if (!good)
        push->state = INGEST_ANSWERED;
}

static void queue_failed(const ingest *in, ingest_push *push, const sh_error *error)
{
    sh_queue_watch_doubt(in->watch);
    ingest_failed(push->exchange, push->header.node, error);
    push->state = INGEST_ANSWERED;
}

static void put_done(const ingest *in, ingest_push *push)
{
    if (push->put.err == SH_E_LIMIT || push->put.err == SH_E_REFUSED) {
        node_reports_problem(
            push->header.node, 503,
            sh_error_code_text(push->put.err == SH_E_LIMIT ? SH_CODE_SHARE : SH_CODE_NAMES),
            push->put.error.message);
        ingest_unavailable(push->exchange,
                           push->put.err == SH_E_LIMIT ? UNAVAILABLE_SHARE : UNAVAILABLE_NAMES,
                           push->header.node, push->put.error.message);
        push->state = INGEST_ANSWERED;
    } else if (push->put.err != SH_OK) {
        queue_failed(in, push, &push->put.error);
    } else if (push->put.put == SH_PUT_STALE) {
        check_again(in, push);
    } else {
        if (push->put.is_new_node)
            new_node_rate_count(in->new_node_rate);
        if (push->netalertx)
            ingest_netalertx_done(in, push);
        else
            ingest_native_done(in, push);
        push->state = INGEST_ANSWERED;
    }
}

/* The questions and puts of one exchange with Redis, and their results. */
typedef struct {
    ingest_push *asks[SH_QUEUE_AT_ONCE], *puts[SH_QUEUE_AT_ONCE];
    size_t asks_count, puts_count;
    sh_err asks_err;
    sh_error asks_error;
    char version[SH_NODES_VERSION_BYTES]; /* of the credentials, with the answers */
} flush_round;

static bool waits(const ingest_push *push)
{
    return push->state == INGEST_ASKS || push->state == INGEST_PUTS;
}

static void put_each(const ingest *in, sh_queue *queue, flush_round *round)
{
    sh_queue_put_item *items[SH_QUEUE_AT_ONCE];
    for (size_t i = 0; i < round->puts_count; i++) {
        ingest_push *push = round->puts[i];
        push->put.header = &push->header;
        push->put.mode = "push";
        push->put.newcomer = push->caller.own != NULL                    ? SH_NEWCOMER_ALWAYS
                             : new_node_rate_may_come(in->new_node_rate) ? SH_NEWCOMER_YES
                                                                         : SH_NEWCOMER_NO;
        push->put.nodes_version = credential_snapshot_version(push->caller.snapshot);
        sh_error_clear(&push->put.error);
        items[i] = &push->put;
    }
    if (round->puts_count > 0)
        sh_queue_put_each(queue, items, round->puts_count);
}

static void ask_each(sh_queue *queue, flush_round *round)
{
    sh_queue_question *questions[SH_QUEUE_AT_ONCE];
    for (size_t i = 0; i < round->asks_count; i++) {
        ingest_push *push = round->asks[i];
        push->question.node = push->header.node;
        questions[i] = &push->question;
    }
    if (round->asks_count > 0)
        round->asks_err = sh_queue_ask_each(queue, questions, round->asks_count, round->version,
                                            &round->asks_error);
}

static void ask_done(const ingest *in, const flush_round *round, ingest_push *push)
{
    if (round->asks_err != SH_OK) {
        queue_failed(in, push, &round->asks_error);
    } else if (strcmp(round->version, credential_snapshot_version(push->caller.snapshot)) != 0) {
        check_again(in, push);
    } else {
        push->state = INGEST_ANSWERED;
        ingest_digest_query_answer(in, push);
    }
}

/* Returns the connection before it processes the answers, which may borrow another one. */
static sh_err exchange_with_redis(const ingest *in, flush_round *round, sh_error *error)
{
    SH_CLEANUP(queue_loan_end) queue_loan loan = {0};
    sh_err err = queue_loan_begin(in->queues, &loan, error);
    if (err != SH_OK)
        return err;
    (void)name_index_load(in->names, loan.queue, NULL); /* once, or at the next time */
    ask_each(loan.queue, round);
    put_each(in, loan.queue, round);
    return SH_OK;
}

/* One exchange with Redis for all pushes. */
static void flush_once(const ingest *in, ingest_push pushes[], size_t count)
{
    sh_error error = {0};
    flush_round round = {.asks_count = 0};
    for (size_t i = 0; i < count; i++) {
        if (pushes[i].state == INGEST_ASKS)
            round.asks[round.asks_count++] = &pushes[i];
        else if (pushes[i].state == INGEST_PUTS)
            round.puts[round.puts_count++] = &pushes[i];
    }
    if (exchange_with_redis(in, &round, &error) != SH_OK) {
        for (size_t i = 0; i < count; i++)
            if (waits(&pushes[i]))
                queue_failed(in, &pushes[i], &error);
        return;
    }
    for (size_t i = 0; i < round.asks_count; i++)
        ask_done(in, &round, round.asks[i]);
    for (size_t i = 0; i < round.puts_count; i++)
        put_done(in, round.puts[i]);
}

void ingest_flush(const ingest *in, ingest_push pushes[], size_t count)
{
    assert(count <= SH_QUEUE_AT_ONCE);
    for (size_t i = 0; i < count;) {
        if (waits(&pushes[i]))
            flush_once(in, pushes, count);
        else
            i++;
    }
}
