/* SPDX-License-Identifier: Apache-2.0 */
#include "puller/enqueue_batch.h"
#include "tests/unit/with_queue.h"

#define NODES_MAX (2 * SH_QUEUE_AT_ONCE)

/* How each node's item ended. */
typedef struct {
    size_t ended;
    sh_err errs[NODES_MAX];
    sh_put puts[NODES_MAX];
    char message[NODES_MAX][SH_ERROR_MESSAGE_BYTES];
} endings;

static void note(void *context, const enqueue_batch_item *item, sh_err err, sh_put put,
                 const sh_error *error)
{
    endings *e = context;
    size_t index = *(const size_t *)item->who;
    e->ended++;
    e->errs[index] = err;
    e->puts[index] = put;
    (void)snprintf(e->message[index], sizeof e->message[index], "%s", error->message);
}

static const size_t *number(size_t index)
{
    static size_t numbers[NODES_MAX];
    numbers[index] = index;
    return &numbers[index];
}

static void add_table(enqueue_batch *o, size_t index, size_t bytes)
{
    static char content[2 * SH_MIB];
    sh_error error = {0};
    puller_table table = {.header = {.kind = SH_KIND_DEVICES, .parts = 1},
                          .envelope = {content, bytes}};
    (void)snprintf(table.header.node, sizeof table.header.node, "node-%zu", index);
    memset(table.header.id, (int)index + 1, sizeof table.header.id);
    assert_int_equal(
        enqueue_batch_add_table(o, (void *)(uintptr_t)number(index), &table, false, &error), SH_OK);
}

static void set_version(const char *version)
{
    freeReplyObject(redisCommand(server.client, "SET t:nodes:version %s", version));
}

/* What publishes a node's changed credentials, as `synchub-receiver node revoke` does. */
static void revoke_node(const char *node)
{
    freeReplyObject(redisCommand(server.client, "HSET t:nodes %s %s", node, "1 1000 2000 0"));
    set_version("another");
}

static void begin(enqueue_batch *o, endings *e)
{
    sh_error error = {0};
    set_version("first");
    assert_int_equal(enqueue_batch_init(o, open_queue(), note, e, &error), SH_OK);
}

static void finish(enqueue_batch *o)
{
    enqueue_batch_reset(o);
    sh_queue_free(o->queue);
}

static void what_came_together_is_written_at_the_flush(void **state)
{
    (void)state;
    endings e = {0};
    enqueue_batch o;
    begin(&o, &e);
    for (size_t i = 0; i < 10; i++)
        add_table(&o, i, 100);
    enqueue_batch_add_unchanged(&o, (void *)(uintptr_t)number(10), "node-10");
    assert_int_equal(e.ended, 0);
    assert_int_equal(redis_ask(&server, "XLEN t:ingest"), 0);
    enqueue_batch_flush(&o);
    assert_int_equal(e.ended, 11);
    for (size_t i = 0; i < 10; i++) {
        assert_int_equal(e.errs[i], SH_OK);
        assert_int_equal(e.puts[i], SH_PUT_QUEUED);
    }
    assert_int_equal(e.errs[10], SH_OK);
    assert_int_equal(redis_ask(&server, "XLEN t:ingest"), 10);
    assert_int_equal(redis_ask(&server, "HLEN t:contacts"), 11);
    enqueue_batch_flush(&o);
    assert_int_equal(e.ended, 11);
    finish(&o);
}

static void what_would_wait_too_much_is_written_at_once(void **state)
{
    (void)state;
    endings e = {0};
    enqueue_batch o;
    begin(&o, &e);
    add_table(&o, 0, ENQUEUE_BATCH_BYTES_MAX - 1);
    assert_int_equal(e.ended, 0);
    add_table(&o, 1, 1);
    assert_int_equal(e.ended, 2);
    for (size_t i = 2; i < 1 + SH_QUEUE_AT_ONCE; i++)
        add_table(&o, i, 1);
    assert_int_equal(e.ended, 2);
    add_table(&o, 1 + SH_QUEUE_AT_ONCE, 1);
    assert_int_equal(e.ended, 2 + SH_QUEUE_AT_ONCE);
    assert_int_equal(redis_ask(&server, "XLEN t:ingest"), 2 + SH_QUEUE_AT_ONCE);
    finish(&o);
}

static void a_node_whose_credentials_changed_is_refused_and_no_other(void **state)
{
    (void)state;
    endings e = {0};
    enqueue_batch o;
    begin(&o, &e);
    for (size_t i = 0; i < 3; i++)
        add_table(&o, i, 100);
    revoke_node("node-1");
    enqueue_batch_flush(&o);
    assert_int_equal(e.errs[0], SH_OK);
    assert_int_equal(e.puts[0], SH_PUT_QUEUED);
    assert_int_equal(e.errs[1], SH_E_REFUSED);
    assert_non_null(strstr(e.message[1], "credentials were changed"));
    assert_int_equal(e.errs[2], SH_OK);
    assert_int_equal(e.puts[2], SH_PUT_QUEUED);
    assert_int_equal(redis_ask(&server, "XLEN t:ingest"), 2);
    finish(&o);
}

static void without_redis_each_one_fails(void **state)
{
    (void)state;
    endings e = {0};
    enqueue_batch o;
    begin(&o, &e);
    add_table(&o, 0, 100);
    enqueue_batch_add_unchanged(&o, (void *)(uintptr_t)number(1), "node-1");
    redis_kill(&server);
    enqueue_batch_flush(&o);
    assert_int_equal(e.ended, 2);
    assert_int_equal(e.errs[0], SH_E_NETWORK);
    assert_int_equal(e.errs[1], SH_E_NETWORK);
    redis_launch(&server, "0");
    finish(&o);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(what_came_together_is_written_at_the_flush, empty),
        cmocka_unit_test_setup(what_would_wait_too_much_is_written_at_once, empty),
        cmocka_unit_test_setup(a_node_whose_credentials_changed_is_refused_and_no_other, empty),
        cmocka_unit_test_setup(without_redis_each_one_fails, empty),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
