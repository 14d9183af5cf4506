/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/base/clock.h"
#include "libcommon/base/limits.h"
#include "receiver/queue/dead_letters.h"
#include "tests/unit/receiver/queue/queue_fixture.h"

/* What one node and all of them may make Redis hold. */

#define HEADER_BYTES 112 /* of an envelope, before the node's name */

typedef struct {
    sh_envelope_header header;
    char envelope[HEADER_BYTES + SH_NODE_NAME_MAX + 1];
    sh_queue_put_item item;
} one_put;

/* The part of an envelope that the queue reads. */
static void make(one_put *p, const char *node, uint32_t id)
{
    memset(p, 0, sizeof *p);
    p->header.kind = SH_KIND_PLUGIN;
    p->header.parts = 1;
    (void)snprintf(p->header.node, sizeof p->header.node, "%s", node);
    memcpy(p->header.id, &id, sizeof id);
    p->envelope[6] = (char)strlen(node);
    memcpy(p->envelope + HEADER_BYTES, node, strlen(node));
    p->item = (sh_queue_put_item){.envelope = {p->envelope, HEADER_BYTES + strlen(node)},
                                  .header = &p->header,
                                  .mode = "push",
                                  .nodes_version = "",
                                  .newcomer = SH_NEWCOMER_YES};
}

static sh_err put_as(test_queue *queue, one_put *p)
{
    sh_queue_put_each(queue->queue, (sh_queue_put_item *[]){&p->item}, 1);
    return p->item.err;
}

static sh_err put(test_queue *queue, const char *node, uint32_t id)
{
    one_put p;
    make(&p, node, id);
    return put_as(queue, &p);
}

static sh_put outcome(test_queue *queue, const char *node, uint32_t id)
{
    one_put p;
    make(&p, node, id);
    assert_int_equal(put_as(queue, &p), SH_OK);
    return p.item.put;
}

static void take_and_ack(test_queue *queue)
{
    ack_all(queue, take(queue, "c", 60000));
}

static void run(const char *command)
{
    redisReply *reply = redisCommand(server.client, command);
    assert_non_null(reply);
    assert_int_not_equal(reply->type, REDIS_REPLY_ERROR);
    freeReplyObject(reply);
}

static void hold(const char *node, unsigned long entries, unsigned long bytes)
{
    char value[64];
    (void)snprintf(value, sizeof value, "%lu %lu", entries, bytes);
    freeReplyObject(redisCommand(server.client, "HSET t:held %s %b", node, value, strlen(value)));
}

static void assert_held(const char *node, const char *value)
{
    redisReply *reply = redisCommand(server.client, "HGET t:held %s", node);
    if (value == NULL)
        assert_int_equal(reply->type, REDIS_REPLY_NIL);
    else
        assert_string_equal(reply->str, value);
    freeReplyObject(reply);
}

static void another_nodes_id_makes_no_duplicate(void **state)
{
    (void)state;
    test_queue *queue = open_test_queue();
    assert_int_equal(outcome(queue, "Mallory", 7), SH_PUT_QUEUED);
    assert_int_equal(outcome(queue, "Victim", 7), SH_PUT_QUEUED);
    assert_int_equal(outcome(queue, "Victim", 7), SH_PUT_DUPLICATE);
    close_test_queue(queue);
}

static void a_replay_is_no_contact(void **state)
{
    (void)state;
    test_queue *queue = open_test_queue();
    assert_int_equal(outcome(queue, "n", 1), SH_PUT_QUEUED);
    run("HSET t:contacts n 1");
    assert_int_equal(outcome(queue, "n", 1), SH_PUT_DUPLICATE);
    assert_int_equal(redis_ask(&server, "HGET t:contacts n"), 1);
    close_test_queue(queue);
}

static void fill_ids(int count)
{
    static const char script[] =
        "for i = 1, tonumber(ARGV[1]) do redis.call('SADD', KEYS[1], i) end";
    redisReply *reply = redisCommand(server.client, "EVAL %s 1 t:ids %d", script, count);
    assert_int_equal(reply->type, REDIS_REPLY_NIL);
    freeReplyObject(reply);
}

