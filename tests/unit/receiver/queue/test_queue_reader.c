/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/put_one.h"
#include "tests/unit/with_queue.h"

#include "libcommon/base/clock.h"
#include "libcommon/queue/queue.h"

#include <stdio.h>
#include <string.h>

static const sh_queue_burial a_reason = {.reason = "a reason"};

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

static void what_is_put_is_taken_in_order_and_gone_after_the_acknowledgement(void **state)
{
    (void)state;
    sh_queue *queue = open_queue();
    for (uint8_t i = 0; i < 20; i++) {
        char content[16];
        (void)snprintf(content, sizeof content, "envelope %02u", i);
        assert_int_equal(put(queue, "n", i, content), SH_PUT_QUEUED);
    }
    assert_int_equal(redis_ask(&server, "GET t:bytes"), 20 * 11);
    sh_queue_batch *batch = take(queue, "c", 60000);
    assert_int_equal(sh_queue_batch_count(batch), 20);
    for (size_t i = 0; i < 20; i++) {
        char content[16];
        (void)snprintf(content, sizeof content, "envelope %02zu", i);
        const sh_queue_entry *entry = sh_queue_batch_at(batch, i);
        assert_true(sh_slice_equals(entry->envelope, sh_slice_of(content)));
        assert_true(sh_slice_equals(entry->mode, SH_SLICE("push")));
    }
    ack_all(queue, batch);
    assert_int_equal(redis_ask(&server, "XLEN t:ingest"), 0);
    assert_int_equal(redis_ask(&server, "GET t:bytes"), 0);
    sh_queue_free(queue);
}

static void the_same_id_is_queued_once(void **state)
{
    (void)state;
    sh_queue *queue = open_queue();
    assert_int_equal(put(queue, "n", 1, "x"), SH_PUT_QUEUED);
    assert_int_equal(put(queue, "n", 1, "x"), SH_PUT_DUPLICATE);
    assert_int_equal(redis_ask(&server, "XLEN t:ingest"), 1);
    ack_all(queue, take(queue, "c", 60000));
    assert_int_equal(put(queue, "n", 1, "x"), SH_PUT_DUPLICATE);
    assert_int_equal(redis_ask(&server, "XLEN t:ingest"), 0);
    sh_queue_free(queue);
}

static void what_a_dead_consumer_held_is_given_to_its_successor_at_once(void **state)
{
    (void)state;
    sh_queue *first = open_queue();
    (void)put(first, "n", 1, "x");
    sh_queue_batch_free(take(first, "c", 60000));
    sh_queue_free(first); /* died with the entry in hand */

    sh_queue *second = open_queue();
    sh_queue_batch *batch = take(second, "c", 60000);
    assert_int_equal(sh_queue_batch_count(batch), 1);
    ack_all(second, batch);
    sh_queue_free(second);
}

static void what_another_consumer_holds_is_claimed_only_after_its_time(void **state)
{
    (void)state;
    sh_queue *first = open_queue();
    sh_queue *second = open_queue();
    (void)put(first, "n", 1, "x");
    sh_queue_batch_free(take(first, "dead", 60000));
    sh_queue_batch *batch = take(second, "alive", 60000);
    assert_int_equal(sh_queue_batch_count(batch), 0);
    sh_queue_batch_free(batch);
    sh_queue_free(second);
    second = open_queue();
    do { /* 1 ms is over very soon */
        batch = take(second, "alive", 1);
        if (sh_queue_batch_count(batch) == 0)
            sh_queue_batch_free(batch);
        else
            break;
    } while (true);
    ack_all(second, batch);
    assert_int_equal(redis_ask(&server, "XLEN t:ingest"), 0);
    sh_queue_free(first);
    sh_queue_free(second);
}

