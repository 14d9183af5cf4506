/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/receiver/queue/dead_job_scripts.h"
#include "tests/unit/receiver/queue/dead_scripts.h"
#include "tests/unit/receiver/queue/metrics_scripts.h"

/* Tests each script separately; the tests of the calling modules cover their interaction. */

static void group_create_begins_at_the_first_entry(void **state)
{
    (void)state;
    const group_create_arguments create = {.keys = {SH_SLICE("ingest")}, .group = SH_SLICE("g")};
    (void)add_entry("n");
    assert_string_equal(ANSWER(group_create, create), "done");
    assert_string_equal(ANSWER(group_create, create), "done"); /* it is there */
    give_out("c", 10);
    assert_string_equal(pending_of("c"), "1");
    (void)ask("SET ingest text");
    assert_non_null(strstr(ANSWER(group_create, create), "WRONGTYPE"));
}

static void take_gives_no_more_once_it_has_its_bytes(void **state)
{
    (void)state;
    take_arguments take = {.keys = {SH_SLICE("ingest")},
                           .group = SH_SLICE("g"),
                           .consumer = SH_SLICE("c"),
                           .entries_max = SH_SLICE("10"),
                           .bytes_max = SH_SLICE("150")};
    assert_non_null(strstr(ANSWER(take, take), "NOGROUP"));
    make_group();
    assert_string_equal(ANSWER(take, take), "()");
    for (int i = 0; i < 5; i++)
        (void)add_entry("n"); /* 113 bytes, and `e`, `m`, `push` */
    (void)ANSWER(take, take);
    assert_string_equal(pending_of("c"), "2");
    take.bytes_max = SH_SLICE("100000");
    take.entries_max = SH_SLICE("1");
    (void)ANSWER(take, take);
    assert_string_equal(pending_of("c"), "3");
}

static void fetch_gives_what_is_there_in_the_order_of_the_ids(void **state)
{
    (void)state;
    (void)ask("XADD ingest 1-1 a b");
    (void)ask("XADD ingest 1-3 c d");
    fetch_arguments fetch = {.keys = {SH_SLICE("ingest")},
                             .bytes_max = SH_SLICE("100"),
                             .id = {SH_SLICE("1-3"), SH_SLICE("1-2"), SH_SLICE("1-1")}};
    sh_redis_arguments three = SH_REDIS_ARGUMENTS(fetch);
    three.argc = 2 + 3;
    assert_string_equal(script_answer(&sh_script_fetch, three), "((1-3 (c d)) (1-1 (a b)))");
    fetch.bytes_max = SH_SLICE("2");
    assert_string_equal(script_answer(&sh_script_fetch, three), "((1-3 (c d)))");
}

static void ack_removes_counts_and_publishes(void **state)
{
    (void)state;
    make_group();
    const char *first = add_entry("ab");
    const char *second = add_entry("ab");
    give_out("c", 2);
    (void)ask("HSET shares ab %s", "2 228");
    (void)ask("HSET failures %s 1", first);
    ack_arguments ack = {.keys = {.stream = SH_SLICE("ingest"),
                                  .bytes = SH_SLICE("bytes"),
                                  .failures = SH_SLICE("failures"),
                                  .digests = SH_SLICE("digests"),
                                  .shares = SH_SLICE("shares")},
                         .group = SH_SLICE("g"),
                         .entry = {{sh_slice_of(first), SH_SLICE("114"), SH_SLICE("ab"),
                                    SH_SLICE("ab"), SH_SLICE("0a 1")}}};
    sh_redis_arguments arguments = SH_REDIS_ARGUMENTS(ack);
    arguments.argc = 6 + 5;
    for (int i = 0; i < 2; i++) { /* twice, as after a lost answer */
        assert_string_equal(script_answer(&sh_script_ack, arguments), "done");
        assert_string_equal(ask("XLEN ingest"), "1");
        assert_string_equal(ask("GET bytes"), "114");
        assert_string_equal(ask("HGETALL shares"), "(ab 1 114)");
        assert_string_equal(ask("HGETALL digests"), "(ab 0a 1)");
        assert_string_equal(ask("EXISTS failures"), "0");
    }
    ack.entry[1] = (ack_entry_arguments){sh_slice_of(second), SH_SLICE("114"), SH_SLICE("ab"),
                                         SH_SLICE(""), SH_SLICE("")};
    arguments.argc = 6 + 2 * 5;
    assert_string_equal(script_answer(&sh_script_ack, arguments), "done");
    assert_string_equal(ask("EXISTS ingest shares"), "1"); /* an empty stream with its group */
    assert_string_equal(pending_of("c"), "0");
    assert_string_equal(ask("GET bytes"), "0");
}

