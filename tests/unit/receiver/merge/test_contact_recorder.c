/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/merge/contact_recorder.h"

#include "libcommon/base/clock.h"
#include "libcommon/queue/queue_reports.h"
#include "tests/unit/store_fixture.h"

/* The store's fixture has a server, too. */
#define server redis_server
#include "tests/unit/with_queue.h"
#undef server

#include <inttypes.h>

/* Contacts and reports from a real Redis to a real database. */

#define MANY 20000
#define STEP_MS 60000 /* a node's contacts are recorded with this distance */

typedef struct {
    store *s;
    sh_queue *queue;
    contact_recorder *recorder;
    int64_t now_ms;
} hub;

static int make_all(void **state)
{
    (void)redis_ask(&redis_server, "CONFIG SET hash-max-listpack-entries 128");
    return empty(state) == 0 ? folder_make(state) : -1;
}

static contact_recorder *new_recorder(void)
{
    contact_recorder *r = NULL;
    must(contact_recorder_new(&r, NULL), NULL);
    return r;
}

static hub hub_make(void)
{
    return (hub){opened(), open_queue(), new_recorder(), sh_clock_unix_ms()};
}

static void hub_end(hub *h)
{
    contact_recorder_free(h->recorder);
    sh_queue_free(h->queue);
    store_close(h->s);
}

static const char *name_of(int node)
{
    static char name[32];
    (void)snprintf(name, sizeof name, "node-%d", node);
    return name;
}

/* Nodes [first, end) were in contact at that time. */
static void put_contacts(int first, int end, int64_t ms)
{
    char value[48];
    (void)snprintf(value, sizeof value, "%" PRId64 " push", ms);
    for (int i = first; i < end; i++)
        assert_int_equal(
            redisAppendCommand(redis_server.client, "HSET t:contacts %s %s", name_of(i), value),
            REDIS_OK);
    for (int i = first; i < end; i++) {
        void *reply = NULL;
        assert_int_equal(redisGetReply(redis_server.client, &reply), REDIS_OK);
        freeReplyObject(reply);
    }
}

static bool run(hub *h)
{
    bool more = false;
    sh_error error = {.code = SH_OK};
    must(contact_recorder_run(h->recorder, h->s, h->queue, &more, &error), &error);
    return more;
}

/* Finishes the pass; returns how many runs it took. */
static int finish(hub *h)
{
    int runs = 1;
    while (run(h))
        runs++;
    return runs;
}

static int pass(hub *h)
{
    assert_true(contact_recorder_begin(h->recorder));
    return finish(h);
}

static int64_t ask(const char *text)
{
    return strtoll(sql(text), NULL, 10);
}

static int64_t recorded(void)
{
    return ask("SELECT count(*) FROM \"SyncHub_Nodes\" WHERE last_contact_ms > 0");
}

static int64_t contact_of(int node)
{
    char text[120];
    (void)snprintf(text, sizeof text,
                   "SELECT last_contact_ms FROM \"SyncHub_Nodes\" WHERE node = '%s'",
                   name_of(node));
    return ask(text);
}

/* So that a row that is written again is noticed. */
static void set_contacts(int64_t ms)
{
    char text[120];
    (void)snprintf(text, sizeof text, "UPDATE \"SyncHub_Nodes\" SET last_contact_ms = %" PRId64,
                   ms);
    (void)sql(text);
}

static int64_t count_with(int64_t ms)
{
    char text[120];
    (void)snprintf(text, sizeof text,
                   "SELECT count(*) FROM \"SyncHub_Nodes\" WHERE last_contact_ms = %" PRId64, ms);
    return ask(text);
}

/* How often Redis was asked for a piece of a hash. */
static int64_t count_pieces(void)
{
    redisReply *reply = redisCommand(redis_server.client, "INFO commandstats");
    const char *hscan = strstr(reply->str, "cmdstat_hscan:calls=");
    int64_t calls = hscan == NULL ? 0 : strtoll(hscan + strlen("cmdstat_hscan:calls="), NULL, 10);
    freeReplyObject(reply);
    (void)redis_ask(&redis_server, "CONFIG RESETSTAT");
    return calls;
}

