/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/base/clock.h"
#include "libcommon/base/limits.h"
#include "libcommon/queue/queue.h"
#include "libcommon/queue/queue_watch.h"
#include "tests/put_one.h"
#include "tests/unit/with_queue.h"

#include <pthread.h>

/* Whether Redis is fit for puts, and the behaviour if it is not. */

static void run(const char *command)
{
    redisReply *reply = redisCommand(server.client, command);
    assert_non_null(reply);
    if (reply->type == REDIS_REPLY_ERROR)
        fail_msg("%s: %s", command, reply->str);
    freeReplyObject(reply);
}

static sh_queue *open_as(const char *url, const char *prefix, bool must_keep)
{
    sh_queue *queue = NULL;
    const sh_queue_options options = {.redis_url = url, .prefix = prefix, .must_keep = must_keep};
    assert_int_equal(sh_queue_open(&options, &queue, NULL), SH_OK);
    return queue;
}

static sh_err put(sh_queue *queue, uint8_t id, sh_error *error)
{
    sh_put result;
    sh_envelope_header header = {.kind = SH_KIND_DEVICES, .parts = 1, .node = "n", .id = {id}};
    sh_error_clear(error);
    return put_one(queue, SH_SLICE("x"), &header, &result, error);
}

/* Polls until a put has the expected result. */
static void wait_for_put(sh_queue *queue, sh_err expected)
{
    sh_error error = {0};
    int64_t end_ms = sh_clock_monotonic_ms() + 30000;
    uint8_t id = 100;
    while (put(queue, id++, &error) != expected) {
        if (sh_clock_monotonic_ms() > end_ms)
            fail_msg("still %s: %s", sh_err_name(error.code), error.message);
        poll_pause_us(20000);
    }
}

static void nothing_is_put_into_a_redis_that_does_not_keep_it(void **state)
{
    (void)state;
    static const char *const settings[][2] = {
        {"appendfsync everysec", "appendfsync always"},
        {"appendfsync no", "appendfsync always"},
        {"no-appendfsync-on-rewrite yes", "no-appendfsync-on-rewrite no"},
        {"maxmemory-policy allkeys-lru", "maxmemory-policy noeviction"},
        {"maxmemory-policy volatile-ttl", "maxmemory-policy noeviction"},
        {"appendonly no", "appendonly yes"},
    };
    for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++) {
        char command[96];
        sh_error error = {0};
        (void)snprintf(command, sizeof command, "CONFIG SET %s", settings[i][0]);
        run(command);
        sh_queue *strict = open_as(server.url, "t", true);
        sh_queue *lax = open_as(server.url, "t", false);
        assert_int_equal(put(strict, 1, &error), SH_E_CONFIG);
        assert_non_null(strstr(error.message, settings[i][1])); /* the line of redis.conf */
        assert_non_null(strstr(error.message, "SYNC_redis_durable"));
        assert_int_equal(redis_ask(&server, "XLEN t:ingest"), 0);
        sh_error_clear(&error);
        assert_int_equal(sh_queue_check(strict, &error), SH_E_CONFIG);
        assert_int_equal(put(lax, 1, &error), SH_OK);
        const char *message;
        assert_int_equal(sh_queue_keeps_of(lax, &message), SH_KEEPS_NOT);
        (void)snprintf(command, sizeof command, "CONFIG SET %s", settings[i][1]);
        run(command);
        wait_for_put(strict, SH_OK);
        assert_int_equal(sh_queue_keeps_of(strict, &message), SH_KEEPS_ALL);
        assert_string_equal(message, "");
        sh_queue_free(strict);
        sh_queue_free(lax);
        run("FLUSHALL");
    }
}

static void a_change_at_run_time_is_noticed(void **state)
{
    (void)state;
    sh_error error = {0};
    sh_queue *queue = open_as(server.url, "t", true);
    assert_int_equal(put(queue, 1, &error), SH_OK);
    run("CONFIG SET appendfsync everysec");
    wait_for_put(queue, SH_E_CONFIG);
    run("CONFIG SET appendfsync always");
    wait_for_put(queue, SH_OK);
    sh_queue_free(queue);
}