/* A digest must be that of the node's last table, however receivers overtake each other. */
static void ack_publishes_the_newest_digest(void **state)
{
    (void)state;
    static const struct {
        const char *before, *published, *after;
    } cases[] = {
        {"queued 0a 1-1", "0a 5000", "0a 5000"}, {"queued 0b 1-1", "0a 5000", "queued 0b 1-1"},
        {"0b 4999", "0a 5000", "0a 5000"},       {"0b 5001", "0a 5000", "0b 5001"},
        {"0b 9005000", "0a 5000", "0a 5000"}, /* of a clock that was set back */
        {"nonsense", "0a 5000", "0a 5000"},
    };
    make_group();
    ack_arguments ack = {.keys = {.stream = SH_SLICE("ingest"),
                                  .bytes = SH_SLICE("bytes"),
                                  .failures = SH_SLICE("failures"),
                                  .digests = SH_SLICE("digests"),
                                  .shares = SH_SLICE("shares")},
                         .group = SH_SLICE("g")};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *id = add_entry("ab");
        (void)ask("HSET digests ab %s", cases[i].before);
        ack.entry[0] = (ack_entry_arguments){sh_slice_of(id), SH_SLICE("114"), SH_SLICE("ab"),
                                             SH_SLICE("ab"), sh_slice_of(cases[i].published)};
        sh_redis_arguments arguments = SH_REDIS_ARGUMENTS(ack);
        arguments.argc = 6 + 5;
        assert_string_equal(script_answer(&sh_script_ack, arguments), "done");
        assert_string_equal(ask("HGET digests ab"), cases[i].after);
    }
}

/* Of tables A, B, A the first must not make a contact with B, or with A, "unchanged". */
static void ack_publishes_no_digest_while_a_later_table_waits(void **state)
{
    (void)state;
    char note[80];
    make_group();
    const char *tables[] = {"0a", "0b", "0a"};
    const char *ids[3];
    for (size_t i = 0; i < 3; i++)
        ids[i] = add_entry("ab");
    (void)snprintf(note, sizeof note, "queued 0a %s", ids[2]);
    (void)ask("HSET digests ab %s", note);
    for (size_t i = 0; i < 3; i++) {
        char value[24];
        (void)snprintf(value, sizeof value, "%s 500%zu", tables[i], i);
        ack_arguments ack = {.keys = {.stream = SH_SLICE("ingest"),
                                      .bytes = SH_SLICE("bytes"),
                                      .failures = SH_SLICE("failures"),
                                      .digests = SH_SLICE("digests"),
                                      .shares = SH_SLICE("shares")},
                             .group = SH_SLICE("g"),
                             .entry = {{sh_slice_of(ids[i]), SH_SLICE("114"), SH_SLICE("ab"),
                                        SH_SLICE("ab"), sh_slice_of(value)}}};
        sh_redis_arguments arguments = SH_REDIS_ARGUMENTS(ack);
        arguments.argc = 6 + 5;
        assert_string_equal(script_answer(&sh_script_ack, arguments), "done");
        assert_string_equal(ask("HGET digests ab"), i < 2 ? note : "0a 5002");
    }
    /* Parts can be merged in another order than they were queued. */
    ids[0] = add_entry("ab");
    (void)snprintf(note, sizeof note, "queued 0a %s", add_entry("ab"));
    (void)ask("HSET digests ab %s", note);
    (void)ask("XDEL ingest %s", note + strlen("queued 0a "));
    ack_arguments ack = {.keys = {.stream = SH_SLICE("ingest"),
                                  .bytes = SH_SLICE("bytes"),
                                  .failures = SH_SLICE("failures"),
                                  .digests = SH_SLICE("digests"),
                                  .shares = SH_SLICE("shares")},
                         .group = SH_SLICE("g"),
                         .entry = {{sh_slice_of(ids[0]), SH_SLICE("114"), SH_SLICE("ab"),
                                    SH_SLICE("ab"), SH_SLICE("0a 6000")}}};
    sh_redis_arguments arguments = SH_REDIS_ARGUMENTS(ack);
    arguments.argc = 6 + 5;
    assert_string_equal(script_answer(&sh_script_ack, arguments), "done");
    assert_string_equal(ask("HGET digests ab"), "0a 6000");
}

