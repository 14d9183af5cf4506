/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/base/clock.h"
#include "libcommon/base/hex.h"
#include "libcommon/queue/queue.h"
#include "tests/unit/with_queue.h"

#define MANY SH_QUEUE_AT_ONCE

/* The maximum number of puts of one exchange, each with its own node and id. */
typedef struct {
    sh_envelope_header headers[MANY];
    sh_queue_put_item items[MANY];
    sh_queue_put_item *pointers[MANY];
} put_set;

static void make_puts(put_set *p)
{
    memset(p, 0, sizeof *p);
    for (size_t i = 0; i < MANY; i++) {
        sh_envelope_header *header = &p->headers[i];
        header->kind = SH_KIND_DEVICES;
        header->parts = 1;
        (void)snprintf(header->node, sizeof header->node, "node %zu", i);
        memset(header->id, (int)i + 1, sizeof header->id);
        memset(header->digest, (int)i + 1, sizeof header->digest);
        p->items[i] = (sh_queue_put_item){.envelope = sh_slice_of(header->node),
                                          .header = header,
                                          .mode = "push",
                                          .nodes_version = ""};
        p->pointers[i] = &p->items[i];
    }
}

static void assert_all(const put_set *p, sh_put put)
{
    for (size_t i = 0; i < MANY; i++) {
        assert_int_equal(p->items[i].err, SH_OK);
        assert_int_equal(p->items[i].put, put);
    }
}

static void puts_of_one_exchange_are_all_queued_once(void **state)
{
    (void)state;
    sh_queue *queue = open_queue();
    put_set p;
    make_puts(&p);
    sh_queue_put_each(queue, p.pointers, MANY);
    assert_all(&p, SH_PUT_QUEUED);
    assert_int_equal(redis_ask(&server, "XLEN t:ingest"), MANY);
    sh_queue_put_each(queue, p.pointers, MANY);
    assert_all(&p, SH_PUT_DUPLICATE);
    assert_int_equal(redis_ask(&server, "XLEN t:ingest"), MANY);
    sh_queue_free(queue);
}

static void each_put_has_an_outcome_of_its_own(void **state)
{
    (void)state;
    sh_queue *queue = open_queue();
    put_set p;
    make_puts(&p);
    char set[64];
    /* Room for some of them only: envelopes have 6 or 7 bytes here. */
    (void)redis_ask(&server, "XADD t:ingest * e x m push");
    (void)snprintf(set, sizeof set, "SET t:bytes %lu", SH_QUEUE_BYTES_MAX - 13);
    (void)redis_ask(&server, set);
    p.items[1].nodes_version = "another";
    memcpy(p.headers[3].id, p.headers[0].id, sizeof p.headers[3].id);
    memcpy(p.headers[3].node, p.headers[0].node, sizeof p.headers[3].node);
    sh_queue_put_each(queue, p.pointers, 5);
    assert_int_equal(p.items[0].err, SH_OK);
    assert_int_equal(p.items[0].put, SH_PUT_QUEUED);
    assert_int_equal(p.items[1].err, SH_OK);
    assert_int_equal(p.items[1].put, SH_PUT_STALE);
    assert_int_equal(p.items[2].err, SH_OK);
    assert_int_equal(p.items[2].put, SH_PUT_QUEUED);
    assert_int_equal(p.items[3].err, SH_OK);
    assert_int_equal(p.items[3].put, SH_PUT_DUPLICATE);
    assert_int_equal(p.items[4].err, SH_E_BUSY);
    assert_non_null(strstr(p.items[4].error.message, "queue is full"));
    assert_int_equal(redis_ask(&server, "XLEN t:ingest"), 3);
    sh_queue_free(queue);
}

static void a_restarted_redis_runs_all_puts_of_an_exchange(void **state)
{
    (void)state;
    sh_queue *queue = open_queue();
    put_set p;
    make_puts(&p);
    sh_queue_put_each(queue, p.pointers, 1);
    assert_int_equal(p.items[0].put, SH_PUT_QUEUED);
    redis_kill(&server);
    redis_launch(&server, "0");
    sh_queue_put_each(queue, p.pointers + 1, MANY - 1);
    for (size_t i = 1; i < MANY; i++) {
        assert_int_equal(p.items[i].err, SH_OK);
        assert_int_equal(p.items[i].put, SH_PUT_QUEUED);
    }
    assert_int_equal(redis_ask(&server, "XLEN t:ingest"), MANY);
    sh_queue_free(queue);
}

