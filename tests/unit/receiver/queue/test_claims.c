/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/queue/claims.h"
#include "receiver/queue/server_facts.h"
#include "tests/unit/receiver/queue/queue_fixture.h"

/* Entries that stay with who has them, and dead letters that stay. */

static void entries_that_are_held_are_given_by_their_ids_alone(void **state)
{
    (void)state;
    test_queue *queue = open_test_queue();
    sh_error error = {0};
    char ids[4][QUEUE_ENTRY_ID_BYTES];
    const char *wanted[4];
    for (uint8_t i = 0; i < 4; i++)
        (void)put_text(queue, "n", i, "x");
    queue_batch *batch = take(queue, "c", 60000);
    for (size_t i = 0; i < 4; i++) {
        (void)snprintf(ids[i], sizeof ids[i], "%s", queue_batch_at(batch, i)->id);
        wanted[i] = ids[i];
    }
    queue_done done = {.entry = queue_batch_at(batch, 1)};
    assert_int_equal(queue_ack(queue->reader, &done, 1, &error), SH_OK);
    queue_reader_release(queue->reader, 3);
    queue_batch_free(batch);
    batch = take(queue, "c", 60000);
    assert_int_equal(queue_batch_count(batch), 0);
    queue_batch_free(batch);
    /* The second one no longer exists; two reach the limit in bytes. */
    assert_int_equal(
        queue_reader_fetch(queue->reader, &(queue_fetch){wanted, 4, 1 << 20}, &batch, &error),
        SH_OK);
    assert_int_equal(queue_batch_count(batch), 3);
    assert_string_equal(queue_batch_at(batch, 1)->id, ids[2]);
    assert_true(sh_slice_equals(queue_batch_at(batch, 0)->envelope, SH_SLICE("x")));
    queue_batch_free(batch);
    assert_int_equal(
        queue_reader_fetch(queue->reader, &(queue_fetch){wanted, 4, 1}, &batch, &error), SH_OK);
    assert_int_equal(queue_batch_count(batch), 1);
    ack_all(queue, batch);
    assert_int_equal(redis_ask(&server, "XLEN t:ingest"), 2);
    /* A restarted receiver gets all of them once, although it holds the first. */
    test_queue *again = open_test_queue();
    batch = take(again, "c", 60000);
    assert_int_equal(queue_batch_count(batch), 2);
    queue_reader_release(again->reader, 2);
    queue_batch_free(batch);
    batch = take(again, "c", 60000);
    assert_int_equal(queue_batch_count(batch), 0);
    queue_batch_free(batch);
    close_test_queue(again);
    close_test_queue(queue);
}

/* Whether another consumer gets the first one's entries after this idle time. */
static bool is_claimed(test_queue *other, int64_t idle_ms)
{
    queue_batch *batch = take(other, "d", idle_ms);
    bool claimed = queue_batch_count(batch) > 0;
    queue_reader_release(other->reader, queue_batch_count(batch));
    queue_batch_free(batch);
    return claimed;
}

static void a_claim_that_is_renewed_is_not_taken_over(void **state)
{
    (void)state;
    test_queue *queue = open_test_queue();
    test_queue *other = open_test_queue();
    sh_error error = {0};
    (void)put_text(queue, "n", 1, "x");
    queue_batch *batch = take(queue, "c", 60000);
    /* As if it were held for an hour. */
    char text[128];
    (void)snprintf(text, sizeof text, "XCLAIM t:ingest receivers c 0 %s IDLE 3600000 JUSTID",
                   queue_batch_at(batch, 0)->id);
    freeReplyObject(redisCommand(server.client, text));
    assert_int_equal(queue_claims_renew(queue->queue, "c", &error), SH_OK);
    assert_false(is_claimed(other, 60000));
    freeReplyObject(redisCommand(server.client, text));
    close_test_queue(other);
    other = open_test_queue(); /* one that has not read yet */
    assert_true(is_claimed(other, 60000));
    /* A clean end lets others take over at once. */
    assert_int_equal(queue_consumer_end(other->queue, "d", &error), SH_OK);
    queue_reader_release(queue->reader, 1);
    queue_batch_free(batch);
    close_test_queue(queue);
    queue = open_test_queue();
    batch = take(queue, "e", 86400000);
    assert_int_equal(queue_batch_count(batch), 1);
    assert_int_equal(queue_batch_at(batch, 0)->deliveries, 3); /* renewing counts none */
    ack_all(queue, batch);
    close_test_queue(other);
    close_test_queue(queue);
}