static void report_problem(const hub *h, int node, int64_t ms)
{
    sh_queue_report report = {
        .ms = ms, .problem_ms = ms, .status = 403, .kind = "key", .text = "wrong key"};
    (void)snprintf(report.node, sizeof report.node, "%s", name_of(node));
    must(sh_queue_reports_put(h->queue, &report, 1, NULL, NULL), NULL);
}

static int64_t problem_of(int node)
{
    char text[120];
    (void)snprintf(text, sizeof text, "SELECT problem_ms FROM \"SyncHub_Nodes\" WHERE node = '%s'",
                   name_of(node));
    return ask(text);
}

static void recording_takes_as_many_reads_as_there_are_contacts(void **state)
{
    (void)state;
    hub h = hub_make();
    put_contacts(0, MANY / 4, h.now_ms);
    (void)count_pieces();
    (void)pass(&h);
    assert_int_equal(recorded(), MANY / 4);
    int64_t few = count_pieces();
    contact_recorder_clear(h.recorder);
    put_contacts(0, MANY, h.now_ms + STEP_MS);
    (void)pass(&h);
    assert_int_equal(recorded(), MANY);
    int64_t many = count_pieces();
    assert_true(many < 5 * few);
    assert_true(many < MANY / 50);
    hub_end(&h);
}

static void what_has_not_changed_is_only_read(void **state)
{
    (void)state;
    hub h = hub_make();
    put_contacts(0, MANY / 4, h.now_ms);
    (void)pass(&h);
    set_contacts(5);
    put_contacts(0, 100, h.now_ms + STEP_MS - 1);
    assert_true(pass(&h) <= 1 + MANY / 4 / 16 / 250);
    assert_int_equal(count_with(5), MANY / 4);
    put_contacts(0, 100, h.now_ms + STEP_MS);
    (void)pass(&h);
    assert_int_equal(count_with(5), MANY / 4 - 100);
    hub_end(&h);
}

static void a_contact_that_changes_behind_the_cursor_is_recorded_by_the_next_pass(void **state)
{
    (void)state;
    hub h = hub_make();
    int64_t before_ms = h.now_ms - 2 * STEP_MS;
    put_contacts(0, MANY / 4, before_ms);
    assert_true(contact_recorder_begin(h.recorder));
    assert_true(run(&h));
    int node = 0;
    while (contact_of(node) != before_ms) /* the order in Redis is its own */
        node++;
    put_contacts(node, node + 1, h.now_ms);
    (void)finish(&h);
    assert_int_equal(recorded(), MANY / 4);
    assert_int_equal(contact_of(node), before_ms);
    (void)pass(&h);
    assert_int_equal(contact_of(node), h.now_ms);
    hub_end(&h);
}

static void a_piece_that_has_too_many_contacts_is_read_again(void **state)
{
    (void)state;
    hub h = hub_make();
    (void)redis_ask(&redis_server, "CONFIG SET hash-max-listpack-entries 1000000");
    put_contacts(0, MANY / 4, h.now_ms);
    (void)count_pieces();
    int runs = pass(&h);
    assert_int_equal(recorded(), MANY / 4);
    assert_true(runs > 1 && runs <= 5);
    assert_true(count_pieces() <= 5 * runs);
    hub_end(&h);
}

static void contacts_in_the_future_are_recorded_once(void **state)
{
    (void)state;
    hub h = hub_make();
    int64_t future_ms = h.now_ms + INT64_C(86400000);
    put_contacts(0, 3000, future_ms);
    (void)pass(&h);
    assert_int_equal(recorded(), 3000);
    assert_int_equal(count_with(future_ms), 0);
    set_contacts(5);
    assert_int_equal(pass(&h), 1); /* nothing is due */
    assert_int_equal(count_with(5), 3000);
    put_contacts(0, 10, h.now_ms); /* the clock was set back, and they come again */
    (void)pass(&h);
    assert_int_equal(count_with(h.now_ms), 10);
    hub_end(&h);
}