static long long port_of_server(void)
{
    redisReply *reply = redisCommand(server.client, "CONFIG GET port");
    assert_int_equal(reply->elements, 2);
    long long port = strtoll(reply->element[1]->str, NULL, 10);
    freeReplyObject(reply);
    return port;
}

/* The URL of the server for another user. */
static void url_of(const char *user, char ret[static 192])
{
    (void)snprintf(ret, 192, "redis://%s:pw@127.0.0.1:%lld/0", user, port_of_server());
}

static void where_it_cannot_be_found_out_puts_go_on(void **state)
{
    (void)state;
    static const struct {
        const char *rights, *policy;
        sh_queue_keeps keeps;
    } users[] = {
        {"-config -info -role", "noeviction", SH_KEEPS_UNKNOWN},
        {"-config -role", "noeviction", SH_KEEPS_UNKNOWN},
        {"-config", "allkeys-lru", SH_KEEPS_NOT}, /* INFO shows it */
        {"-config -info", "allkeys-lru", SH_KEEPS_UNKNOWN},
    };
    for (size_t i = 0; i < sizeof users / sizeof users[0]; i++) {
        char command[160];
        char url[192];
        const char *message;
        sh_error error = {0};
        (void)snprintf(command, sizeof command, "ACL SETUSER u reset on >pw ~* +@all %s",
                       users[i].rights);
        run(command);
        (void)snprintf(command, sizeof command, "CONFIG SET maxmemory-policy %s", users[i].policy);
        run(command);
        url_of("u", url);
        sh_queue *queue = open_as(url, "t", true);
        bool fit = users[i].keeps != SH_KEEPS_NOT;
        assert_int_equal(put(queue, 1, &error), fit ? SH_OK : SH_E_CONFIG);
        assert_int_equal(sh_queue_check(queue, NULL), fit ? SH_OK : SH_E_CONFIG);
        assert_int_equal(sh_queue_keeps_of(queue, &message), users[i].keeps);
        assert_non_null(strstr(message, "redis.conf"));
        sh_queue_free(queue);
        run("FLUSHALL");
    }
    run("CONFIG SET maxmemory-policy noeviction");
}

static void what_a_put_needs_is_checked_without_a_write(void **state)
{
    (void)state;
    sh_error error = {0};
    sh_queue *queue = open_as(server.url, "t", true);
    assert_int_equal(put(queue, 1, &error), SH_OK);
    long long keys = redis_ask(&server, "DBSIZE");
    run("CONFIG RESETSTAT");
    for (int i = 0; i < 50; i++)
        assert_int_equal(sh_queue_check(queue, &error), SH_OK);
    redisReply *stats = redisCommand(server.client, "INFO commandstats");
    static const char *const writes[] = {"cmdstat_set:",  "cmdstat_xadd:", "cmdstat_hset:",
                                         "cmdstat_sadd:", "cmdstat_del:",  "cmdstat_incrby:"};
    for (size_t i = 0; i < sizeof writes / sizeof writes[0]; i++)
        assert_null(strstr(stats->str, writes[i]));
    freeReplyObject(stats);
    assert_int_equal(redis_ask(&server, "DBSIZE"), keys);
    sh_queue_free(queue);
}

static void a_key_of_another_type_is_named(void **state)
{
    (void)state;
    static const char *const keys[] = {"ingest", "ids",     "ids:old", "bytes",    "contacts",
                                       "held",   "digests", "dead",    "failures", "nodes:version"};
    sh_queue *queue = open_as(server.url, "t", true);
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        char command[96];
        sh_error error = {0};
        (void)snprintf(command, sizeof command, "RPUSH t:%s mine", keys[i]);
        run(command);
        assert_int_equal(sh_queue_check(queue, &error), SH_E_CONFIG);
        (void)snprintf(command, sizeof command, "t:%s ", keys[i]);
        assert_non_null(strstr(error.message, command));
        assert_non_null(strstr(error.message, "SYNC_redis_prefix"));
        /* The put has no partial effect. */
        bool needed = strcmp(keys[i], "dead") != 0 && strcmp(keys[i], "failures") != 0;
        assert_int_equal(put(queue, 1, &error), needed ? SH_E_CONFIG : SH_OK);
        if (needed) {
            (void)snprintf(command, sizeof command, "DEL t:%s", keys[i]);
            run(command);
            assert_int_equal(redis_ask(&server, "DBSIZE"), 0);
        }
        run("FLUSHALL");
    }
    sh_queue_free(queue);
}

