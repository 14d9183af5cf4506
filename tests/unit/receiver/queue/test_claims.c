/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/put_one.h"
#include "tests/unit/with_queue.h"

#include "libcommon/queue/queue.h"

#include <stdio.h>
#include <string.h>

/* Entries that stay with who has them, and dead letters that stay. */

static sh_envelope_header header_of(const char *node, uint8_t id)
{
    sh_envelope_header header = {.kind = SH_KIND_DEVICES, .parts = 1};
    (void)snprintf(header.node, sizeof header.node, "%s", node);
    memset(header.id, id, sizeof header.id);
    return header;
}

static sh_put put(sh_queue *queue, const char *node, uint8_t id, const char *content)
{
    sh_error error = {0};
    sh_put result = SH_PUT_QUEUED;
    sh_envelope_header header = header_of(node, id);
    assert_int_equal(put_one(queue, sh_slice_of(content), &header, &result, &error), SH_OK);
    return result;
}

static sh_queue_batch *take(sh_queue *queue, const char *consumer, int64_t claim_idle_ms)
{
    sh_error error = {0};
    sh_queue_batch *batch = NULL;
    assert_int_equal(sh_queue_take(queue, consumer, 64, 1 << 20, 10, claim_idle_ms, &batch, &error),
                     SH_OK);
    return batch;
}

static void ack_all(sh_queue *queue, sh_queue_batch *batch)
{
    sh_error error = {0};
    for (size_t i = 0; i < sh_queue_batch_count(batch); i++) {
        sh_queue_done done = {.entry = sh_queue_batch_at(batch, i)};
        assert_int_equal(sh_queue_ack(queue, &done, 1, &error), SH_OK);
    }
    sh_queue_batch_free(batch);
}

static void entries_that_are_held_are_given_by_their_ids_alone(void **state)
{
    (void)state;
    sh_queue *queue = open_queue();
    sh_error error = {0};
    char ids[4][SH_QUEUE_ENTRY_ID_BYTES];
    const char *wanted[4];
    for (uint8_t i = 0; i < 4; i++)
        (void)put(queue, "n", i, "x");
    sh_queue_batch *batch = take(queue, "c", 60000);
    for (size_t i = 0; i < 4; i++) {
        (void)snprintf(ids[i], sizeof ids[i], "%s", sh_queue_batch_at(batch, i)->id);
        wanted[i] = ids[i];
    }
    sh_queue_done done = {.entry = sh_queue_batch_at(batch, 1)};
    assert_int_equal(sh_queue_ack(queue, &done, 1, &error), SH_OK);
    sh_queue_hold(queue, 3);
    sh_queue_batch_free(batch);
    batch = take(queue, "c", 60000);
    assert_int_equal(sh_queue_batch_count(batch), 0);
    sh_queue_batch_free(batch);
    /* The second one is gone; two reach the bytes. */
    assert_int_equal(sh_queue_fetch(queue, wanted, 4, 1 << 20, &batch, &error), SH_OK);
    assert_int_equal(sh_queue_batch_count(batch), 3);
    assert_string_equal(sh_queue_batch_at(batch, 1)->id, ids[2]);
    assert_true(sh_slice_equals(sh_queue_batch_at(batch, 0)->envelope, SH_SLICE("x")));
    sh_queue_batch_free(batch);
    assert_int_equal(sh_queue_fetch(queue, wanted, 4, 1, &batch, &error), SH_OK);
    assert_int_equal(sh_queue_batch_count(batch), 1);
    ack_all(queue, batch);
    assert_int_equal(redis_ask(&server, "XLEN t:ingest"), 2);
    /* A receiver that starts again is given them all, each once, though it holds the first. */
    sh_queue *again = open_queue();
    batch = take(again, "c", 60000);
    assert_int_equal(sh_queue_batch_count(batch), 2);
    sh_queue_hold(again, 2);
    sh_queue_batch_free(batch);
    batch = take(again, "c", 60000);
    assert_int_equal(sh_queue_batch_count(batch), 0);
    sh_queue_batch_free(batch);
    sh_queue_free(again);
    sh_queue_free(queue);
}

/* Whether another consumer is given what the first one holds, after it was idle for so long. */
static bool is_claimed(sh_queue *other, int64_t idle_ms)
{
    sh_queue_batch *batch = take(other, "d", idle_ms);
    bool claimed = sh_queue_batch_count(batch) > 0;
    sh_queue_hold(other, sh_queue_batch_count(batch));
    sh_queue_batch_free(batch);
    return claimed;
}

static void a_claim_that_is_renewed_is_not_taken_over(void **state)
{
    (void)state;
    sh_queue *queue = open_queue();
    sh_queue *other = open_queue();
    sh_error error = {0};
    (void)put(queue, "n", 1, "x");
    sh_queue_batch *batch = take(queue, "c", 60000);
    /* As if it were held for an hour. */
    char text[128];
    (void)snprintf(text, sizeof text, "XCLAIM t:ingest receivers c 0 %s IDLE 3600000 JUSTID",
                   sh_queue_batch_at(batch, 0)->id);
    freeReplyObject(redisCommand(server.look, text));
    assert_int_equal(sh_queue_claims_renew(queue, "c", &error), SH_OK);
    assert_false(is_claimed(other, 60000));
    freeReplyObject(redisCommand(server.look, text));
    sh_queue_free(other);
    other = open_queue(); /* one that has not looked yet */
    assert_true(is_claimed(other, 60000));
    /* A clean end lets others take over at once. */
    assert_int_equal(sh_queue_consumer_end(other, "d", &error), SH_OK);
    sh_queue_hold(queue, 1);
    sh_queue_batch_free(batch);
    sh_queue_free(queue);
    queue = open_queue();
    batch = take(queue, "e", 86400000);
    assert_int_equal(sh_queue_batch_count(batch), 1);
    assert_int_equal(sh_queue_batch_at(batch, 0)->deliveries, 3); /* renewing counts none */
    ack_all(queue, batch);
    sh_queue_free(other);
    sh_queue_free(queue);
}