static void ids_are_bounded_by_number_and_the_last_ones_are_known(void **state)
{
    (void)state;
    test_queue *queue = open_test_queue();
    assert_int_equal(outcome(queue, "n", 1), SH_PUT_QUEUED);
    fill_ids(SH_QUEUE_ITEM_IDS_MAX / 2 - 2);
    assert_int_equal(outcome(queue, "n", 2), SH_PUT_QUEUED); /* the first half is full */
    assert_int_equal(redis_ask(&server, "SCARD t:ids:old"), SH_QUEUE_ITEM_IDS_MAX / 2);
    assert_int_equal(redis_ask(&server, "SCARD t:ids"), 0);
    assert_int_equal(outcome(queue, "n", 1), SH_PUT_DUPLICATE);
    fill_ids(SH_QUEUE_ITEM_IDS_MAX / 2 - 1);
    assert_int_equal(outcome(queue, "n", 3), SH_PUT_QUEUED);
    assert_int_equal(redis_ask(&server, "SCARD t:ids:old"), SH_QUEUE_ITEM_IDS_MAX / 2);
    assert_int_equal(redis_ask(&server, "SCARD t:ids"), 0);
    assert_int_equal(outcome(queue, "n", 3), SH_PUT_DUPLICATE);
    assert_int_equal(outcome(queue, "n", 1), SH_PUT_QUEUED); /* the oldest ids are deleted */
    close_test_queue(queue);
}

static void a_node_makes_the_queue_forget_no_items_of_others(void **state)
{
    (void)state;
    test_queue *queue = open_test_queue();
    char count[24];
    assert_int_equal(outcome(queue, "other", 1), SH_PUT_QUEUED);
    (void)snprintf(count, sizeof count, "%d", SH_QUEUE_NODE_ITEM_IDS_MAX - 1);
    freeReplyObject(redisCommand(server.client, "HSET t:ids:nodes flood %s", count));
    assert_int_equal(outcome(queue, "flood", 1), SH_PUT_QUEUED); /* at its limit */
    assert_int_equal(outcome(queue, "flood", 1), SH_PUT_DUPLICATE);
    for (uint32_t id = 2; id < 5; id++) /* over it they are queued and not remembered here */
        for (int times = 0; times < 2; times++)
            assert_int_equal(outcome(queue, "flood", id), SH_PUT_QUEUED);
    assert_int_equal(redis_ask(&server, "SCARD t:ids"), 2);
    assert_int_equal(outcome(queue, "other", 1), SH_PUT_DUPLICATE);
    assert_int_equal(outcome(queue, "other", 2), SH_PUT_QUEUED);
    assert_int_equal(outcome(queue, "other", 2), SH_PUT_DUPLICATE);
    close_test_queue(queue);
}

/* As if the set of item keys had begun so many seconds ago. */
static void age_ids(long long seconds)
{
    char value[24];
    (void)snprintf(value, sizeof value, "%lld", (long long)sh_clock_unix_ms() / 1000 - seconds);
    freeReplyObject(
        redisCommand(server.client, "HSET t:ids:nodes %b %s", "", (size_t)0, value, strlen(value)));
}

static void items_are_forgotten_once_no_replay_of_them_is_accepted(void **state)
{
    (void)state;
    test_queue *queue = open_test_queue();
    freeReplyObject(redisCommand(server.client, "SADD t:ids left-by-an-older-version"));
    assert_int_equal(outcome(queue, "n", 1), SH_PUT_QUEUED);
    assert_int_equal(redis_ask(&server, "SCARD t:ids:old"), 1);
    freeReplyObject(redisCommand(server.client, "HSET t:ids:nodes n 1000000"));
    age_ids(SH_QUEUE_ITEM_IDS_TTL_S - 60);
    assert_int_equal(outcome(queue, "m", 1), SH_PUT_QUEUED);
    assert_int_equal(redis_ask(&server, "SCARD t:ids"), 2);
    age_ids(SH_QUEUE_ITEM_IDS_TTL_S);
    assert_int_equal(outcome(queue, "n", 2), SH_PUT_QUEUED); /* which may have as many again */
    assert_int_equal(outcome(queue, "n", 2), SH_PUT_DUPLICATE);
    assert_int_equal(outcome(queue, "n", 1), SH_PUT_DUPLICATE);
    assert_int_equal(redis_ask(&server, "SCARD t:ids"), 1);
    assert_int_equal(redis_ask(&server, "HLEN t:ids:nodes"), 2);
    age_ids(-1000); /* Redis's clock was set back */
    assert_int_equal(outcome(queue, "n", 3), SH_PUT_QUEUED);
    assert_int_equal(outcome(queue, "n", 2), SH_PUT_DUPLICATE);
    assert_int_equal(outcome(queue, "n", 1), SH_PUT_QUEUED);
    assert_int_equal(redis_ask(&server, "SCARD t:ids"), 2);
    close_test_queue(queue);
}