static void a_right_that_a_put_needs_is_named(void **state)
{
    (void)state;
    static const char *const commands[] = {"XADD", "HEXISTS", "RENAME", "UNLINK", "SMISMEMBER"};
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        char command[160], url[192];
        sh_error error = {0};
        (void)snprintf(command, sizeof command, "ACL SETUSER u reset on >pw ~* +@all -%s",
                       commands[i]);
        run(command);
        url_of("u", url);
        sh_queue *queue = open_as(url, "t", true);
        assert_int_equal(sh_queue_check(queue, &error), SH_E_CONFIG);
        assert_non_null(strstr(error.message, commands[i]));
        sh_queue_free(queue);
    }
}

static void a_server_that_cannot_write_is_told(void **state)
{
    (void)state;
    sh_error error = {0};
    sh_queue *queue = open_as(server.url, "t", true);
    run("CONFIG SET min-replicas-to-write 1");
    assert_int_equal(sh_queue_check(queue, &error), SH_E_BUSY);
    run("CONFIG SET min-replicas-to-write 0");
    run("CONFIG SET maxmemory 1");
    sh_error_clear(&error);
    assert_int_equal(sh_queue_check(queue, &error), SH_E_BUSY);
    assert_non_null(strstr(error.message, "maxmemory"));
    run("CONFIG SET maxmemory 0");
    sh_error_clear(&error);
    assert_int_equal(sh_queue_check(queue, &error), SH_OK);
    sh_queue_free(queue);
}

/* Simulates a host name with a path: a symbolic link to the socket of the current master. */
static void a_demoted_redis_is_left_for_the_one_that_the_name_leads_to(void **state)
{
    (void)state;
    with_redis second;
    char link_path[96], url[128], command[160];
    sh_error error = {0};
    redis_start(&second, "0");
    (void)snprintf(link_path, sizeof link_path, "%s/master.sock", second.folder);
    (void)snprintf(url, sizeof url, "unix:%s", link_path);
    assert_int_equal(symlink(server.url + strlen("unix:"), link_path), 0);
    sh_queue *filler = open_as(url, "t", true);
    assert_int_equal(put(filler, 1, &error), SH_OK);

    /* The failover: the first becomes a replica, the name leads to the second. */
    (void)snprintf(command, sizeof command, "REPLICAOF 127.0.0.1 1");
    run(command);
    assert_int_equal(put(filler, 2, &error), SH_E_BUSY); /* still the old one: never a success */
    assert_int_equal(unlink(link_path), 0);
    assert_int_equal(symlink(second.url + strlen("unix:"), link_path), 0);
    assert_int_equal(put(filler, 3, &error), SH_OK);
    assert_int_equal(redis_ask(&second, "XLEN t:ingest"), 1);
    sh_queue_free(filler);
    redis_stop(&second);
    run("REPLICAOF NO ONE");
}

static void a_replica_that_serves_nothing_is_left(void **state)
{
    (void)state;
    sh_error error = {0};
    sh_queue *queue = open_as(server.url, "t", true);
    assert_int_equal(put(queue, 1, &error), SH_OK);
    /* A replica whose master never came and that may not serve what it has: MASTERDOWN. */
    run("CONFIG SET replica-serve-stale-data no");
    run("REPLICAOF 127.0.0.1 1");
    assert_int_equal(put(queue, 2, &error), SH_E_BUSY);
    run("REPLICAOF NO ONE");
    run("CONFIG SET replica-serve-stale-data yes");
    assert_int_equal(put(queue, 3, &error), SH_OK);
    sh_queue_free(queue);
}