static void a_report_is_recorded_with_its_contact_wherever_the_pass_is(void **state)
{
    (void)state;
    hub h = hub_make();
    int64_t ms = h.now_ms - 10000;
    put_contacts(0, MANY / 4, ms);
    assert_true(contact_recorder_begin(h.recorder));
    assert_true(run(&h));
    for (int node = 0; node < 300; node++)
        report_problem(&h, node, node % 3 == 0 ? ms : node % 3 == 1 ? ms + 1 : ms - 1);
    (void)run(&h);
    for (int node = 0; node < 300; node++) {
        assert_int_equal(contact_of(node), ms);
        /* a contact of the same time came before its problem */
        assert_int_equal(problem_of(node), node % 3 == 2 ? 0 : ms + node % 3);
    }
    assert_int_equal(redis_ask(&redis_server, "HLEN t:problems"), 0);
    (void)finish(&h);
    put_contacts(0, 3, ms + 2); /* within a minute */
    (void)pass(&h);
    for (int node = 0; node < 3; node++)
        assert_int_equal(problem_of(node), 0);
    assert_int_equal(problem_of(3), ms);
    assert_int_equal(recorded(), MANY / 4);
    hub_end(&h);
}

static void reports_are_recorded_between_passes(void **state)
{
    (void)state;
    hub h = hub_make();
    put_contacts(0, 10, h.now_ms);
    report_problem(&h, 3, h.now_ms);
    assert_false(run(&h));
    assert_int_equal(problem_of(3), h.now_ms);
    assert_int_equal(recorded(), 1);
    hub_end(&h);
}

static void a_contact_that_another_receiver_recorded_is_not_written_again(void **state)
{
    (void)state;
    hub h = hub_make();
    contact_recorder *first = h.recorder, *second = new_recorder();
    int64_t ms = h.now_ms - STEP_MS;
    put_contacts(0, 3000, ms);
    (void)pass(&h);
    set_contacts(ms - 100); /* as of another contact in the same minute */
    report_problem(&h, 1, ms - 200);
    h.recorder = second;
    (void)pass(&h);
    assert_int_equal(count_with(ms - 100), 2999);
    put_contacts(0, 100, ms - 100 + STEP_MS); /* a minute after what the database has */
    (void)pass(&h);
    assert_int_equal(count_with(ms - 100 + STEP_MS), 99);
    h.recorder = first;
    (void)pass(&h);
    assert_int_equal(recorded(), 3000);
    assert_int_equal(count_with(ms - 100), 2900);
    contact_recorder_free(second);
    hub_end(&h);
}

static void a_problem_ends_even_if_another_receiver_recorded_a_contact(void **state)
{
    (void)state;
    hub h = hub_make();
    put_contacts(0, 2, h.now_ms - 3);
    (void)pass(&h);
    report_problem(&h, 1, h.now_ms - 2);
    (void)pass(&h);
    put_contacts(1, 2, h.now_ms - 1);
    contact_recorder *first = h.recorder;
    h.recorder = new_recorder();
    (void)pass(&h);
    assert_int_equal(problem_of(1), 0);
    contact_recorder_free(first);
    hub_end(&h);
}

static void after_another_database_was_opened_all_contacts_are_recorded(void **state)
{
    (void)state;
    hub h = hub_make();
    put_contacts(0, 3000, h.now_ms);
    (void)pass(&h);
    (void)sql("DELETE FROM \"SyncHub_Nodes\"");
    (void)pass(&h);
    assert_int_equal(recorded(), 0);
    assert_true(contact_recorder_begin(h.recorder));
    assert_false(contact_recorder_begin(h.recorder)); /* it is under way */
    contact_recorder_clear(h.recorder);
    assert_false(run(&h)); /* it ended the pass */
    (void)pass(&h);
    assert_int_equal(recorded(), 3000);
    hub_end(&h);
}