static void add_dead_letter(test_queue *queue, const char *node, uint32_t id,
                            queue_dropped *dropped)
{
    const queue_rejection rejection = {.reason = "its own fault"};
    sh_error error = {0};
    assert_int_equal(put(queue, node, id), SH_OK);
    queue_batch *batch = take(queue, "c", 60000);
    assert_int_equal(queue_batch_count(batch), 1);
    const queue_entry *entry = queue_batch_at(batch, 0);
    assert_int_equal(queue_dead_letter_add(queue->reader, entry, &rejection, dropped, &error),
                     SH_OK);
    /* Once more, as after a lost answer, changes nothing. */
    int64_t letters = redis_ask(&server, "XLEN t:dead"), bytes = redis_ask(&server, "GET t:bytes");
    queue_dropped again = {.count = 7};
    assert_int_equal(queue_dead_letter_add(queue->reader, entry, &rejection, &again, &error),
                     SH_OK);
    assert_int_equal(again.count, 0);
    assert_int_equal(redis_ask(&server, "XLEN t:dead"), letters);
    assert_int_equal(redis_ask(&server, "GET t:bytes"), bytes);
    queue_batch_free(batch);
}

static void a_node_pushes_out_no_dead_letters_of_others(void **state)
{
    (void)state;
    test_queue *queue = open_test_queue();
    queue_dropped dropped = {0};
    add_dead_letter(queue, "other", 1, &dropped);
    for (uint32_t id = 1; id < 4; id++)
        add_dead_letter(queue, "flood", id, &dropped);
    assert_int_equal(dropped.count, 0);
    const char *const full[] = {"10000 1000 -", "3 16777216 -"}; /* by number, and by bytes */
    assert_int_equal(SH_DEAD_NODE_ENTRIES_MAX, 10000);
    assert_int_equal(SH_DEAD_NODE_BYTES_MAX, 16777216);
    for (uint32_t i = 0; i < 2; i++) {
        freeReplyObject(
            redisCommand(server.client, "HSET t:dead:held flood %b", full[i], strlen(full[i])));
        add_dead_letter(queue, "flood", 10 + i, &dropped);
        assert_int_equal(dropped.count, 1);
        assert_string_equal(dropped.node, "flood");
        assert_int_equal(redis_ask(&server, "XLEN t:dead"), 4);
    }
    /* A flooding node gets no more than its share, also with others' letters in between. */
    add_dead_letter(queue, "third", 1, &dropped);
    assert_int_equal(dropped.count, 0);
    assert_int_equal(redis_ask(&server, "XLEN t:dead"), 5);
    close_test_queue(queue);
}