/* As when merge starts, or finds an earlier state of the database. */
static void digests_are_published_again_but_for_nodes_with_a_table_in_the_queue(void **state)
{
    (void)state;
    const digests_clear_arguments clear = {
        .keys = {.digests = SH_SLICE("digests"), .shares = SH_SLICE("shares")}};
    (void)ask("HSET digests waits %s", "queued 0b 5-1");
    (void)ask("HSET digests gone %s merged %s", "queued 0b 4-1", "0a 1");
    (void)ask("HSET shares waits %s merged %s", "1 100", "2 300");
    assert_string_equal(ANSWER(digests_clear, clear), "done");
    assert_string_equal(ask("HGETALL digests"), "(waits queued 0b 5-1)");
    (void)ask("HSET digests later %s", "0b 6");
    digests_publish_arguments set = {.keys = {SH_SLICE("digests")},
                                     .published = {{SH_SLICE("later"), SH_SLICE("0a 5")},
                                                   {SH_SLICE("waits"), SH_SLICE("0a 2")},
                                                   {SH_SLICE("gone"), SH_SLICE("0a 3")},
                                                   {SH_SLICE("merged"), SH_SLICE("0a 4")}}};
    sh_redis_arguments arguments = SH_REDIS_ARGUMENTS(set);
    arguments.argc = 1 + 2 * 4;
    assert_string_equal(script_answer(&sh_script_digests_publish, arguments), "done");
    assert_string_equal(ask("HGET digests waits"), "queued 0b 5-1");
    assert_string_equal(ask("HGET digests later"), "0b 6"); /* merged meanwhile by another */
    assert_string_equal(ask("HGET digests gone"), "0a 3");
    assert_string_equal(ask("HGET digests merged"), "0a 4");
    assert_string_equal(ANSWER(digests_clear, clear), "done");
    assert_string_equal(ask("HGETALL digests"), "(waits queued 0b 5-1)");
}

static void digests_publish_writes_them_all(void **state)
{
    (void)state;
    digests_publish_arguments set = {
        .keys = {SH_SLICE("digests")},
        .published = {{SH_SLICE("a"), SH_SLICE("1")}, {SH_SLICE("b"), SH_SLICE("2")}}};
    sh_redis_arguments two = SH_REDIS_ARGUMENTS(set);
    two.argc = 1 + 4;
    assert_string_equal(script_answer(&sh_script_digests_publish, two), "done");
    for (size_t i = 0; i < DIGESTS_SET_MAX; i++)
        set.published[i].node = set.published[i].digest = SH_SLICE("a");
    assert_string_equal(ANSWER(digests_publish, set), "done"); /* as many as fit are one call */
    assert_string_equal(ask("HMGET digests a b"), "(a 2)");
}

static void failures_add_forgets_what_comes_to_nothing(void **state)
{
    (void)state;
    failures_add_arguments add = {
        .keys = {SH_SLICE("failures")}, .id = SH_SLICE("1-1"), .add = SH_SLICE("1")};
    assert_string_equal(ANSWER(failures_add, add), "1");
    assert_string_equal(ANSWER(failures_add, add), "2");
    add.add = SH_SLICE("-1");
    assert_string_equal(ANSWER(failures_add, add), "1");
    assert_string_equal(ANSWER(failures_add, add), "0");
    assert_string_equal(ask("EXISTS failures"), "0");
    assert_string_equal(ANSWER(failures_add, add), "-1");
    assert_string_equal(ask("EXISTS failures"), "0");
}