static void what_a_dead_consumer_holds_is_found_behind_what_others_hold(void **state)
{
    (void)state;
    sh_queue *queue = open_queue();
    sh_queue *another = open_queue();
    sh_queue *other = open_queue();
    for (uint8_t i = 0; i < 100; i++)
        (void)put(queue, "n", i, "x");
    sh_queue_batch_free(take(queue, "first", 60000));
    sh_queue_batch *held = take(another, "second", 60000);
    const char *last = sh_queue_batch_at(held, sh_queue_batch_count(held) - 1)->id;
    char command[128];
    (void)snprintf(command, sizeof command, "XCLAIM t:ingest receivers dead 0 %s IDLE 3600000",
                   last);
    (void)redis_ask(&server, command);
    sh_queue_batch *batch = take(other, "alive", 1800000);
    assert_int_equal(sh_queue_batch_count(batch), 1);
    assert_string_equal(sh_queue_batch_at(batch, 0)->id, last);
    sh_queue_batch_free(batch);
    sh_queue_batch_free(held);
    sh_queue_free(other);
    sh_queue_free(another);
    sh_queue_free(queue);
}

static void a_batch_takes_no_more_once_it_has_its_bytes(void **state)
{
    (void)state;
    sh_queue *queue = open_queue();
    char content[401] = {0};
    memset(content, 'x', sizeof content - 1);
    for (uint8_t i = 0; i < 10; i++)
        (void)put(queue, "n", i, content);
    /* New ones, one's own that come back, and those of another. */
    const char *consumers[] = {"c", "c", "d"};
    for (size_t i = 0; i < 3; i++) {
        sh_error error = {0};
        sh_queue_batch *batch = NULL;
        sh_queue_free(queue);
        queue = open_queue();
        assert_int_equal(
            sh_queue_take(queue, consumers[i], 64, 1000, 10, i == 2 ? 0 : 60000, &batch, &error),
            SH_OK);
        assert_int_equal(sh_queue_batch_count(batch), 3);
        sh_queue_batch_free(batch);
    }
    sh_queue_free(queue);
}

static void what_was_not_acknowledged_is_given_again(void **state)
{
    (void)state;
    sh_queue *queue = open_queue();
    (void)put(queue, "n", 1, "x");
    (void)put(queue, "n", 2, "y");
    sh_queue_batch *batch = take(queue, "c", 60000);
    assert_int_equal(sh_queue_batch_count(batch), 2);
    sh_error error = {0};
    sh_queue_done done = {.entry = sh_queue_batch_at(batch, 0)};
    assert_int_equal(sh_queue_ack(queue, &done, 1, &error), SH_OK);
    sh_queue_batch_free(batch);
    batch = take(queue, "c", 60000);
    assert_int_equal(sh_queue_batch_count(batch), 1);
    assert_true(sh_slice_equals(sh_queue_batch_at(batch, 0)->envelope, SH_SLICE("y")));
    ack_all(queue, batch);
    sh_queue_free(queue);
}

static void a_buried_entry_lies_in_the_dead_letters_with_its_reason(void **state)
{
    (void)state;
    sh_queue *queue = open_queue();
    (void)put(queue, "n", 1, "poison");
    sh_queue_batch *batch = take(queue, "c", 60000);
    sh_error error = {0};
    int64_t times = 0;
    assert_int_equal(sh_queue_failed(queue, sh_queue_batch_at(batch, 0), &times, &error), SH_OK);
    assert_int_equal(sh_queue_failed(queue, sh_queue_batch_at(batch, 0), &times, &error), SH_OK);
    assert_int_equal(times, 2);
    assert_int_equal(sh_queue_bury(queue, sh_queue_batch_at(batch, 0), &a_reason, NULL, &error),
                     SH_OK);
    /* Twice, as after a lost answer, buries once. */
    assert_int_equal(sh_queue_bury(queue, sh_queue_batch_at(batch, 0), &a_reason, NULL, &error),
                     SH_OK);
    sh_queue_batch_free(batch);
    sh_queue_depth depth;
    assert_int_equal(sh_queue_depth_get(queue, &depth, &error), SH_OK);
    assert_int_equal(depth.dead, 1);
    assert_int_equal(depth.entries, 0);
    assert_int_equal(depth.bytes, 0);
    assert_int_equal(depth.pending, 0);
    assert_int_equal(redis_ask(&server, "HLEN t:failures"), 0);
    sh_queue_free(queue);
}