static int64_t consumers(void)
{
    redisReply *reply = redisCommand(server.client, "XINFO CONSUMERS t:ingest receivers");
    int64_t count = (int64_t)reply->elements;
    freeReplyObject(reply);
    return count;
}

static void consumers_that_are_gone_and_hold_nothing_are_forgotten(void **state)
{
    (void)state;
    test_queue *queue = open_test_queue();
    sh_error error = {0};
    (void)put_text(queue, "n", 1, "x");
    queue_batch_free(take(queue, "holds one", 60000));
    for (int i = 0; i < 50; i++) {
        char name[32];
        (void)snprintf(name, sizeof name, "gone-%d", i);
        test_queue *gone = open_test_queue();
        queue_batch_free(take(gone, name, 60000));
        close_test_queue(gone);
    }
    assert_int_equal(consumers(), 51);
    assert_int_equal(queue_consumers_delete_idle(queue->queue, 3600000, &error), SH_OK);
    assert_int_equal(consumers(), 51);
    assert_int_equal(queue_consumers_delete_idle(queue->queue, -1, &error), SH_OK);
    assert_int_equal(consumers(), 1);
    close_test_queue(queue);
}

static void activity_of_consumers_is_shown(void **state)
{
    (void)state;
    test_queue *queue = open_test_queue();
    char first[QUEUE_ACTIVITY_BYTES], second[QUEUE_ACTIVITY_BYTES];
    assert_int_equal(queue_activity_set(queue->queue, "a receiver", NULL), SH_OK);
    assert_int_equal(queue_activity_get(queue->queue, first, NULL), SH_OK);
    assert_string_equal(first, ""); /* no stream */
    (void)put_text(queue, "n", 1, "x");
    assert_int_equal(queue_activity_get(queue->queue, first, NULL), SH_OK);
    assert_string_equal(first, ""); /* no group */
    queue_batch_free(take(queue, "a receiver", 60000));
    assert_int_equal(queue_activity_get(queue->queue, first, NULL), SH_OK);
    assert_non_null(strstr(first, " a receiver"));
    assert_int_equal(queue_activity_get(queue->queue, second, NULL), SH_OK);
    assert_string_equal(first, second);
    assert_int_equal(queue_activity_set(queue->queue, "a receiver", NULL), SH_OK);
    assert_int_equal(queue_activity_get(queue->queue, second, NULL), SH_OK);
    assert_string_not_equal(first, second);
    close_test_queue(queue);
}

static void one_consumer_has_the_lease_on_metrics(void **state)
{
    (void)state;
    test_queue *queue = open_test_queue();
    bool holds = false;
    assert_int_equal(queue_metrics_lease_take(queue->queue, "a", &holds, NULL), SH_OK);
    assert_true(holds);
    (void)redis_ask(&server, "PEXPIRE t:metrics:lease 1000");
    assert_int_equal(queue_metrics_lease_take(queue->queue, "a", &holds, NULL), SH_OK);
    assert_true(holds && redis_ask(&server, "PTTL t:metrics:lease") > 1000);
    assert_int_equal(queue_metrics_lease_take(queue->queue, "b", &holds, NULL), SH_OK);
    assert_false(holds);
    assert_int_equal(queue_metrics_lease_end(queue->queue, "b", NULL), SH_OK);
    assert_int_equal(queue_metrics_lease_take(queue->queue, "b", &holds, NULL), SH_OK);
    assert_false(holds);
    assert_int_equal(queue_metrics_lease_end(queue->queue, "a", NULL), SH_OK);
    assert_int_equal(queue_metrics_lease_take(queue->queue, "b", &holds, NULL), SH_OK);
    assert_true(holds);
    close_test_queue(queue);
}