/* How long the first pending entry is held, in ms. */
static long long held_ms(void)
{
    redisReply *reply = redisCommand(server.client, "XPENDING ingest g - + 1");
    long long ms = reply->element[0]->element[2]->integer;
    freeReplyObject(reply);
    return ms;
}

/* A time in the future requires a clock that is set back, as in the integration tests. */
static void restamp_leaves_what_was_held_for_a_while_and_goes_on(void **state)
{
    (void)state;
    const restamp_arguments restamp = {.keys = {SH_SLICE("ingest")},
                                       .group = SH_SLICE("g"),
                                       .from = SH_SLICE("-"),
                                       .entries_max = SH_SLICE("2")};
    make_group();
    const char *id = add_entry("n");
    give_out("c", 1);
    (void)ask("XCLAIM ingest g c 0 %s IDLE 3600000 JUSTID", id);
    assert_string_equal(ANSWER(restamp, restamp), "-");
    assert_true(held_ms() >= 3600000);
    (void)add_entry("n");
    give_out("c", 1);
    char next[64];
    (void)snprintf(next, sizeof next, "(%s", entry_id("ingest", 1));
    assert_string_equal(ANSWER(restamp, restamp), next);
    redisReply *reply = redisCommand(server.client, "XPENDING ingest g - + 10 c");
    assert_int_equal(reply->elements, 2);
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(reply->element[i]->element[3]->integer, 1); /* no delivery is counted */
    freeReplyObject(reply);
}

static void claims_touch_sets_the_idle_time_and_counts_no_delivery(void **state)
{
    (void)state;
    claims_touch_arguments touch = {.keys = {SH_SLICE("ingest")},
                                    .group = SH_SLICE("g"),
                                    .consumer = SH_SLICE("c"),
                                    .from = SH_SLICE("-"),
                                    .idle_ms = SH_SLICE("3600000")};
    make_group();
    assert_string_equal(ANSWER(claims_touch, touch), "");
    char id[48];
    (void)snprintf(id, sizeof id, "%s", add_entry("n"));
    give_out("c", 1);
    assert_string_equal(ANSWER(claims_touch, touch), id);
    assert_true(held_ms() >= 3600000);
    touch.idle_ms = SH_SLICE("0");
    assert_string_equal(ANSWER(claims_touch, touch), id);
    assert_true(held_ms() < 3600000);
    redisReply *reply = redisCommand(server.client, "XPENDING ingest g - + 1");
    assert_int_equal(reply->element[0]->element[3]->integer, 1);
    freeReplyObject(reply);
    touch.consumer = SH_SLICE("other");
    assert_string_equal(ANSWER(claims_touch, touch), "");
}

static void consumers_delete_idle_forgets_those_that_hold_nothing(void **state)
{
    (void)state;
    consumers_delete_idle_arguments tidy = {
        .keys = {SH_SLICE("ingest")}, .group = SH_SLICE("g"), .idle_ms = SH_SLICE("3600000")};
    make_group();
    (void)add_entry("n");
    give_out("holds", 1);
    (void)ask("XGROUP CREATECONSUMER ingest g gone");
    assert_string_equal(ANSWER(consumers_delete_idle, tidy), "done");
    assert_int_equal(redis_ask(&server, "XGROUP CREATECONSUMER ingest g gone"), 0); /* exists */
    tidy.idle_ms = SH_SLICE("-1");
    assert_string_equal(ANSWER(consumers_delete_idle, tidy), "done");
    assert_int_equal(redis_ask(&server, "XGROUP CREATECONSUMER ingest g gone"), 1);
    assert_string_equal(pending_of("holds"), "1");
}