static void an_entry_that_was_deleted_behind_our_back_comes_without_an_envelope(void **state)
{
    (void)state;
    sh_queue *queue = open_queue();
    (void)put(queue, "n", 1, "x");
    sh_queue_batch_free(take(queue, "c", 60000));
    freeReplyObject(redisCommand(server.look, "XTRIM t:ingest MAXLEN 0"));
    sh_queue_batch *batch = take(queue, "c", 60000);
    assert_int_equal(sh_queue_batch_count(batch), 1);
    assert_int_equal(sh_queue_batch_at(batch, 0)->envelope.len, 0);
    ack_all(queue, batch);
    batch = take(queue, "c", 60000);
    assert_int_equal(sh_queue_batch_count(batch), 0);
    sh_queue_batch_free(batch);
    sh_queue_free(queue);
}

static void a_lost_group_is_made_again_from_the_beginning(void **state)
{
    (void)state;
    sh_queue *queue = open_queue();
    sh_queue_batch_free(take(queue, "c", 60000));
    (void)redis_ask(&server, "FLUSHALL");
    (void)put(queue, "n", 1, "x");
    sh_queue_batch *batch = take(queue, "c", 60000);
    assert_int_equal(sh_queue_batch_count(batch), 1);
    ack_all(queue, batch);
    sh_queue_free(queue);
}

static void a_full_queue_refuses_and_takes_again_when_it_drains(void **state)
{
    (void)state;
    sh_queue *queue = open_queue();
    (void)put(queue, "n", 1, "x");
    char set[64];
    (void)snprintf(set, sizeof set, "SET t:bytes %lu", SH_QUEUE_BYTES_MAX);
    (void)redis_ask(&server, set);
    sh_error error = {0};
    sh_put result;
    sh_envelope_header header = header_of("n", 2);
    assert_int_equal(put_one(queue, SH_SLICE("y"), &header, &result, &error), SH_E_BUSY);
    ack_all(queue, take(queue, "c", 60000));
    assert_int_equal(put(queue, "n", 2, "y"), SH_PUT_QUEUED);
    sh_queue_free(queue);
}

static void digests_are_published_with_the_acknowledgement(void **state)
{
    (void)state;
    sh_queue *queue = open_queue();
    sh_error error = {0};
    uint8_t digest[SH_DIGEST_BYTES];
    uint8_t expected[SH_DIGEST_BYTES];
    int64_t ms = 0;
    memset(expected, 0xa5, sizeof expected);
    assert_int_equal(sh_queue_digest_get(queue, SH_SLICE("n"), digest, &ms, &error),
                     SH_E_NOT_FOUND);
    sh_error_clear(&error);
    (void)put(queue, "n", 1, "x");
    sh_queue_batch *batch = take(queue, "c", 60000);
    sh_queue_done done = {.entry = sh_queue_batch_at(batch, 0),
                          .node = "n",
                          .digest = expected,
                          .merged_ms = 1787367180000};
    assert_int_equal(sh_queue_ack(queue, &done, 1, &error), SH_OK);
    sh_queue_batch_free(batch);
    assert_int_equal(sh_queue_digest_get(queue, SH_SLICE("n"), digest, &ms, &error), SH_OK);
    assert_memory_equal(digest, expected, sizeof digest);
    assert_int_equal(ms, 1787367180000);
    assert_int_equal(sh_queue_digests_clear(queue, &error), SH_OK);
    assert_int_equal(sh_queue_digest_get(queue, SH_SLICE("n"), digest, &ms, &error),
                     SH_E_NOT_FOUND);
    sh_queue_free(queue);
}

static sh_lease lease_of(sh_queue *queue, int64_t within_ms)
{
    sh_error error = {0};
    sh_lease held[2];
    const char *const urls[] = {"http://n", "http://m"};
    assert_int_equal(sh_queue_leases_take(queue, urls, 2, within_ms, 60000, held, &error), SH_OK);
    assert_int_equal(held[0], held[1]); /* what is asked at once is answered one by one */
    return held[0];
}