static void the_oldest_of_a_node_is_found_behind_many_of_others(void **state)
{
    (void)state;
    test_queue *queue = open_test_queue();
    queue_dropped dropped = {0};
    static const char others[] =
        "for i = 1, 1500 do redis.call('XADD', KEYS[1], '*', 'e', string.rep('x', 113), 'm', "
        "'push', 'i', '1-1', 'r', 'x') end";
    freeReplyObject(redisCommand(server.client, "EVAL %s 1 t:dead", others));
    for (uint32_t id = 1; id < 4; id++)
        add_dead_letter(queue, "flood", id, &dropped);
    freeReplyObject(
        redisCommand(server.client, "HSET t:dead:held flood %b", "10000 339 -", (size_t)11));
    add_dead_letter(queue, "flood", 4,
                    &dropped); /* not found at once: the new one goes instead … */
    assert_int_equal(dropped.count, 1);
    assert_int_equal(redis_ask(&server, "XLEN t:dead"), 1503);
    redisReply *oldest = redisCommand(server.client, "XRANGE t:dead - + COUNT 1501");
    const char *id = oldest->element[1500]->element[0]->str;
    add_dead_letter(queue, "flood", 5, &dropped); /* … and the next search continues there */
    assert_string_equal(dropped.id, id);
    assert_int_equal(redis_ask(&server, "XLEN t:dead"), 1503);
    freeReplyObject(oldest);
    close_test_queue(queue);
}

static void what_a_node_has_among_the_dead_letters_is_counted_through_every_way_out(void **state)
{
    (void)state;
    test_queue *queue = open_test_queue();
    sh_error error = {0};
    queue_dropped dropped = {0};
    for (uint32_t id = 1; id < 4; id++)
        add_dead_letter(queue, "n", id, &dropped);
    redisReply *dead = redisCommand(server.client, "XRANGE t:dead - +");
    assert_int_equal(dead_letters_retry(queue->queue, dead->element[0]->element[0]->str, &error),
                     SH_OK);
    assert_int_equal(dead_letters_drop(queue->queue, dead->element[1]->element[0]->str, &error),
                     SH_OK);
    redisReply *left = redisCommand(server.client, "HGET t:dead:held n");
    assert_string_equal(left->str, "1 113 -");
    freeReplyObject(left);
    assert_int_equal(dead_letters_drop(queue->queue, dead->element[2]->element[0]->str, &error),
                     SH_OK);
    freeReplyObject(dead);
    assert_int_equal(redis_ask(&server, "EXISTS t:dead:held"), 0);
    assert_int_equal(redis_ask(&server, "GET t:dead:bytes"), 0);
    take_and_ack(queue);
    /* Counts that were left over are nothing once there are no dead letters. */
    freeReplyObject(redisCommand(server.client, "HSET t:dead:held n %b", "10000 1 -", (size_t)9));
    add_dead_letter(queue, "n", 9, &dropped);
    assert_int_equal(dropped.count, 0);
    assert_int_equal(redis_ask(&server, "XLEN t:dead"), 1);
    close_test_queue(queue);
}

static void a_flooding_node_is_put_off_and_others_are_not(void **state)
{
    (void)state;
    test_queue *queue = open_test_queue();
    uint32_t id = 0;
    sh_err err = SH_OK;
    while (err == SH_OK && id <= SH_QUEUE_NODE_ENTRIES_MAX)
        err = put(queue, "flood", id++);
    assert_int_equal(err, SH_E_LIMIT);
    assert_int_equal(redis_ask(&server, "XLEN t:ingest"), SH_QUEUE_NODE_ENTRIES_MAX);
    assert_int_equal(put(queue, "other", 1), SH_OK);
    take_and_ack(queue);
    assert_int_equal(put(queue, "flood", id), SH_OK); /* accepted again after a merge */
    close_test_queue(queue);
}

static void no_node_takes_more_than_its_part_of_what_is_free(void **state)
{
    (void)state;
    test_queue *queue = open_test_queue();
    char set[96];
    one_put p;
    make(&p, "n", 1);
    assert_int_equal(put(queue, "n", 1), SH_OK);
    /* By bytes: so much is left that a quarter of it is less than two envelopes. */
    (void)snprintf(set, sizeof set, "SET t:bytes %lu",
                   SH_QUEUE_BYTES_MAX - SH_QUEUE_NODE_SHARE * 2 * p.item.envelope.len + 1);
    run(set);
    assert_int_equal(put(queue, "n", 2), SH_E_LIMIT);
    assert_int_equal(put(queue, "m", 2), SH_OK); /* a node without entries gets a place */
    run("SET t:bytes 0");
    assert_int_equal(put(queue, "n", 3), SH_OK);
    /* By the bytes of one node. */
    hold("n", 2, SH_QUEUE_NODE_BYTES_MAX - 1);
    assert_int_equal(put(queue, "n", 4), SH_E_LIMIT);
    close_test_queue(queue);
}