static void consumer_end_strands_nothing(void **state)
{
    (void)state;
    consumer_end_arguments end = {
        .keys = {SH_SLICE("ingest")}, .group = SH_SLICE("g"), .consumer = SH_SLICE("c")};
    const activity_get_arguments activity = {{end.keys.stream, SH_SLICE("merging")}, end.group};
    assert_string_equal(ANSWER(activity_get, activity), ""); /* there is no stream yet */
    make_group();
    const char *id = add_entry("n");
    give_out("c", 1);
    (void)ask("SET merging x");
    assert_string_equal(ANSWER(consumer_end, end), "done");
    assert_string_equal(pending_of("c"), "1");
    assert_string_equal(ANSWER(activity_get, activity), "x");
    (void)ask("XACK ingest g %s", id);
    assert_string_equal(ANSWER(consumer_end, end), "done");
    assert_string_equal(ANSWER(activity_get, activity), ""); /* nobody is active */
    assert_int_equal(redis_ask(&server, "XGROUP CREATECONSUMER ingest g c"), 1); /* did not exist */
}

static void key_set_keeps_the_first_unless_it_replaces(void **state)
{
    (void)state;
    key_set_arguments set = {
        .keys = {SH_SLICE("key")}, .value = SH_SLICE("one"), .replace = SH_SLICE("")};
    assert_string_equal(ANSWER(key_set, set), "done");
    set.value = SH_SLICE("two");
    (void)ANSWER(key_set, set);
    assert_string_equal(ask("GET key"), "one");
    set.replace = SH_SLICE("1");
    assert_string_equal(ANSWER(key_set, set), "done");
    assert_string_equal(ask("GET key"), "two");
}

static void settings_are_replaced_only_if_nobody_did_so_meanwhile(void **state)
{
    (void)state;
    const settings_state_arguments now = {{SH_SLICE("settings"), SH_SLICE("version")}};
    settings_publish_arguments publish = {.keys = {SH_SLICE("settings"), SH_SLICE("version")},
                                          .expected = SH_SLICE(""),
                                          .version = SH_SLICE("v1"),
                                          .text = SH_SLICE("{}")};
    assert_string_equal(ANSWER(settings_state, now), "");
    assert_string_equal(ANSWER(settings_publish, publish), "done");
    assert_string_equal(ANSWER(settings_state, now), "v1");
    publish.version = SH_SLICE("v2");
    assert_string_equal(ANSWER(settings_publish, publish), "changed");
    publish.expected = SH_SLICE("v1");
    assert_string_equal(ANSWER(settings_publish, publish), "done");
    assert_string_equal(ask("GET version"), "v2");
    (void)ask("DEL settings"); /* a part of it was lost */
    assert_string_equal(ANSWER(settings_state, now), "");
    publish.expected = SH_SLICE("");
    assert_string_equal(ANSWER(settings_publish, publish), "done");
}

static void newest_heads_gives_the_beginnings_of_the_last(void **state)
{
    (void)state;
    const queue_oldest_arguments oldest = {{SH_SLICE("ingest")}};
    (void)ask("XADD ingest 1-1 e first m push");
    (void)ask("XADD ingest 1-2 e second m push");
    (void)ask("XADD ingest 1-3 e third m push");
    newest_heads_arguments heads = {.keys = {SH_SLICE("ingest")},
                                    .entries_max = SH_SLICE("2"),
                                    .head_bytes = SH_SLICE("3"),
                                    .bytes_max = SH_SLICE("100")};
    assert_string_equal(ANSWER(newest_heads, heads), "(thi 5 sec 6)");
    heads.bytes_max = SH_SLICE("5");
    assert_string_equal(ANSWER(newest_heads, heads), "(thi 5)");
    assert_string_equal(ANSWER(queue_oldest, oldest), "1-1");
}

