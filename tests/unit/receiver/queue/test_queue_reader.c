/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/base/clock.h"
#include "receiver/queue/backlog_by_node.h"
#include "receiver/queue/claims.h"
#include "receiver/queue/queue_digests.h"
#include "tests/unit/receiver/queue/queue_fixture.h"

static const queue_rejection a_reason = {.reason = "a reason"};

static void what_is_put_is_taken_in_order_and_gone_after_the_acknowledgement(void **state)
{
    (void)state;
    test_queue *queue = open_test_queue();
    for (uint8_t i = 0; i < 20; i++) {
        char content[16];
        (void)snprintf(content, sizeof content, "envelope %02u", i);
        assert_int_equal(put_text(queue, "n", i, content), SH_PUT_QUEUED);
    }
    assert_int_equal(redis_ask(&server, "GET t:bytes"), 20 * 11);
    queue_batch *batch = take(queue, "c", 60000);
    assert_int_equal(queue_batch_count(batch), 20);
    for (size_t i = 0; i < 20; i++) {
        char content[16];
        (void)snprintf(content, sizeof content, "envelope %02zu", i);
        const queue_entry *entry = queue_batch_at(batch, i);
        assert_true(sh_slice_equals(entry->envelope, sh_slice_of(content)));
        assert_true(sh_slice_equals(entry->mode, SH_SLICE("push")));
    }
    ack_all(queue, batch);
    assert_int_equal(redis_ask(&server, "XLEN t:ingest"), 0);
    assert_int_equal(redis_ask(&server, "GET t:bytes"), 0);
    close_test_queue(queue);
}

static void the_same_id_is_queued_once(void **state)
{
    (void)state;
    test_queue *queue = open_test_queue();
    assert_int_equal(put_text(queue, "n", 1, "x"), SH_PUT_QUEUED);
    assert_int_equal(put_text(queue, "n", 1, "x"), SH_PUT_DUPLICATE);
    assert_int_equal(redis_ask(&server, "XLEN t:ingest"), 1);
    ack_all(queue, take(queue, "c", 60000));
    assert_int_equal(put_text(queue, "n", 1, "x"), SH_PUT_DUPLICATE);
    assert_int_equal(redis_ask(&server, "XLEN t:ingest"), 0);
    close_test_queue(queue);
}

static void what_a_dead_consumer_held_is_given_to_its_successor_at_once(void **state)
{
    (void)state;
    test_queue *first = open_test_queue();
    (void)put_text(first, "n", 1, "x");
    queue_batch_free(take(first, "c", 60000));
    close_test_queue(first); /* died with the entry pending */

    test_queue *second = open_test_queue();
    queue_batch *batch = take(second, "c", 60000);
    assert_int_equal(queue_batch_count(batch), 1);
    ack_all(second, batch);
    close_test_queue(second);
}

static void what_another_consumer_holds_is_claimed_only_after_its_time(void **state)
{
    (void)state;
    test_queue *first = open_test_queue();
    test_queue *second = open_test_queue();
    (void)put_text(first, "n", 1, "x");
    queue_batch_free(take(first, "dead", 60000));
    queue_batch *batch = take(second, "alive", 60000);
    assert_int_equal(queue_batch_count(batch), 0);
    queue_batch_free(batch);
    close_test_queue(second);
    second = open_test_queue();
    do { /* 1 ms is over very soon */
        batch = take(second, "alive", 1);
        if (queue_batch_count(batch) == 0)
            queue_batch_free(batch);
        else
            break;
    } while (true);
    ack_all(second, batch);
    assert_int_equal(redis_ask(&server, "XLEN t:ingest"), 0);
    close_test_queue(first);
    close_test_queue(second);
}