static void the_age_of_the_oldest_entry_is_told(void **state)
{
    (void)state;
    test_queue *queue = open_test_queue();
    int64_t age_ms = -1;
    assert_int_equal(queue_oldest_age(queue->queue, &age_ms, NULL), SH_OK);
    assert_int_equal(age_ms, 0);
    (void)redis_ask(&server, "XADD t:ingest 1000-1 e x m push"); /* in 1970 */
    (void)put_text(queue, "n", 1, "x");
    assert_int_equal(queue_oldest_age(queue->queue, &age_ms, NULL), SH_OK);
    assert_true(age_ms > INT64_C(50) * 365 * 24 * 3600 * 1000);
    (void)redis_ask(&server, "DEL t:ingest");
    (void)redis_ask(&server, "XADD t:ingest 99999999999999-1 e x m push"); /* the clock was ahead */
    assert_int_equal(queue_oldest_age(queue->queue, &age_ms, NULL), SH_OK);
    assert_int_equal(age_ms, 0);
    close_test_queue(queue);
}

static void dead_letters_that_are_a_fault_of_the_hub_are_never_dropped(void **state)
{
    (void)state;
    test_queue *queue = open_test_queue();
    queue_dropped dropped = {0};
    assert_int_equal(add_numbered_dead_letter(queue, 0, true, &dropped), SH_OK);
    add_next_dead_letter(queue, 1, &dropped);
    char command[64]; /* as if these two had all the room */
    (void)snprintf(command, sizeof command, "SET t:dead:bytes %lu", SH_DEAD_BYTES_MAX);
    freeReplyObject(redisCommand(server.client, command));
    /* The oldest is passed over. */
    add_next_dead_letter(queue, 2, &dropped);
    assert_int_equal(dropped.count, 1);
    assert_string_equal(dropped.node, "B");
    assert_int_equal(redis_ask(&server, "XLEN t:dead"), 2);
    /* An entry that must be kept replaces one that may be dropped. */
    assert_int_equal(add_numbered_dead_letter(queue, 7, true, &dropped), SH_OK);
    assert_string_equal(dropped.node, "C");
    assert_int_equal(redis_ask(&server, "XLEN t:dead"), 2);
    /* Where none may, it stays where it is. */
    assert_int_equal(add_numbered_dead_letter(queue, 3, true, &dropped), SH_E_BUSY);
    assert_int_equal(dropped.count, 0);
    assert_int_equal(redis_ask(&server, "XLEN t:dead"), 2);
    assert_int_equal(redis_ask(&server, "XLEN t:ingest"), 1);
    assert_int_equal(redis_ask(&server, "GET t:dead:bytes"), SH_DEAD_BYTES_MAX);
    assert_int_equal(redis_ask(&server, "EXISTS t:dead:held"), 0);
    freeReplyObject(redisCommand(server.client, "SET t:dead:bytes 300"));
    queue_batch *batch = take(queue, "c", 60000);
    const queue_rejection rejection = {.reason = "x", .keep = true};
    assert_int_equal(
        queue_dead_letter_add(queue->reader, queue_batch_at(batch, 0), &rejection, &dropped, NULL),
        SH_OK);
    queue_batch_free(batch);
    /* Behind many that must not be lost it is the new one that goes. */
    freeReplyObject(redisCommand(server.client, "EVAL %s 1 t:dead",
                                 "for i = 1, 1200 do redis.call('XADD', KEYS[1], '*', 'e', 'x', "
                                 "'m', 'push', 'i', '1-1', 'r',"
                                 " 'x', 'k', '1') end"));
    add_next_dead_letter(queue, 4, &dropped);
    int64_t before = redis_ask(&server, "XLEN t:dead");
    freeReplyObject(redisCommand(server.client, command));
    add_next_dead_letter(queue, 5, &dropped);
    assert_int_equal(dropped.count, 1);
    assert_string_equal(dropped.node, "F");
    assert_int_equal(redis_ask(&server, "XLEN t:dead"), before);
    close_test_queue(queue);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(entries_that_are_held_are_given_by_their_ids_alone, empty),
        cmocka_unit_test_setup(a_claim_that_is_renewed_is_not_taken_over, empty),
        cmocka_unit_test_setup(consumers_that_are_gone_and_hold_nothing_are_forgotten, empty),
        cmocka_unit_test_setup(activity_of_consumers_is_shown, empty),
        cmocka_unit_test_setup(one_consumer_has_the_lease_on_metrics, empty),
        cmocka_unit_test_setup(the_age_of_the_oldest_entry_is_told, empty),
        cmocka_unit_test_setup(dead_letters_that_are_a_fault_of_the_hub_are_never_dropped, empty),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