static void end_leases(sh_queue *queue, bool fetched, const char *name)
{
    sh_error error = {0};
    const sh_queue_turn turns[] = {{"http://n", fetched, NULL}, {"http://m", fetched, name}};
    assert_int_equal(sh_queue_leases_end(queue, turns, 2, &error), SH_OK);
}

static void of_two_pullers_one_fetches_a_node(void **state)
{
    (void)state;
    sh_queue *a = open_queue();
    sh_queue *b = open_queue();
    sh_error error = {0};
    char name[SH_NODE_NAME_MAX + 1];
    assert_int_equal(lease_of(a, 0), SH_LEASE_TAKEN);
    assert_int_equal(lease_of(b, 60000), SH_LEASE_HELD);
    assert_int_equal(lease_of(b, 0), SH_LEASE_HELD);
    end_leases(b, false, NULL); /* not b's to end */
    assert_int_equal(lease_of(b, 0), SH_LEASE_HELD);
    end_leases(a, true, "Node M");
    assert_int_equal(lease_of(b, 600000), SH_LEASE_DONE);
    assert_int_equal(sh_queue_pulled_name_get(b, "http://n", name, &error), SH_E_NOT_FOUND);
    sh_error_clear(&error);
    assert_int_equal(sh_queue_pulled_name_get(b, "http://m", name, &error), SH_OK);
    assert_string_equal(name, "Node M");
    /* A run to which that does not count fetches again. */
    assert_int_equal(lease_of(b, 0), SH_LEASE_TAKEN);
    sh_queue_free(a);
    sh_queue_free(b);
}

/* Sets what is noted of both nodes, between these words, to a time so many ms from Redis's. */
static void note_at(const char *what, const char *before, int64_t from_now_ms, const char *after)
{
    const char *const urls[] = {"http://n", "http://m"};
    char value[64];
    (void)snprintf(value, sizeof value, "%s%lld%s", before,
                   (long long)(sh_clock_unix_ms() + from_now_ms), after);
    for (size_t i = 0; i < 2; i++)
        freeReplyObject(redisCommand(server.look, "SET t:pull:%s:%s %s", what, urls[i], value));
}

static void what_was_noted_before_a_clock_was_set_back_holds_nobody_up(void **state)
{
    (void)state;
    sh_queue *queue = open_queue();
    const int64_t day_ms = INT64_C(86400000);
    note_at("done", "", day_ms, "");
    assert_int_equal(lease_of(queue, 60000), SH_LEASE_TAKEN);
    end_leases(queue, true, NULL);
    assert_int_equal(lease_of(queue, 60000), SH_LEASE_DONE); /* by the right time now */
    note_at("done", "", -600000, "");
    assert_int_equal(lease_of(queue, 60000), SH_LEASE_TAKEN);
    end_leases(queue, false, NULL);
    /* A puller that was killed after it took these. They have no end in Redis, as if it were far.
     */
    note_at("lease", "aabb ", day_ms, " 60000");
    assert_int_equal(lease_of(queue, 0), SH_LEASE_TAKEN);
    note_at("lease", "aabb ", -60001, " 60000");
    assert_int_equal(lease_of(queue, 0), SH_LEASE_TAKEN);
    note_at("lease", "aabb ", -1000, " 60000");
    assert_int_equal(lease_of(queue, 0), SH_LEASE_HELD);
    sh_queue_free(queue);
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
    sh_queue *queue = open_queue();
    sh_error error = {0};
    char envelope[120];
    memset(envelope, 0, sizeof envelope);
    envelope[6] = 3;
    memcpy(envelope + 112, "abc", 3);
    sh_put result;
    for (uint8_t i = 0; i < 3; i++) {
        sh_envelope_header header = header_of("abc", i);
        assert_int_equal(
            put_one(queue, (sh_slice){envelope, sizeof envelope}, &header, &result, &error), SH_OK);
    }
    const sh_queue_seen seen = {.node = "other", .ms = 1787367180000};
    assert_int_equal(sh_queue_seen_put(queue, &seen, 1, "pull", &error), SH_OK);
    int nodes = 0;
    assert_int_equal(sh_queue_contacts(queue, count_contact, &nodes, &error), SH_OK);
    assert_int_equal(nodes, 2);
    int64_t waiting = 0;
    assert_int_equal(sh_queue_node_depth(queue, SH_SLICE("abc"), &waiting, &error), SH_OK);
    assert_int_equal(waiting, 3);
    assert_int_equal(sh_queue_node_depth(queue, SH_SLICE("other"), &waiting, &error), SH_OK);
    assert_int_equal(waiting, 0);
    sh_queue_free(queue);
}