static void what_a_dead_consumer_holds_is_found_behind_what_others_hold(void **state)
{
    (void)state;
    test_queue *queue = open_test_queue();
    test_queue *another = open_test_queue();
    test_queue *other = open_test_queue();
    for (uint8_t i = 0; i < 100; i++)
        (void)put_text(queue, "n", i, "x");
    queue_batch_free(take(queue, "first", 60000));
    queue_batch *held = take(another, "second", 60000);
    const char *last = queue_batch_at(held, queue_batch_count(held) - 1)->id;
    char command[128];
    (void)snprintf(command, sizeof command, "XCLAIM t:ingest receivers dead 0 %s IDLE 3600000",
                   last);
    (void)redis_ask(&server, command);
    queue_batch *batch = take(other, "alive", 1800000);
    assert_int_equal(queue_batch_count(batch), 1);
    assert_string_equal(queue_batch_at(batch, 0)->id, last);
    queue_batch_free(batch);
    queue_batch_free(held);
    close_test_queue(other);
    close_test_queue(another);
    close_test_queue(queue);
}

static void a_batch_takes_no_more_once_it_has_its_bytes(void **state)
{
    (void)state;
    test_queue *queue = open_test_queue();
    char content[401] = {0};
    memset(content, 'x', sizeof content - 1);
    for (uint8_t i = 0; i < 10; i++)
        (void)put_text(queue, "n", i, content);
    /* New entries, redelivered own entries, and those of another consumer. */
    const char *consumers[] = {"c", "c", "d"};
    for (size_t i = 0; i < 3; i++) {
        close_test_queue(queue);
        queue = open_test_queue();
        queue_batch *batch = take_up_to(queue, consumers[i], i == 2 ? 0 : 60000, 1000);
        assert_int_equal(queue_batch_count(batch), 3);
        queue_batch_free(batch);
    }
    close_test_queue(queue);
}

static void what_was_not_acknowledged_is_given_again(void **state)
{
    (void)state;
    test_queue *queue = open_test_queue();
    (void)put_text(queue, "n", 1, "x");
    (void)put_text(queue, "n", 2, "y");
    queue_batch *batch = take(queue, "c", 60000);
    assert_int_equal(queue_batch_count(batch), 2);
    sh_error error = {0};
    queue_done done = {.entry = queue_batch_at(batch, 0)};
    assert_int_equal(queue_ack(queue->reader, &done, 1, &error), SH_OK);
    queue_batch_free(batch);
    batch = take(queue, "c", 60000);
    assert_int_equal(queue_batch_count(batch), 1);
    assert_true(sh_slice_equals(queue_batch_at(batch, 0)->envelope, SH_SLICE("y")));
    ack_all(queue, batch);
    close_test_queue(queue);
}

/* A failover lost the acknowledgement: the new master has the entry with this consumer. */
static void what_is_pending_at_another_server_is_given_again(void **state)
{
    (void)state;
    test_queue *queue = open_test_queue();
    (void)put_text(queue, "n", 1, "x");
    queue_batch *batch = take(queue, "c", 60000);
    assert_int_equal(queue_batch_count(batch), 1);
    queue_batch_free(batch);
    queue_reader_release(queue->reader, 1);
    batch = take(queue, "c", 60000);
    assert_int_equal(queue_batch_count(batch), 0);
    queue_batch_free(batch);
    /* The reader connects again before its next command, which therefore does not fail. */
    freeReplyObject(redisCommand(server.client, "CLIENT KILL TYPE normal"));
    batch = take(queue, "c", 60000);
    if (queue_batch_count(batch) == 0) {
        queue_batch_free(batch);
        batch = take(queue, "c", 60000);
    }
    assert_int_equal(queue_batch_count(batch), 1);
    ack_all(queue, batch);
    batch = take(queue, "c", 60000);
    assert_int_equal(queue_batch_count(batch), 0);
    queue_batch_free(batch);
    close_test_queue(queue);
}