static void a_redis_that_is_away_fails_every_put(void **state)
{
    (void)state;
    sh_queue *queue = open_queue();
    put_set p;
    make_puts(&p);
    redis_kill(&server);
    sh_queue_put_each(queue, p.pointers, MANY);
    for (size_t i = 0; i < MANY; i++) {
        assert_int_equal(p.items[i].err, SH_E_NETWORK);
        assert_non_null(strstr(p.items[i].error.message, "SYNC_redis_url"));
    }
    redis_launch(&server, "0");
    sh_queue_put_each(queue, p.pointers, MANY);
    assert_all(&p, SH_PUT_QUEUED);
    sh_queue_free(queue);
}

/* As the receiver records a merge. */
static void record(const char *node, const uint8_t *digest, int64_t ms)
{
    char hex[SH_DIGEST_HEX_BYTES];
    sh_hex_encode(digest, SH_DIGEST_BYTES, hex);
    char value[SH_DIGEST_HEX_BYTES + 24];
    (void)snprintf(value, sizeof value, "%s %lld", hex, (long long)ms);
    freeReplyObject(redisCommand(server.client, "HSET t:digests %s %s", node, value));
}

static void a_put_of_what_was_merged_within_a_day_may_be_left_out(void **state)
{
    (void)state;
    sh_queue *queue = open_queue();
    put_set p;
    make_puts(&p);
    int64_t now = sh_clock_unix_ms();
    int64_t day = SH_FULL_TABLE_INTERVAL_S * 1000LL;
    record("node 0", p.headers[0].digest, now);
    record("node 1", p.headers[0].digest, now);       /* another table */
    record("node 2", p.headers[2].digest, now - day); /* too long ago */
    record("node 3", p.headers[3].digest, now + day); /* a clock was set back */
    record("node 4", p.headers[4].digest, now);       /* but it must be queued */
    for (size_t i = 0; i < 4; i++)
        p.items[i].unless_unchanged = true;
    sh_queue_put_each(queue, p.pointers, 6);
    assert_int_equal(p.items[0].put, SH_PUT_UNCHANGED);
    for (size_t i = 1; i < 6; i++)
        assert_int_equal(p.items[i].put, SH_PUT_QUEUED);
    assert_int_equal(redis_ask(&server, "XLEN t:ingest"), 5);
    sh_queue_free(queue);
}

static void questions_of_one_exchange_are_answered_in_order(void **state)
{
    (void)state;
    sh_queue *queue = open_queue();
    sh_error error = {0};
    uint8_t digest[SH_DIGEST_BYTES];
    char version[SH_NODES_VERSION_BYTES] = "none";
    char names[MANY][16];
    sh_queue_question questions[MANY];
    sh_queue_question *pointers[MANY];
    for (size_t i = 0; i < MANY; i++) {
        (void)snprintf(names[i], sizeof names[i], "node %zu", i);
        memset(digest, (int)i, sizeof digest);
        if (i % 2 == 0)
            record(names[i], digest, 1000 + (int64_t)i);
        questions[i] = (sh_queue_question){.node = names[i], .merged_ms = -1};
        pointers[i] = &questions[i];
    }
    assert_int_equal(sh_queue_ask_each(queue, pointers, MANY, version, &error), SH_OK);
    assert_string_equal(version, "");
    for (size_t i = 0; i < MANY; i++) {
        memset(digest, (int)i, sizeof digest);
        assert_int_equal(questions[i].merged_ms, i % 2 == 0 ? 1000 + (int64_t)i : 0);
        if (i % 2 == 0)
            assert_memory_equal(questions[i].digest, digest, sizeof digest);
    }
    (void)redis_ask(&server, "SET t:nodes:version abc");
    assert_int_equal(sh_queue_ask_each(queue, pointers, 1, version, &error), SH_OK);
    assert_string_equal(version, "abc");
    redis_kill(&server);
    assert_int_equal(sh_queue_ask_each(queue, pointers, MANY, version, &error), SH_E_NETWORK);
    redis_launch(&server, "0");
    sh_queue_free(queue);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(puts_of_one_exchange_are_all_queued_once, empty),
        cmocka_unit_test_setup(each_put_has_an_outcome_of_its_own, empty),
        cmocka_unit_test_setup(a_restarted_redis_runs_all_puts_of_an_exchange, empty),
        cmocka_unit_test_setup(a_redis_that_is_away_fails_every_put, empty),
        cmocka_unit_test_setup(a_put_of_what_was_merged_within_a_day_may_be_left_out, empty),
        cmocka_unit_test_setup(questions_of_one_exchange_are_answered_in_order, empty),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