static void a_clean_end_leaves_no_consumer_and_strands_nothing(void **state)
{
    (void)state;
    sh_queue *queue = open_queue();
    sh_error error = {0};
    (void)put(queue, "n", 1, "x");
    sh_queue_batch *batch = take(queue, "c", 60000);
    assert_int_equal(sh_queue_consumer_end(queue, "c", &error), SH_OK);
    redisReply *reply = redisCommand(server.look, "XINFO CONSUMERS t:ingest receivers");
    assert_int_equal(reply->elements, 1); /* it holds an entry, so it stays */
    freeReplyObject(reply);
    ack_all(queue, batch);
    assert_int_equal(sh_queue_consumer_end(queue, "c", &error), SH_OK);
    reply = redisCommand(server.look, "XINFO CONSUMERS t:ingest receivers");
    assert_int_equal(reply->elements, 0);
    freeReplyObject(reply);
    sh_queue_free(queue);
}

static void a_full_redis_refuses_but_drains(void **state)
{
    (void)state;
    sh_queue *queue = open_queue();
    sh_error error = {0};
    (void)put(queue, "n", 1, "x");
    sh_queue_batch *batch = take(queue, "c", 60000);
    freeReplyObject(redisCommand(server.look, "CONFIG SET maxmemory 1"));
    sh_put result;
    sh_envelope_header header = header_of("n", 2);
    assert_int_equal(put_one(queue, SH_SLICE("y"), &header, &result, &error), SH_E_BUSY);
    sh_error_clear(&error);
    assert_int_equal(sh_queue_check(queue, &error), SH_E_BUSY);
    sh_error_clear(&error);
    sh_queue_done done = {.entry = sh_queue_batch_at(batch, 0)};
    assert_int_equal(sh_queue_ack(queue, &done, 1, &error), SH_OK);
    sh_queue_batch_free(batch);
    assert_int_equal(redis_ask(&server, "XLEN t:ingest"), 0);
    freeReplyObject(redisCommand(server.look, "CONFIG SET maxmemory 0"));
    assert_int_equal(put(queue, "n", 2, "y"), SH_PUT_QUEUED);
    sh_queue_free(queue);
}