static int64_t consumers(void)
{
    redisReply *reply = redisCommand(server.look, "XINFO CONSUMERS t:ingest receivers");
    int64_t count = (int64_t)reply->elements;
    freeReplyObject(reply);
    return count;
}

static void consumers_that_are_gone_and_hold_nothing_are_forgotten(void **state)
{
    (void)state;
    sh_queue *queue = open_queue();
    sh_error error = {0};
    (void)put(queue, "n", 1, "x");
    sh_queue_batch_free(take(queue, "holds one", 60000));
    for (int i = 0; i < 50; i++) {
        char name[32];
        (void)snprintf(name, sizeof name, "gone-%d", i);
        sh_queue *gone = open_queue();
        sh_queue_batch_free(take(gone, name, 60000));
        sh_queue_free(gone);
    }
    assert_int_equal(consumers(), 51);
    assert_int_equal(sh_queue_consumers_tidy(queue, 3600000, &error), SH_OK);
    assert_int_equal(consumers(), 51);
    assert_int_equal(sh_queue_consumers_tidy(queue, -1, &error), SH_OK);
    assert_int_equal(consumers(), 1);
    sh_queue_free(queue);
}

static sh_err bury_this(sh_queue *queue, uint8_t id, bool keep, sh_queue_dropped *dropped)
{
    sh_error error = {0};
    char content[SH_ENVELOPE_FIXED_BYTES + 2];
    memset(content, 'x', sizeof content - 1);
    content[sizeof content - 1] = '\0';
    content[6] = 1; /* the node's name is one byte */
    content[SH_ENVELOPE_FIXED_BYTES] = (char)('A' + id);
    assert_int_equal(put(queue, "n", id, content), SH_PUT_QUEUED);
    sh_queue_batch *batch = take(queue, "c", 60000);
    const sh_queue_burial burial = {.reason = "a reason", .keep = keep};
    sh_err err = sh_queue_bury(queue, sh_queue_batch_at(batch, 0), &burial, dropped, &error);
    sh_queue_batch_free(batch);
    return err;
}

static void bury_next(sh_queue *queue, uint8_t id, sh_queue_dropped *dropped)
{
    assert_int_equal(bury_this(queue, id, false, dropped), SH_OK);
}

static void dead_letters_that_are_a_fault_of_the_hub_are_never_dropped(void **state)
{
    (void)state;
    sh_queue *queue = open_queue();
    sh_queue_dropped dropped = {0};
    assert_int_equal(bury_this(queue, 0, true, &dropped), SH_OK);
    bury_next(queue, 1, &dropped);
    char command[64]; /* as if these two had all the room */
    (void)snprintf(command, sizeof command, "SET t:dead:bytes %lu", SH_DEAD_BYTES_MAX);
    freeReplyObject(redisCommand(server.look, command));
    /* The oldest is passed over. */
    bury_next(queue, 2, &dropped);
    assert_int_equal(dropped.count, 1);
    assert_string_equal(dropped.node, "B");
    assert_int_equal(redis_ask(&server, "XLEN t:dead"), 2);
    /* One that must not be lost takes the place of one that may. */
    assert_int_equal(bury_this(queue, 7, true, &dropped), SH_OK);
    assert_string_equal(dropped.node, "C");
    assert_int_equal(redis_ask(&server, "XLEN t:dead"), 2);
    /* Where none may, it stays where it is. */
    assert_int_equal(bury_this(queue, 3, true, &dropped), SH_E_BUSY);
    assert_int_equal(dropped.count, 0);
    assert_int_equal(redis_ask(&server, "XLEN t:dead"), 2);
    assert_int_equal(redis_ask(&server, "XLEN t:ingest"), 1);
    assert_int_equal(redis_ask(&server, "GET t:dead:bytes"), SH_DEAD_BYTES_MAX);
    assert_int_equal(redis_ask(&server, "EXISTS t:dead:held"), 0);
    freeReplyObject(redisCommand(server.look, "SET t:dead:bytes 300"));
    sh_queue_batch *batch = take(queue, "c", 60000);
    const sh_queue_burial burial = {.reason = "x", .keep = true};
    assert_int_equal(sh_queue_bury(queue, sh_queue_batch_at(batch, 0), &burial, &dropped, NULL),
                     SH_OK);
    sh_queue_batch_free(batch);
    /* Behind many that must not be lost it is the new one that goes. */
    freeReplyObject(redisCommand(server.look, "EVAL %s 1 t:dead",
                                 "for i = 1, 1200 do redis.call('XADD', KEYS[1], '*', 'e', 'x', "
                                 "'m', 'push', 'i', '1-1', 'r',"
                                 " 'x', 'k', '1') end"));
    bury_next(queue, 4, &dropped);
    int64_t before = redis_ask(&server, "XLEN t:dead");
    freeReplyObject(redisCommand(server.look, command));
    bury_next(queue, 5, &dropped);
    assert_int_equal(dropped.count, 1);
    assert_string_equal(dropped.node, "F");
    assert_int_equal(redis_ask(&server, "XLEN t:dead"), before);
    sh_queue_free(queue);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(entries_that_are_held_are_given_by_their_ids_alone, empty),
        cmocka_unit_test_setup(a_claim_that_is_renewed_is_not_taken_over, empty),
        cmocka_unit_test_setup(consumers_that_are_gone_and_hold_nothing_are_forgotten, empty),
        cmocka_unit_test_setup(dead_letters_that_are_a_fault_of_the_hub_are_never_dropped, empty),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
