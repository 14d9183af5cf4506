/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/ingest/ingest_flush.h"

#include "libcommon/base/cleanup.h"
#include "libcommon/base/clock.h"
#include "receiver/ingest/ingest_native.h"
#include "receiver/ingest/ingest_netalertx.h"
#include "receiver/ingest/ingest_question.h"
#include "receiver/ingest/ingest_refusal.h"

#include <assert.h>
#include <string.h>

#define STALE_TRIES 5 /* changes of credentials during one push before it is answered 503 */

_Static_assert(SH_HTTP_TOGETHER_MAX <= SH_QUEUE_AT_ONCE, "what comes together goes at once");

/* The credentials changed meanwhile: identify and authorise the caller again. */
static void check_again(const ingest *in, ingest_push *push)
{
    bool good = false;
    if (push->tries++ < STALE_TRIES) {
        good = ingest_authenticate(in, push->exchange, true, &push->caller) &&
               ingest_authorise(in, push->exchange, &push->caller, push->header.node);
    } else {
        ingest_unavailable(push->exchange, UNAVAILABLE_CREDENTIALS, push->header.node,
                           "the nodes' credentials change without end");
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
            newcomers_count(in->newcomers);
        if (push->netalertx)
            ingest_netalertx_done(in, push);
        else
            ingest_native_done(in, push);
        push->state = INGEST_ANSWERED;
    }
}

static void put_all(const ingest *in, sh_queue *queue, ingest_push pushes[], size_t count)
{
    sh_queue_put_item *items[SH_QUEUE_AT_ONCE];
    ingest_push *of[SH_QUEUE_AT_ONCE];
    size_t puts = 0;
    for (size_t i = 0; i < count; i++) {
        if (pushes[i].state != INGEST_PUTS)
            continue;
        pushes[i].put.header = &pushes[i].header;
        pushes[i].put.mode = "push";
        pushes[i].put.newcomer = pushes[i].caller.own != NULL        ? SH_NEWCOMER_ALWAYS
                                 : newcomers_may_come(in->newcomers) ? SH_NEWCOMER_YES
                                                                     : SH_NEWCOMER_NO;
        pushes[i].put.nodes_version = credential_snapshot_version(pushes[i].caller.view);
        sh_error_clear(&pushes[i].put.error);
        of[puts] = &pushes[i];
        items[puts++] = &pushes[i].put;
    }
    if (puts == 0)
        return;
    sh_queue_put_each(queue, items, puts);
    for (size_t i = 0; i < puts; i++)
        put_done(in, of[i]);
}

static void ask_all(const ingest *in, sh_queue *queue, ingest_push pushes[], size_t count)
{
    sh_queue_question *questions[SH_QUEUE_AT_ONCE];
    ingest_push *of[SH_QUEUE_AT_ONCE];
    size_t asks = 0;
    for (size_t i = 0; i < count; i++) {
        if (pushes[i].state != INGEST_ASKS)
            continue;
        pushes[i].question.node = pushes[i].header.node;
        of[asks] = &pushes[i];
        questions[asks++] = &pushes[i].question;
    }
    if (asks == 0)
        return;
    char version[SH_NODES_VERSION_BYTES];
    sh_error error = {0};
    sh_err err = sh_queue_ask_each(queue, questions, asks, version, &error);
    for (size_t i = 0; i < asks; i++) {
        if (err != SH_OK) {
            queue_failed(in, of[i], &error);
        } else if (strcmp(version, credential_snapshot_version(of[i]->caller.view)) != 0) {
            check_again(in, of[i]);
        } else {
            of[i]->state = INGEST_ANSWERED;
            ingest_question_answer(in, of[i]);
        }
    }
}

static bool waits(const ingest_push *push)
{
    return push->state == INGEST_ASKS || push->state == INGEST_PUTS;
}

/* One exchange with Redis for all pushes. */
static void flush_once(const ingest *in, ingest_push pushes[], size_t count)
{
    sh_error error = {0};
    SH_CLEANUP(queue_loan_end) queue_loan loan = {0};
    if (queue_loan_begin(in->queues, &loan, &error) == SH_OK) {
        (void)name_index_load(in->names, loan.queue, NULL); /* once, or at the next time */
        ask_all(in, loan.queue, pushes, count);
        put_all(in, loan.queue, pushes, count);
        return;
    }
    for (size_t i = 0; i < count; i++)
        if (waits(&pushes[i]))
            queue_failed(in, &pushes[i], &error);
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
