/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/merge/credentials_publication.h"
#include "receiver/queue/queue_credentials_write.h"
#include "tests/unit/store_fixture.h"

/* The store's fixture has a server, too. */
#define server redis_server
#include "tests/unit/with_queue.h"
#undef server

/* Credentials from a real database to a real Redis. */

static int make_all(void **state)
{
    return empty(state) == 0 ? folder_make(state) : -1;
}

static void put_records(store *s, int first, int count, const char *record)
{
    char version[STORE_VERSION_BYTES], node[32];
    sh_error error = {.code = SH_OK};
    must(store_state_begin(s, STORE_CREDENTIALS, version, &error), &error);
    for (int i = first; i < first + count; i++) {
        (void)snprintf(node, sizeof node, "node-%d", i);
        const store_state_entry entry = {.key = sh_slice_of(node), .value = sh_slice_of(record)};
        must(store_state_put(s, STORE_CREDENTIALS, &entry, &error), &error);
    }
    must(store_state_commit(s, STORE_CREDENTIALS, &error), &error);
}

static queue_nodes_state published(sh_queue *queue)
{
    queue_nodes_state state;
    sh_error error = {.code = SH_OK};
    must(queue_nodes_state_get(queue, &state, &error), &error);
    return state;
}

static void check_published(store *s, sh_queue *queue, int64_t count)
{
    char version[STORE_VERSION_BYTES];
    must(store_state_version(s, STORE_CREDENTIALS, version, NULL), NULL);
    queue_nodes_state state = published(queue);
    assert_string_equal(state.version, version);
    assert_int_equal(state.count, count);
}

/* As the next check after its interval. */
static void check(credentials_publication *p, store *s, sh_queue *queue)
{
    sh_error error = {.code = SH_OK};
    p->checked_ms -= SH_PUBLICATION_CHECK_MS;
    must(credentials_publication_update(p, s, queue, &error), &error);
}

static void a_lost_older_or_incomplete_redis_is_healed(void **state)
{
    (void)state;
    store *s = opened();
    sh_queue *queue = open_queue();
    credentials_publication p;
    credentials_publication_reset(&p);
    put_records(s, 0, 3, "2 1 0 0");
    check(&p, s, queue);
    check_published(s, queue, 3);
    static const char *const damages[] = {"FLUSHALL", "SET t:nodes:version older",
                                          "HDEL t:nodes node-1", "DEL t:nodes",
                                          "DEL t:nodes:version"};
    for (size_t i = 0; i < sizeof damages / sizeof damages[0]; i++) {
        check(&p, s, queue); /* records the number of records */
        (void)redis_ask(&redis_server, damages[i]);
        check(&p, s, queue);
        check_published(s, queue, 3);
    }
    put_records(s, 3, 1, "2 1 0 0"); /* by another process */
    check(&p, s, queue);
    check_published(s, queue, 4);
    sh_queue_free(queue);
    store_close(s);
}

static void nothing_is_written_while_redis_has_the_list(void **state)
{
    (void)state;
    store *s = opened();
    sh_queue *queue = open_queue();
    credentials_publication p;
    credentials_publication_reset(&p);
    check(&p, s, queue);
    assert_string_equal(published(queue).version, "none");
    put_records(s, 0, 2, "2 1 0 0");
    check(&p, s, queue);
    check(&p, s, queue);
    (void)redis_ask(&redis_server, "HSET t:nodes node-0 mark");
    check(&p, s, queue);
    check(&p, s, queue);
    assert_int_equal(redis_ask(&redis_server, "HSTRLEN t:nodes node-0"), 4);
    sh_queue_free(queue);
    store_close(s);
}

#define RECORD_BYTES 1500