static void nodes_waiting_names_the_nodes_and_where_to_go_on(void **state)
{
    (void)state;
    nodes_waiting_arguments waiting = {.keys = {SH_SLICE("ingest")},
                                       .from = SH_SLICE("-"),
                                       .entries_max = SH_SLICE("2"),
                                       .bytes_max = SH_SLICE("10000")};
    assert_string_equal(ANSWER(nodes_waiting, waiting), "()"); /* one name, "" */
    (void)add_entry("a");
    (void)add_entry("b");
    (void)add_entry("a");
    char expected[80], from[64];
    (void)snprintf(expected, sizeof expected, "(%s a b)", entry_id("ingest", 1));
    assert_string_equal(ANSWER(nodes_waiting, waiting), expected);
    (void)snprintf(from, sizeof from, "(%s", entry_id("ingest", 1));
    waiting.from = sh_slice_of(from);
    (void)snprintf(expected, sizeof expected, "(%s a)", entry_id("ingest", 2));
    assert_string_equal(ANSWER(nodes_waiting, waiting), expected);
    waiting.from = SH_SLICE("-");
    waiting.bytes_max = SH_SLICE("1");
    (void)snprintf(expected, sizeof expected, "(%s a)", entry_id("ingest", 0));
    assert_string_equal(ANSWER(nodes_waiting, waiting), expected);
}

static void nodes_publish_puts_a_staged_list_in_place(void **state)
{
    (void)state;
    const nodes_state_arguments now = {{SH_SLICE("nodes"), SH_SLICE("nodes:version")}};
    nodes_stage_arguments stage = {
        {SH_SLICE("new")}, SH_SLICE("me"), SH_SLICE("1"), {{now.keys.nodes, SH_SLICE("1")}}};
    nodes_publish_arguments publish = {{now.keys.nodes, now.keys.nodes_version, SH_SLICE("new")},
                                       SH_SLICE("other"),
                                       SH_SLICE("1"),
                                       SH_SLICE("v0"),
                                       SH_SLICE("v1")};
    sh_redis_arguments one = SH_REDIS_ARGUMENTS(stage);
    one.argc -= 2 * (NODES_STAGE_MAX - 1);
    assert_string_equal(script_answer(&sh_script_nodes_stage, one), "done");
    assert_string_equal(ANSWER(nodes_publish, publish), "changed");
    publish.expected = SH_SLICE("");
    assert_string_equal(ANSWER(nodes_publish, publish), "other"); /* not its list */
    publish.owner = SH_SLICE("me");
    assert_string_equal(ANSWER(nodes_publish, publish), "done");
    assert_string_equal(ANSWER(nodes_state, now), "(v1 1)");
}

static void every_script_has_a_test(void **state)
{
    (void)state;
    check_all_scripts(receiver_scripts);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup(f, empty)
    const struct CMUnitTest tests[] = {
        TEST(group_create_begins_at_the_first_entry),
        TEST(take_gives_no_more_once_it_has_its_bytes),
        TEST(fetch_gives_what_is_there_in_the_order_of_the_ids),
        TEST(ack_removes_counts_and_publishes),
        TEST(ack_publishes_the_newest_digest),
        DEAD_SCRIPTS_TESTS,
        DEAD_JOB_SCRIPTS_TESTS,
        TEST(digests_publish_writes_them_all),
        TEST(digests_are_published_again_but_for_nodes_with_a_table_in_the_queue),
        TEST(ack_publishes_no_digest_while_a_later_table_waits),
        TEST(failures_add_forgets_what_comes_to_nothing),
        TEST(restamp_leaves_what_was_held_for_a_while_and_goes_on),
        TEST(claims_touch_sets_the_idle_time_and_counts_no_delivery),
        TEST(consumers_delete_idle_forgets_those_that_hold_nothing),
        TEST(consumer_end_strands_nothing),
        TEST(key_set_keeps_the_first_unless_it_replaces),
        TEST(settings_are_replaced_only_if_nobody_did_so_meanwhile),
        TEST(newest_heads_gives_the_beginnings_of_the_last),
        METRICS_SCRIPTS_TESTS,
        TEST(nodes_waiting_names_the_nodes_and_where_to_go_on),
        TEST(nodes_publish_puts_a_staged_list_in_place),
        TEST(every_script_has_a_test),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