static void a_dead_letter_has_its_reason(void **state)
{
    (void)state;
    test_queue *queue = open_test_queue();
    (void)put_text(queue, "n", 1, "poison");
    queue_batch *batch = take(queue, "c", 60000);
    sh_error error = {0};
    int64_t times = 0;
    assert_int_equal(queue_failed(queue->queue, queue_batch_at(batch, 0)->id, &times, &error),
                     SH_OK);
    assert_int_equal(queue_failed(queue->queue, queue_batch_at(batch, 0)->id, &times, &error),
                     SH_OK);
    assert_int_equal(times, 2);
    assert_int_equal(
        queue_dead_letter_add(queue->reader, queue_batch_at(batch, 0), &a_reason, NULL, &error),
        SH_OK);
    /* Twice, as after a lost answer, adds one dead letter. */
    assert_int_equal(
        queue_dead_letter_add(queue->reader, queue_batch_at(batch, 0), &a_reason, NULL, &error),
        SH_OK);
    queue_batch_free(batch);
    sh_queue_depth depth;
    assert_int_equal(sh_queue_depth_get(queue->queue, &depth, &error), SH_OK);
    assert_int_equal(depth.dead, 1);
    assert_int_equal(depth.entries, 0);
    assert_int_equal(depth.bytes, 0);
    assert_int_equal(depth.pending, 0);
    assert_int_equal(redis_ask(&server, "HLEN t:failures"), 0);
    close_test_queue(queue);
}

static void an_entry_that_was_deleted_behind_our_back_comes_without_an_envelope(void **state)
{
    (void)state;
    test_queue *queue = open_test_queue();
    (void)put_text(queue, "n", 1, "x");
    queue_batch_free(take(queue, "c", 60000));
    freeReplyObject(redisCommand(server.client, "XTRIM t:ingest MAXLEN 0"));
    queue_batch *batch = take(queue, "c", 60000);
    assert_int_equal(queue_batch_count(batch), 1);
    assert_int_equal(queue_batch_at(batch, 0)->envelope.len, 0);
    ack_all(queue, batch);
    batch = take(queue, "c", 60000);
    assert_int_equal(queue_batch_count(batch), 0);
    queue_batch_free(batch);
    close_test_queue(queue);
}

static void a_lost_group_is_made_again_from_the_beginning(void **state)
{
    (void)state;
    test_queue *queue = open_test_queue();
    queue_batch_free(take(queue, "c", 60000));
    (void)redis_ask(&server, "FLUSHALL");
    (void)put_text(queue, "n", 1, "x");
    queue_batch *batch = take(queue, "c", 60000);
    assert_int_equal(queue_batch_count(batch), 1);
    ack_all(queue, batch);
    close_test_queue(queue);
}

static void a_full_queue_refuses_and_takes_again_when_it_drains(void **state)
{
    (void)state;
    test_queue *queue = open_test_queue();
    (void)put_text(queue, "n", 1, "x");
    char set[64];
    (void)snprintf(set, sizeof set, "SET t:bytes %lu", SH_QUEUE_BYTES_MAX);
    (void)redis_ask(&server, set);
    sh_error error = {0};
    sh_put result;
    sh_envelope_header header = header_of("n", 2);
    assert_int_equal(put_one(queue->queue, SH_SLICE("y"), &header, &result, &error), SH_E_BUSY);
    ack_all(queue, take(queue, "c", 60000));
    assert_int_equal(put_text(queue, "n", 2, "y"), SH_PUT_QUEUED);
    close_test_queue(queue);
}

static void digests_are_published_with_the_acknowledgement(void **state)
{
    (void)state;
    test_queue *queue = open_test_queue();
    sh_error error = {0};
    uint8_t digest[SH_DIGEST_BYTES];
    uint8_t expected[SH_DIGEST_BYTES];
    int64_t ms = 0;
    memset(expected, 0, sizeof expected); /* what put_text() queues has it */
    assert_int_equal(sh_queue_digest_get(queue->queue, SH_SLICE("n"), digest, &ms, &error),
                     SH_E_NOT_FOUND);
    sh_error_clear(&error);
    (void)put_text(queue, "n", 1, "x");
    queue_batch *batch = take(queue, "c", 60000);
    queue_done done = {.entry = queue_batch_at(batch, 0),
                       .node = "n",
                       .digest = expected,
                       .merged_ms = 1787367180000};
    assert_int_equal(queue_ack(queue->reader, &done, 1, &error), SH_OK);
    queue_batch_free(batch);
    assert_int_equal(sh_queue_digest_get(queue->queue, SH_SLICE("n"), digest, &ms, &error), SH_OK);
    assert_memory_equal(digest, expected, sizeof digest);
    assert_int_equal(ms, 1787367180000);
    assert_int_equal(queue_digests_clear(queue->queue, &error), SH_OK);
    assert_int_equal(sh_queue_digest_get(queue->queue, SH_SLICE("n"), digest, &ms, &error),
                     SH_E_NOT_FOUND);
    close_test_queue(queue);
}