static void a_restart_of_redis_loses_nothing_and_the_next_call_works(void **state)
{
    (void)state;
    sh_queue *queue = open_queue();
    (void)put(queue, "n", 1, "x");
    redis_kill(&server);
    redis_launch(&server, "0");
    assert_int_equal(put(queue, "n", 2, "y"), SH_PUT_QUEUED);
    assert_int_equal(redis_ask(&server, "XLEN t:ingest"), 2);
    sh_queue_free(queue);
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

static void bury_next(sh_queue *queue, uint8_t id, sh_queue_dropped *dropped)
{
    sh_error error = {0};
    char content[SH_ENVELOPE_FIXED_BYTES + 2];
    memset(content, 'x', sizeof content - 1);
    content[sizeof content - 1] = '\0';
    content[6] = 1; /* the node's name is one byte */
    content[SH_ENVELOPE_FIXED_BYTES] = (char)('A' + id);
    assert_int_equal(put(queue, "n", id, content), SH_PUT_QUEUED);
    sh_queue_batch *batch = take(queue, "c", 60000);
    assert_int_equal(sh_queue_bury(queue, sh_queue_batch_at(batch, 0), &a_reason, dropped, &error),
                     SH_OK);
    sh_queue_batch_free(batch);
}

static void dead_letters_are_bounded_and_the_oldest_make_room(void **state)
{
    (void)state;
    sh_queue *queue = open_queue();
    sh_queue_dropped dropped = {0};
    bury_next(queue, 0, &dropped);
    bury_next(queue, 1, &dropped);
    assert_int_equal(redis_ask(&server, "GET t:dead:bytes"), 2 * (SH_ENVELOPE_FIXED_BYTES + 1));
    char command[64]; /* as if the first were so large that a third one just fits */
    (void)snprintf(command, sizeof command, "SET t:dead:bytes %lu",
                   SH_DEAD_BYTES_MAX - SH_ENVELOPE_FIXED_BYTES - 1);
    freeReplyObject(redisCommand(server.look, command));
    bury_next(queue, 2, &dropped);
    assert_int_equal(dropped.count, 0);
    assert_int_equal(redis_ask(&server, "XLEN t:dead"), 3);
    bury_next(queue, 3, &dropped);
    assert_int_equal(dropped.count, 1);
    assert_string_equal(dropped.node, "A");
    assert_string_equal(dropped.reason, "a reason");
    assert_int_equal(redis_ask(&server, "XLEN t:dead"), 3);
    assert_int_equal(redis_ask(&server, "GET t:dead:bytes"), SH_DEAD_BYTES_MAX);
    sh_queue_free(queue);
}

static void what_comes_back_tells_how_often_it_was_delivered(void **state)
{
    (void)state;
    sh_error error = {0};
    sh_queue *queue = open_queue();
    assert_int_equal(put(queue, "n", 1, "x"), SH_PUT_QUEUED);
    for (int64_t deliveries = 1; deliveries < 5; deliveries++) {
        sh_queue_batch *batch = take(queue, "c", 60000);
        assert_int_equal(sh_queue_batch_count(batch), 1);
        assert_int_equal(sh_queue_batch_at(batch, 0)->deliveries, deliveries);
        sh_queue_batch_free(batch);
    }
    sh_queue *other = open_queue();
    sh_queue_batch *batch = take(other, "d", 0);
    assert_int_equal(sh_queue_batch_at(batch, 0)->deliveries, 5);
    int64_t times = 0;
    assert_int_equal(sh_queue_failed(other, sh_queue_batch_at(batch, 0), &times, &error), SH_OK);
    assert_int_equal(times, 1);
    const char *id = sh_queue_batch_at(batch, 0)->id;
    assert_int_equal(sh_queue_failed_undo(other, id, &error), SH_OK);
    assert_int_equal(redis_ask(&server, "EXISTS t:failures"), 0);
    assert_int_equal(sh_queue_failed_undo(other, id, &error), SH_OK); /* never below nothing */
    assert_int_equal(redis_ask(&server, "EXISTS t:failures"), 0);
    ack_all(other, batch);
    sh_queue_free(other);
    sh_queue_free(queue);
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
        cmocka_unit_test_setup(a_buried_entry_lies_in_the_dead_letters_with_its_reason, empty),
        cmocka_unit_test_setup(an_entry_that_was_deleted_behind_our_back_comes_without_an_envelope,
                               empty),
        cmocka_unit_test_setup(a_lost_group_is_made_again_from_the_beginning, empty),
        cmocka_unit_test_setup(a_full_queue_refuses_and_takes_again_when_it_drains, empty),
        cmocka_unit_test_setup(digests_are_published_with_the_acknowledgement, empty),
        cmocka_unit_test_setup(of_two_pullers_one_fetches_a_node, empty),
        cmocka_unit_test_setup(what_was_noted_before_a_clock_was_set_back_holds_nobody_up, empty),
        cmocka_unit_test_setup(contacts_and_what_waits_are_told_for_each_node, empty),
        cmocka_unit_test_setup(a_clean_end_leaves_no_consumer_and_strands_nothing, empty),
        cmocka_unit_test_setup(a_full_redis_refuses_but_drains, empty),
        cmocka_unit_test_setup(a_restart_of_redis_loses_nothing_and_the_next_call_works, empty),
        cmocka_unit_test_setup(errors_name_the_setting, empty),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