static void what_a_node_holds_is_counted_through_every_way_out(void **state)
{
    (void)state;
    test_queue *queue = open_test_queue();
    sh_error error = {0};
    for (uint32_t i = 0; i < 3; i++)
        assert_int_equal(put(queue, "n", i), SH_OK);
    assert_held("n", "3 339");
    queue_batch *batch = take(queue, "c", 60000);
    queue_done done[] = {{.entry = queue_batch_at(batch, 0)}};
    assert_int_equal(queue_ack(queue->reader, done, 1, &error), SH_OK);
    assert_int_equal(queue_ack(queue->reader, done, 1, &error),
                     SH_OK); /* twice, after a lost answer */
    assert_held("n", "2 226");
    const queue_rejection reason = {.reason = "r"};
    assert_int_equal(
        queue_dead_letter_add(queue->reader, queue_batch_at(batch, 1), &reason, NULL, &error),
        SH_OK);
    assert_int_equal(
        queue_dead_letter_add(queue->reader, queue_batch_at(batch, 1), &reason, NULL, &error),
        SH_OK);
    assert_held("n", "1 113");
    redisReply *dead = redisCommand(server.client, "XRANGE t:dead - +");
    assert_int_equal(dead_letters_retry(queue->queue, dead->element[0]->element[0]->str, &error),
                     SH_OK);
    freeReplyObject(dead);
    assert_held("n", "2 226");
    done[0].entry = queue_batch_at(batch, 2);
    assert_int_equal(queue_ack(queue->reader, done, 1, &error), SH_OK);
    queue_batch_free(batch);
    take_and_ack(queue);
    assert_int_equal(redis_ask(&server, "XLEN t:ingest"), 0);
    assert_held("n", NULL);
    close_test_queue(queue);
}

static void counts_that_were_lost_or_left_over_begin_anew(void **state)
{
    (void)state;
    test_queue *queue = open_test_queue();
    assert_int_equal(put(queue, "n", 1), SH_OK);
    run("DEL t:held t:bytes");
    take_and_ack(queue); /* never below nothing */
    assert_held("n", NULL);
    hold("n", SH_QUEUE_NODE_ENTRIES_MAX, 1);
    run("SET t:bytes none");
    assert_int_equal(put(queue, "n", 2), SH_OK); /* the stream was empty */
    assert_held("n", "1 113");
    assert_int_equal(redis_ask(&server, "GET t:bytes"), 113);
    run("XTRIM t:ingest MAXLEN 0");
    assert_int_equal(put(queue, "n", 3), SH_OK);
    assert_held("n", "1 113");
    close_test_queue(queue);
}

static test_queue *open_for_names(int64_t names_max)
{
    test_queue *queue = test_calloc(1, sizeof *queue);
    const sh_queue_options options = {
        .redis_url = server.url, .prefix = "t", .names_max = names_max};
    assert_int_equal(sh_queue_open(&options, &queue->queue, NULL), SH_OK);
    return queue;
}

static void names_are_bounded_and_known_ones_go_on(void **state)
{
    (void)state;
    test_queue *queue = open_for_names(2);
    one_put p;
    make(&p, "a", 1);
    assert_int_equal(put_as(queue, &p), SH_OK);
    assert_true(p.item.is_new_node);
    assert_int_equal(put(queue, "b", 1), SH_OK);
    make(&p, "c", 1);
    assert_int_equal(put_as(queue, &p), SH_E_REFUSED);
    assert_non_null(strstr(p.item.error.message, "SYNC_max_nodes"));
    make(&p, "a", 2);
    assert_int_equal(put_as(queue, &p), SH_OK);
    assert_false(p.item.is_new_node);
    make(&p, "c", 2); /* an operator created its credentials, so its name is not invented */
    p.item.newcomer = SH_NEWCOMER_ALWAYS;
    assert_int_equal(put_as(queue, &p), SH_OK);
    run("HSET t:digests d 00");
    assert_int_equal(put(queue, "d", 1), SH_OK); /* merge knows it */
    assert_int_equal(redis_ask(&server, "HLEN t:contacts"), 4);
    assert_int_equal(redis_ask(&server, "XLEN t:ingest"), 5);
    close_test_queue(queue);
}