/* All at once, which takes a fraction of the time of put_records(). */
static void put_many_records(int first, int end)
{
    char text[400];
    (void)snprintf(text, sizeof text,
                   "WITH RECURSIVE numbers(i) AS (SELECT %d UNION ALL SELECT i + 1 FROM numbers"
                   " WHERE i < %d) INSERT INTO \"SyncHub_Credentials\"(node, record, changed_ms)"
                   " SELECT 'node-' || i, %s, 1 FROM numbers",
                   first, end - 1,
                   server == NULL ? "replace(hex(zeroblob(750)), '0', 'x')" : "repeat('x', 1500)");
    (void)sql(text);
}

static void a_list_of_the_maximum_is_published_at_once(void **state)
{
    (void)state;
    store *s = opened();
    sh_queue *queue = open_queue();
    int64_t count = 0;
    sh_error error = {.code = SH_OK};
    put_many_records(1, SH_NODES_MAX);
    put_records(s, 0, 1, "2 1 0 0"); /* a new version */
    must(credentials_publish(s, queue, &count, &error), &error);
    assert_int_equal(count, SH_NODES_MAX);
    check_published(s, queue, SH_NODES_MAX);
    assert_int_equal(redis_ask(&redis_server, "HSTRLEN t:nodes node-9999"), RECORD_BYTES);
    assert_int_equal(redis_ask(&redis_server, "EXISTS t:nodes:new"), 0);
    sh_queue_free(queue);
    store_close(s);
}

static void an_older_list_does_not_replace_a_newer_one(void **state)
{
    (void)state;
    SH_CLEANUP(nodes_list_reset) nodes_list older = NODES_LIST_INIT;
    store *s = opened();
    sh_queue *queue = open_queue();
    int64_t count = 0;
    bool done = true;
    sh_error error = {.code = SH_OK};
    queue_nodes_state before = published(queue); /* read by a slow publisher */
    put_records(s, 0, 2, "2 1 0 0");
    must(credentials_publish(s, queue, &count, &error), &error);
    must(queue_nodes_publish(queue, &older, before.version, "older", &done, &error), &error);
    assert_false(done);
    check_published(s, queue, 2);
    sh_queue_free(queue);
    store_close(s);
}

static void a_database_without_credentials_takes_over_those_in_redis_once(void **state)
{
    (void)state;
    store *s = opened();
    sh_queue *queue = open_queue();
    credentials_publication p;
    size_t taken = 0;
    sh_error error = {.code = SH_OK};
    credentials_publication_reset(&p);
    (void)redis_ask(&redis_server, "HSET t:nodes Office record Cabin other");
    (void)redis_ask(&redis_server, "SET t:nodes:version old");
    check(&p, s, queue);
    check_published(s, queue, 2);
    assert_string_equal(sql("SELECT node, record FROM \"SyncHub_Credentials\" ORDER BY node"),
                        "Cabin|other;Office|record;");
    (void)redis_ask(&redis_server, "HSET t:nodes Third record");
    (void)redis_ask(&redis_server, "SET t:nodes:version other");
    must(credentials_take_over(s, queue, &taken, &error), &error);
    assert_int_equal(taken, 0);
    check(&p, s, queue);
    check_published(s, queue, 2); /* the database is the record */
    sh_queue_free(queue);
    store_close(s);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, make_all, folder_remove)
    const struct CMUnitTest tests[] = {
        TEST(a_lost_older_or_incomplete_redis_is_healed),
        TEST(nothing_is_written_while_redis_has_the_list),
        TEST(a_list_of_the_maximum_is_published_at_once),
        TEST(an_older_list_does_not_replace_a_newer_one),
        TEST(a_database_without_credentials_takes_over_those_in_redis_once),
    };
    int failed = cmocka_run_group_tests_name("SQLite", tests, start, stop);
    if (server_start(NULL) != 0 || start(NULL) != 0)
        return 1;
    failed += cmocka_run_group_tests_name("PostgreSQL", tests, NULL, NULL);
    (void)stop(NULL);
    (void)server_stop(NULL);
    return failed;
}