static void on_another_connection_the_pass_begins_again(void **state)
{
    (void)state;
    hub h = hub_make();
    put_contacts(0, MANY / 4, h.now_ms);
    assert_true(contact_recorder_begin(h.recorder));
    assert_true(run(&h));
    (void)redis_ask(&redis_server, "CLIENT KILL TYPE normal SKIPME yes");
    (void)count_pieces();
    bool more = true;
    while (more) { /* a call that breaks off fails, and nothing is lost by it */
        sh_error error = {.code = SH_OK};
        sh_err err = contact_recorder_run(h.recorder, h.s, h.queue, &more, &error);
        assert_true(err == SH_OK || (err == SH_E_NETWORK && more));
    }
    assert_int_equal(recorded(), MANY / 4);
    hub_end(&h);
}

static void a_failed_transaction_is_done_again(void **state)
{
    (void)state;
    hub h = hub_make();
    put_contacts(0, MANY / 4, h.now_ms);
    report_problem(&h, 5, h.now_ms);
    assert_true(contact_recorder_begin(h.recorder));
    assert_true(run(&h));
    (void)sql("CREATE TRIGGER refuse BEFORE INSERT ON SyncHub_Nodes BEGIN"
              " SELECT raise(ABORT, 'no'); END");
    bool more = false;
    sh_error error = {.code = SH_OK};
    assert_int_not_equal(contact_recorder_run(h.recorder, h.s, h.queue, &more, &error), SH_OK);
    assert_true(more);
    (void)sql("DROP TRIGGER refuse");
    (void)finish(&h);
    assert_int_equal(recorded(), MANY / 4);
    assert_int_equal(problem_of(5), h.now_ms);
    hub_end(&h);
}

/* As by `node forget` while a run is under way. */
static void a_node_that_redis_does_not_know_any_more_is_not_recorded(void **state)
{
    (void)state;
    hub h = hub_make();
    static const char *const nodes[] = {"node-0", "node-1", "node-2", "http://a:1"};
    bool known[4];
    put_contacts(0, 2, h.now_ms);
    sh_queue_report report = {
        .node = "http://a:1", .ms = 1, .problem_ms = 1, .kind = "pull", .text = "down"};
    must(sh_queue_reports_put(h.queue, &report, 1, NULL, NULL), NULL);
    must(sh_queue_nodes_are_known(h.queue, nodes, 4, known, NULL), NULL);
    assert_true(known[0] && known[1] && !known[2] && known[3]);
    must(sh_queue_node_forget(h.queue, "node-1", NULL), NULL);
    (void)pass(&h);
    assert_int_equal(recorded(), 1);
    hub_end(&h);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, make_all, folder_remove)
    const struct CMUnitTest tests[] = {
        TEST(recording_takes_as_many_reads_as_there_are_contacts),
        TEST(what_has_not_changed_is_only_read),
        TEST(a_contact_that_changes_behind_the_cursor_is_recorded_by_the_next_pass),
        TEST(a_piece_that_has_too_many_contacts_is_read_again),
        TEST(contacts_in_the_future_are_recorded_once),
        TEST(a_report_is_recorded_with_its_contact_wherever_the_pass_is),
        TEST(reports_are_recorded_between_passes),
        TEST(a_contact_that_another_receiver_recorded_is_not_written_again),
        TEST(a_problem_ends_even_if_another_receiver_recorded_a_contact),
        TEST(after_another_database_was_opened_all_contacts_are_recorded),
        TEST(on_another_connection_the_pass_begins_again),
        TEST(a_failed_transaction_is_done_again),
        TEST(a_node_that_redis_does_not_know_any_more_is_not_recorded),
    };
    const struct CMUnitTest of_postgres[] = {
        TEST(contacts_in_the_future_are_recorded_once),
        TEST(a_contact_that_another_receiver_recorded_is_not_written_again),
        TEST(a_problem_ends_even_if_another_receiver_recorded_a_contact),
        TEST(after_another_database_was_opened_all_contacts_are_recorded),
    };
    int failed = cmocka_run_group_tests_name("SQLite", tests, start, stop);
    if (server_start(NULL) != 0 || start(NULL) != 0)
        return 1;
    failed += cmocka_run_group_tests_name("PostgreSQL", of_postgres, NULL, NULL);
    (void)stop(NULL);
    (void)server_stop(NULL);
    return failed;
}