typedef struct {
    pthread_mutex_t lock;
    int changes;
    sh_err err;
} noted;

static void on_changed(void *context, const sh_queue_state *state)
{
    noted *n = context;
    (void)pthread_mutex_lock(&n->lock);
    n->changes++;
    n->err = state->err;
    (void)pthread_mutex_unlock(&n->lock);
}

static void wait_for_state(sh_queue_watch *watch, sh_err err, sh_queue_state *ret)
{
    int64_t end_ms = sh_clock_monotonic_ms() + 30000;
    do {
        sh_queue_watch_get(watch, ret);
        assert_true(sh_clock_monotonic_ms() < end_ms);
        poll_pause_us(20000);
    } while (ret->err != err);
}

static void the_watch_tells_of_changes_and_answers_from_memory(void **state)
{
    (void)state;
    noted n = {.lock = PTHREAD_MUTEX_INITIALIZER, .err = SH_OK};
    sh_queue_watch *watch = NULL;
    sh_queue_state now;
    const sh_queue_options options = {.redis_url = server.url, .prefix = "t", .must_keep = true};
    const sh_queue_watch_calls calls = {.context = &n, .changed = on_changed};
    assert_int_equal(sh_queue_watch_new(&options, &calls, &watch, NULL), SH_OK);
    wait_for_state(watch, SH_OK, &now);
    assert_true(now.answers && now.has_depth);
    assert_int_equal(now.keeps, SH_KEEPS_ALL);
    run("CONFIG SET appendonly no");
    wait_for_state(watch, SH_E_CONFIG, &now);
    assert_true(now.answers && now.has_depth);
    assert_non_null(strstr(now.error.message, "appendonly yes"));
    run("CONFIG SET appendonly yes");
    wait_for_state(watch, SH_OK, &now);
    redis_kill(&server);
    wait_for_state(watch, SH_E_NETWORK, &now);
    assert_false(now.answers || now.has_depth);
    redis_launch(&server, "0");
    wait_for_state(watch, SH_OK, &now);
    run("CONFIG RESETSTAT");
    for (int i = 0; i < 10000; i++)
        sh_queue_watch_get(watch, &now);
    redisReply *stats = redisCommand(server.client, "INFO stats");
    const char *commands = strstr(stats->str, "total_commands_processed:");
    assert_non_null(commands);
    assert_true(strtoll(commands + strlen("total_commands_processed:"), NULL, 10) < 1000);
    freeReplyObject(stats);
    sh_queue_watch_free(watch);
    assert_int_equal(n.err, SH_OK);
    assert_true(n.changes >= 5);
}

static int start_with_port(void **state)
{
    if (start(state) != 0)
        return 1;
    /* Users log in by a URL with a host. */
    for (int port = 20000 + getpid() % 20000; port_of_server() == 0; port++) {
        redisReply *reply = redisCommand(server.client, "CONFIG SET port %d", port);
        assert_non_null(reply);
        freeReplyObject(reply);
    }
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(nothing_is_put_into_a_redis_that_does_not_keep_it, empty),
        cmocka_unit_test_setup(a_change_at_run_time_is_noticed, empty),
        cmocka_unit_test_setup(where_it_cannot_be_found_out_puts_go_on, empty),
        cmocka_unit_test_setup(what_a_put_needs_is_checked_without_a_write, empty),
        cmocka_unit_test_setup(a_key_of_another_type_is_named, empty),
        cmocka_unit_test_setup(a_right_that_a_put_needs_is_named, empty),
        cmocka_unit_test_setup(a_server_that_cannot_write_is_told, empty),
        cmocka_unit_test_setup(a_demoted_redis_is_left_for_the_one_that_the_name_leads_to, empty),
        cmocka_unit_test_setup(a_replica_that_serves_nothing_is_left, empty),
        cmocka_unit_test_setup(the_watch_tells_of_changes_and_answers_from_memory, empty),
    };
    return cmocka_run_group_tests(tests, start_with_port, stop);
}
