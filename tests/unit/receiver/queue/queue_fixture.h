/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_QUEUE_FIXTURE_H
#define TESTS_QUEUE_FIXTURE_H

#include "receiver/queue/dead_letter_add.h"
#include "receiver/queue/queue_outcome.h"
#include "tests/put_one.h"
#include "tests/unit/with_queue.h"

#include <stdio.h>
#include <string.h>

/* A queue and one consumer of it, as a receiver has them. */
typedef struct {
    sh_queue *queue;
    queue_reader *reader; /* created at the first take */
    char consumer[32];
} test_queue;

static inline test_queue *open_test_queue(void)
{
    test_queue *q = test_calloc(1, sizeof *q);
    q->queue = open_queue();
    return q;
}

static inline void close_test_queue(test_queue *q)
{
    queue_reader_free(q->reader);
    sh_queue_free(q->queue);
    test_free(q);
}

static inline queue_reader *reader_of(test_queue *q, const char *consumer, int64_t claim_idle_ms)
{
    if (q->reader == NULL) {
        (void)snprintf(q->consumer, sizeof q->consumer, "%s", consumer);
        assert_int_equal(queue_reader_new(q->queue, q->consumer, claim_idle_ms, &q->reader, NULL),
                         SH_OK);
    }
    assert_string_equal(q->consumer, consumer);
    return q->reader;
}

static inline queue_batch *take_up_to(test_queue *q, const char *consumer, int64_t claim_idle_ms,
                                      size_t bytes_max)
{
    const queue_limits limits = {.entries_max = 64, .bytes_max = bytes_max, .block_ms = 10};
    sh_error error = {0};
    queue_batch *batch = NULL;
    if (queue_reader_take(reader_of(q, consumer, claim_idle_ms), &limits, &batch, &error) != SH_OK)
        fail_msg("%s", error.message);
    return batch;
}

static inline queue_batch *take(test_queue *q, const char *consumer, int64_t claim_idle_ms)
{
    return take_up_to(q, consumer, claim_idle_ms, 1 << 20);
}

static inline void ack_all(test_queue *q, queue_batch *batch)
{
    for (size_t i = 0; i < queue_batch_count(batch); i++) {
        queue_done done = {.entry = queue_batch_at(batch, i)};
        assert_int_equal(queue_ack(q->reader, &done, 1, NULL), SH_OK);
    }
    queue_batch_free(batch);
}

static inline sh_envelope_header header_of(const char *node, uint8_t id)
{
    sh_envelope_header header = {.kind = SH_KIND_DEVICES, .parts = 1};
    (void)snprintf(header.node, sizeof header.node, "%s", node);
    memset(header.id, id, sizeof header.id);
    return header;
}

static inline sh_put put_text(test_queue *q, const char *node, uint8_t id, const char *content)
{
    sh_error error = {0};
    sh_put result = SH_PUT_QUEUED;
    sh_envelope_header header = header_of(node, id);
    assert_int_equal(put_one(q->queue, sh_slice_of(content), &header, &result, &error), SH_OK);
    return result;
}

/* Puts an item of a node named after the number, and makes it the newest dead letter. */
static inline sh_err add_numbered_dead_letter(test_queue *queue, uint8_t id, bool keep,
                                              queue_dropped *dropped)
{
    sh_error error = {0};
    char content[SH_ENVELOPE_FIXED_BYTES + 2];
    memset(content, 'x', sizeof content - 1);
    content[sizeof content - 1] = '\0';
    content[6] = 1; /* the node's name is one byte */
    content[SH_ENVELOPE_FIXED_BYTES] = (char)('A' + id);
    assert_int_equal(put_text(queue, "n", id, content), SH_PUT_QUEUED);
    queue_batch *batch = take(queue, "c", 60000);
    const queue_rejection rejection = {.reason = "a reason", .keep = keep};
    sh_err err =
        queue_dead_letter_add(queue->reader, queue_batch_at(batch, 0), &rejection, dropped, &error);
    queue_batch_free(batch);
    return err;
}

static inline void add_next_dead_letter(test_queue *queue, uint8_t id, queue_dropped *dropped)
{
    assert_int_equal(add_numbered_dead_letter(queue, id, false, dropped), SH_OK);
}

#endif
