/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/ingest/ingest_flush.h"

#include "libcommon/base/cleanup.h"
#include "libcommon/base/limits.h"
#include "receiver/ingest/ingest_digest_query.h"
#include "receiver/ingest/ingest_error_answers.h"
#include "receiver/ingest/ingest_native.h"
#include "receiver/ingest/ingest_netalertx.h"
#include "receiver/ingest/node_reports.h"

#include <assert.h>
#include <string.h>

#define STALE_TRIES 5 /* changes of credentials during one push before it is answered 503 */
/*
 * More is sent by an exchange of its own, for which no other push waits; and so are questions
 * alone, which need not wait until Redis has written others' puts to disk.
 */
#define TOGETHER_BYTES_MAX SH_MIB

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

static bool waits(const ingest_push *push)
{
    return push->state == INGEST_ASKS || push->state == INGEST_PUTS;
}

/* The pushes of one thread in an exchange with Redis, and the results for all of them. */
typedef struct {
    combiner_part part; /* first: the combiner knows only this */
    ingest_push *pushes;
    size_t count;
    sh_err err; /* of the whole exchange */
    sh_error error;
    sh_err asks_err;
    sh_error asks_error;
    char version[SH_NODES_VERSION_BYTES]; /* of the credentials, with the answers */
} flush_part;

/* The questions and puts of all parts. */
typedef struct {
    sh_queue_question *asks[SH_QUEUE_AT_ONCE];
    sh_queue_put_item *puts[SH_QUEUE_AT_ONCE];
    size_t asks_count, puts_count;
} flush_round;

static void begin_put(const ingest *in, ingest_push *push)
{
    push->put.header = &push->header;
    push->put.mode = "push";
    push->put.newcomer = push->caller.own != NULL                    ? SH_NEWCOMER_ALWAYS
                         : new_node_rate_may_come(in->new_node_rate) ? SH_NEWCOMER_YES
                                                                     : SH_NEWCOMER_NO;
    push->put.nodes_version = credential_snapshot_version(push->caller.snapshot);
    sh_error_clear(&push->put.error);
}

static void collect(const ingest *in, const flush_part *part, flush_round *round)
{
    for (size_t i = 0; i < part->count; i++) {
        ingest_push *push = &part->pushes[i];
        if (push->state == INGEST_ASKS) {
            push->question.node = push->header.node;
            round->asks[round->asks_count++] = &push->question;
        } else if (push->state == INGEST_PUTS) {
            begin_put(in, push);
            round->puts[round->puts_count++] = &push->put;
        }
    }
}

/* Returns the connection before it processes the answers, which may borrow another one. */
static sh_err exchange_with_redis(const ingest *in, const flush_round *round, flush_part *results,
                                  sh_error *error)
{
    SH_CLEANUP(queue_loan_end) queue_loan loan = {0};
    sh_err err = queue_loan_begin(in->queues, &loan, error);
    if (err != SH_OK)
        return err;
    (void)name_index_load(in->names, loan.queue, NULL); /* once, or at the next time */
    if (round->asks_count > 0)
        results->asks_err = sh_queue_ask_each(loan.queue, round->asks, round->asks_count,
                                              results->version, &results->asks_error);
    if (round->puts_count > 0)
        sh_queue_put_each(loan.queue, round->puts, round->puts_count);
    return SH_OK;
}

/* One exchange with Redis for the pushes of all parts; a combiner_call. */
static void exchange(const void *context, combiner_part *first)
{
    const ingest *in = context;
    flush_round round = {.asks_count = 0};
    flush_part results = {.err = SH_OK};
    for (combiner_part *part = first; part != NULL; part = part->next)
        collect(in, (const flush_part *)part, &round);
    results.err = exchange_with_redis(in, &round, &results, &results.error);
    for (combiner_part *part = first; part != NULL; part = part->next) {
        flush_part *one = (flush_part *)part;
        one->err = results.err;
        one->error = results.error;
        one->asks_err = results.asks_err;
        one->asks_error = results.asks_error;
        memcpy(one->version, results.version, sizeof one->version);
    }
}

static void ask_done(const ingest *in, const flush_part *part, ingest_push *push)
{
    if (part->asks_err != SH_OK) {
        queue_failed(in, push, &part->asks_error);
    } else if (strcmp(part->version, credential_snapshot_version(push->caller.snapshot)) != 0) {
        check_again(in, push);
    } else {
        push->state = INGEST_ANSWERED;
        ingest_digest_query_answer(in, push);
    }
}

/* Those that need another exchange keep their state. */
static void answer_each(const ingest *in, const flush_part *part)
{
    for (size_t i = 0; i < part->count; i++) {
        ingest_push *push = &part->pushes[i];
        if (!waits(push))
            continue;
        if (part->err != SH_OK)
            queue_failed(in, push, &part->error);
        else if (push->state == INGEST_ASKS)
            ask_done(in, part, push);
        else
            put_done(in, push);
    }
}

void ingest_flush(const ingest *in, ingest_push pushes[], size_t count)
{
    assert(count <= SH_QUEUE_AT_ONCE);
    for (;;) {
        flush_part part = {.pushes = pushes, .count = count};
        size_t bytes = 0;
        for (size_t i = 0; i < count; i++) {
            part.part.weight += waits(&pushes[i]);
            if (pushes[i].state == INGEST_PUTS)
                bytes += pushes[i].put.envelope.len;
        }
        if (part.part.weight == 0)
            return;
        if (bytes > 0 && bytes <= TOGETHER_BYTES_MAX)
            combiner_run(in->exchanges, &part.part, exchange, in);
        else
            exchange(in, &part.part);
        answer_each(in, &part);
    }
}