static sh_err count_contact(void *context, sh_slice node, sh_slice mode, int64_t ms,
                            sh_error *error)
{
    (void)error;
    assert_true(node.len > 0);
    assert_true(sh_slice_equals(mode, SH_SLICE("push")) || sh_slice_equals(mode, SH_SLICE("pull")));
    assert_true(ms > 0);
    ++*(int *)context;
    return SH_OK;
}

static void contacts_and_what_waits_are_told_for_each_node(void **state)
{
    (void)state;
    test_queue *queue = open_test_queue();
    sh_error error = {0};
    char envelope[120];
    memset(envelope, 0, sizeof envelope);
    envelope[6] = 3;
    memcpy(envelope + 112, "abc", 3);
    sh_put result;
    for (uint8_t i = 0; i < 3; i++) {
        sh_envelope_header header = header_of("abc", i);
        assert_int_equal(
            put_one(queue->queue, (sh_slice){envelope, sizeof envelope}, &header, &result, &error),
            SH_OK);
    }
    const sh_queue_seen seen = {.node = "other", .ms = 1787367180000};
    assert_int_equal(sh_queue_seen_put(queue->queue, &seen, 1, "pull", &error), SH_OK);
    int nodes = 0;
    assert_int_equal(sh_queue_contacts(queue->queue, count_contact, &nodes, &error), SH_OK);
    assert_int_equal(nodes, 2);
    backlog_by_node *waiting = NULL;
    assert_int_equal(backlog_by_node_count(queue->queue, &waiting, &error), SH_OK);
    assert_int_equal(backlog_by_node_of(waiting, "abc"), 3);
    assert_int_equal(backlog_by_node_of(waiting, "other"), 0);
    backlog_by_node_free(waiting);
    close_test_queue(queue);
}

static void a_clean_end_leaves_no_consumer_and_strands_nothing(void **state)
{
    (void)state;
    test_queue *queue = open_test_queue();
    sh_error error = {0};
    (void)put_text(queue, "n", 1, "x");
    queue_batch *batch = take(queue, "c", 60000);
    assert_int_equal(queue_consumer_end(queue->queue, "c", &error), SH_OK);
    redisReply *reply = redisCommand(server.client, "XINFO CONSUMERS t:ingest receivers");
    assert_int_equal(reply->elements, 1); /* it holds an entry, so it stays */
    freeReplyObject(reply);
    ack_all(queue, batch);
    assert_int_equal(queue_consumer_end(queue->queue, "c", &error), SH_OK);
    reply = redisCommand(server.client, "XINFO CONSUMERS t:ingest receivers");
    assert_int_equal(reply->elements, 0);
    freeReplyObject(reply);
    close_test_queue(queue);
}

static void a_full_redis_refuses_but_drains(void **state)
{
    (void)state;
    test_queue *queue = open_test_queue();
    sh_error error = {0};
    (void)put_text(queue, "n", 1, "x");
    queue_batch *batch = take(queue, "c", 60000);
    freeReplyObject(redisCommand(server.client, "CONFIG SET maxmemory 1"));
    sh_put result;
    sh_envelope_header header = header_of("n", 2);
    assert_int_equal(put_one(queue->queue, SH_SLICE("y"), &header, &result, &error), SH_E_BUSY);
    sh_error_clear(&error);
    assert_int_equal(sh_queue_check(queue->queue, &error), SH_E_BUSY);
    sh_error_clear(&error);
    queue_done done = {.entry = queue_batch_at(batch, 0)};
    assert_int_equal(queue_ack(queue->reader, &done, 1, &error), SH_OK);
    queue_batch_free(batch);
    assert_int_equal(redis_ask(&server, "XLEN t:ingest"), 0);
    freeReplyObject(redisCommand(server.client, "CONFIG SET maxmemory 0"));
    assert_int_equal(put_text(queue, "n", 2, "y"), SH_PUT_QUEUED);
    close_test_queue(queue);
}