static void while_too_many_are_new_only_known_nodes_are_taken(void **state)
{
    (void)state;
    test_queue *queue = open_test_queue();
    one_put p;
    assert_int_equal(put(queue, "a", 1), SH_OK);
    make(&p, "a", 2);
    p.item.newcomer = SH_NEWCOMER_NO;
    assert_int_equal(put_as(queue, &p), SH_OK);
    make(&p, "b", 1);
    p.item.newcomer = SH_NEWCOMER_NO;
    assert_int_equal(put_as(queue, &p), SH_E_REFUSED);
    close_test_queue(queue);
}

static void silent_names_make_room_once_it_is_needed(void **state)
{
    (void)state;
    sh_error error = {0};
    int64_t gone = -1;
    int64_t now_ms = sh_clock_unix_ms();
    test_queue *queue = open_for_names(10);
    for (int i = 0; i < 8; i++)
        freeReplyObject(
            redisCommand(server.client, "HSET t:contacts silent%d %b", i, "1000 push", (size_t)9));
    run("HSET t:digests silent0 00");
    assert_int_equal(sh_queue_names_forget(queue->queue, now_ms - 1000, &gone, &error), SH_OK);
    assert_int_equal(gone, 0); /* there is room */
    char future[48];
    (void)snprintf(future, sizeof future, "%lld push", (long long)now_ms + 86400000);
    freeReplyObject(
        redisCommand(server.client, "HSET t:contacts ahead %b", future, strlen(future)));
    assert_int_equal(put(queue, "alive", 1), SH_OK);
    run("HSET t:nodes silent7 x"); /* it has credentials of its own */
    assert_int_equal(sh_queue_names_forget(queue->queue, now_ms - 1000, &gone, &error), SH_OK);
    assert_int_equal(gone, 7);
    assert_int_equal(redis_ask(&server, "HLEN t:contacts"), 3);
    assert_int_equal(redis_ask(&server, "HEXISTS t:contacts silent7"), 1);
    assert_int_equal(redis_ask(&server, "HEXISTS t:digests silent0"), 0);
    /* A clock that was ahead left a time in the future, which becomes now. */
    assert_true(redis_ask(&server, "HGET t:contacts ahead") < now_ms + 3600000);
    close_test_queue(queue);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(another_nodes_id_makes_no_duplicate, empty),
        cmocka_unit_test_setup(a_replay_is_no_contact, empty),
        cmocka_unit_test_setup(ids_are_bounded_by_number_and_the_last_ones_are_known, empty),
        cmocka_unit_test_setup(a_node_makes_the_queue_forget_no_items_of_others, empty),
        cmocka_unit_test_setup(items_are_forgotten_once_no_replay_of_them_is_accepted, empty),
        cmocka_unit_test_setup(a_node_pushes_out_no_dead_letters_of_others, empty),
        cmocka_unit_test_setup(the_oldest_of_a_node_is_found_behind_many_of_others, empty),
        cmocka_unit_test_setup(
            what_a_node_has_among_the_dead_letters_is_counted_through_every_way_out, empty),
        cmocka_unit_test_setup(a_flooding_node_is_put_off_and_others_are_not, empty),
        cmocka_unit_test_setup(no_node_takes_more_than_its_part_of_what_is_free, empty),
        cmocka_unit_test_setup(what_a_node_holds_is_counted_through_every_way_out, empty),
        cmocka_unit_test_setup(counts_that_were_lost_or_left_over_begin_anew, empty),
        cmocka_unit_test_setup(names_are_bounded_and_known_ones_go_on, empty),
        cmocka_unit_test_setup(while_too_many_are_new_only_known_nodes_are_taken, empty),
        cmocka_unit_test_setup(silent_names_make_room_once_it_is_needed, empty),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