static void a_restart_of_redis_loses_nothing_and_the_next_call_works(void **state)
{
    (void)state;
    test_queue *queue = open_test_queue();
    (void)put_text(queue, "n", 1, "x");
    redis_kill(&server);
    redis_launch(&server, "0");
    assert_int_equal(put_text(queue, "n", 2, "y"), SH_PUT_QUEUED);
    assert_int_equal(redis_ask(&server, "XLEN t:ingest"), 2);
    close_test_queue(queue);
}

static void a_reader_follows_the_name_after_a_failover(void **state)
{
    (void)state;
    with_redis second;
    char link_path[96], url[128];
    redis_start(&second, "0");
    (void)snprintf(link_path, sizeof link_path, "%s/master.sock", second.folder);
    (void)snprintf(url, sizeof url, "unix:%s", link_path);
    assert_int_equal(symlink(server.url + strlen("unix:"), link_path), 0);
    test_queue *merger = test_calloc(1, sizeof *merger);
    assert_int_equal(sh_queue_new(url, "t", &merger->queue, NULL), SH_OK);
    (void)put_text(merger, "n", 1, "x");
    ack_all(merger, take(merger, "c", 60000));

    /* The first becomes a replica, the name leads to the second, where an entry waits. */
    freeReplyObject(redisCommand(server.client, "REPLICAOF 127.0.0.1 1"));
    assert_int_equal(unlink(link_path), 0);
    assert_int_equal(symlink(second.url + strlen("unix:"), link_path), 0);
    freeReplyObject(redisCommand(second.client, "XADD t:ingest * e y m push"));
    const queue_limits limits = {.entries_max = 8, .bytes_max = 1 << 20, .block_ms = 10};
    queue_batch *batch = NULL;
    sh_error error = {0};
    if (queue_reader_take(merger->reader, &limits, &batch, &error) != SH_OK) {
        assert_int_equal(error.code, SH_E_BUSY); /* READONLY, once */
        batch = take(merger, "c", 60000);
    }
    assert_int_equal(queue_batch_count(batch), 1);
    queue_batch_free(batch);
    close_test_queue(merger);
    redis_stop(&second);
    freeReplyObject(redisCommand(server.client, "REPLICAOF NO ONE"));
}

static void errors_name_the_setting(void **state)
{
    (void)state;
    static const char *const urls[] = {"http://x", "redis://", "unix:relative", "redis://h/x", ""};
    for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++) {
        sh_queue *queue = NULL;
        sh_error error = {0};
        assert_int_equal(sh_queue_new(urls[i], "t", &queue, &error), SH_E_CONFIG);
        assert_non_null(strstr(error.message, "SYNC_redis_url"));
    }
    sh_queue *queue = NULL;
    sh_error error = {0};
    assert_int_equal(sh_queue_new("unix:/nowhere/redis.sock", "t", &queue, &error), SH_OK);
    assert_int_equal(sh_queue_check(queue, &error), SH_E_NETWORK);
    assert_non_null(strstr(error.message, "SYNC_redis_url"));
    sh_queue_free(queue);
}

static void dead_letters_are_bounded_and_the_oldest_make_room(void **state)
{
    (void)state;
    test_queue *queue = open_test_queue();
    queue_dropped dropped = {0};
    add_next_dead_letter(queue, 0, &dropped);
    add_next_dead_letter(queue, 1, &dropped);
    assert_int_equal(redis_ask(&server, "GET t:dead:bytes"), 2 * (SH_ENVELOPE_FIXED_BYTES + 1));
    char command[64]; /* as if the first were so large that a third one just fits */
    (void)snprintf(command, sizeof command, "SET t:dead:bytes %lu",
                   SH_DEAD_BYTES_MAX - SH_ENVELOPE_FIXED_BYTES - 1);
    freeReplyObject(redisCommand(server.client, command));
    add_next_dead_letter(queue, 2, &dropped);
    assert_int_equal(dropped.count, 0);
    assert_int_equal(redis_ask(&server, "XLEN t:dead"), 3);
    add_next_dead_letter(queue, 3, &dropped);
    assert_int_equal(dropped.count, 1);
    assert_string_equal(dropped.node, "A");
    assert_string_equal(dropped.reason, "a reason");
    assert_int_equal(redis_ask(&server, "XLEN t:dead"), 3);
    assert_int_equal(redis_ask(&server, "GET t:dead:bytes"), SH_DEAD_BYTES_MAX);
    close_test_queue(queue);
}

static void what_comes_back_tells_how_often_it_was_delivered(void **state)
{
    (void)state;
    sh_error error = {0};
    test_queue *queue = open_test_queue();
    assert_int_equal(put_text(queue, "n", 1, "x"), SH_PUT_QUEUED);
    for (int64_t deliveries = 1; deliveries < 5; deliveries++) {
        queue_batch *batch = take(queue, "c", 60000);
        assert_int_equal(queue_batch_count(batch), 1);
        assert_int_equal(queue_batch_at(batch, 0)->deliveries, deliveries);
        queue_batch_free(batch);
    }
    test_queue *other = open_test_queue();
    queue_batch *batch = take(other, "d", 0);
    assert_int_equal(queue_batch_at(batch, 0)->deliveries, 5);
    int64_t times = 0;
    assert_int_equal(queue_failed(other->queue, queue_batch_at(batch, 0)->id, &times, &error),
                     SH_OK);
    assert_int_equal(times, 1);
    const char *id = queue_batch_at(batch, 0)->id;
    assert_int_equal(queue_failed_undo(other->queue, id, &error), SH_OK);
    assert_int_equal(redis_ask(&server, "EXISTS t:failures"), 0);
    assert_int_equal(queue_failed_undo(other->queue, id, &error), SH_OK); /* never below nothing */
    assert_int_equal(redis_ask(&server, "EXISTS t:failures"), 0);
    ack_all(other, batch);
    close_test_queue(other);
    close_test_queue(queue);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(what_is_put_is_taken_in_order_and_gone_after_the_acknowledgement,
                               empty),
        cmocka_unit_test_setup(the_same_id_is_queued_once, empty),
        cmocka_unit_test_setup(dead_letters_are_bounded_and_the_oldest_make_room, empty),
        cmocka_unit_test_setup(what_comes_back_tells_how_often_it_was_delivered, empty),
        cmocka_unit_test_setup(what_a_dead_consumer_held_is_given_to_its_successor_at_once, empty),
        cmocka_unit_test_setup(what_another_consumer_holds_is_claimed_only_after_its_time, empty),
        cmocka_unit_test_setup(what_a_dead_consumer_holds_is_found_behind_what_others_hold, empty),
        cmocka_unit_test_setup(a_batch_takes_no_more_once_it_has_its_bytes, empty),
        cmocka_unit_test_setup(what_was_not_acknowledged_is_given_again, empty),
        cmocka_unit_test_setup(what_is_pending_at_another_server_is_given_again, empty),
        cmocka_unit_test_setup(a_dead_letter_has_its_reason, empty),
        cmocka_unit_test_setup(an_entry_that_was_deleted_behind_our_back_comes_without_an_envelope,
                               empty),
        cmocka_unit_test_setup(a_lost_group_is_made_again_from_the_beginning, empty),
        cmocka_unit_test_setup(a_full_queue_refuses_and_takes_again_when_it_drains, empty),
        cmocka_unit_test_setup(digests_are_published_with_the_acknowledgement, empty),
        cmocka_unit_test_setup(contacts_and_what_waits_are_told_for_each_node, empty),
        cmocka_unit_test_setup(a_clean_end_leaves_no_consumer_and_strands_nothing, empty),
        cmocka_unit_test_setup(a_full_redis_refuses_but_drains, empty),
        cmocka_unit_test_setup(a_restart_of_redis_loses_nothing_and_the_next_call_works, empty),
        cmocka_unit_test_setup(a_reader_follows_the_name_after_a_failover, empty),
        cmocka_unit_test_setup(errors_name_the_setting, empty),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
