/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/merge/merge_state.h"

#include "libcommon/queue/queue_reports.h"
#include "receiver/merge/contact_recorder_state.h"
#include "tests/unit/store_fixture.h"

/* The store's fixture has a server, too. */
#define server redis_server
#include "tests/unit/with_queue.h"
#undef server

#include <inttypes.h>

/* When contacts are recorded, with a clock that only the tests move: each look takes TICK_MS. */
int64_t __wrap_sh_clock_monotonic_ms(void);

#define TICK_MS 20
#define INTERVAL_MS 10000
#define BLOCK_MS 500
#define NODES 4000

static int64_t now_ms;

int64_t __wrap_sh_clock_monotonic_ms(void)
{
    now_ms += TICK_MS;
    return now_ms;
}

static merge m;

static int loop_make(void **state)
{
    if (empty(state) != 0 || folder_make(state) != 0)
        return -1;
    now_ms = 1000000;
    m = (merge){.queue = open_queue()};
    m.merger.store = opened();
    return contact_recorder_new(&m.recorder, NULL) == SH_OK ? 0 : -1;
}

static int loop_remove(void **state)
{
    contact_recorder_free(m.recorder);
    store_close(m.merger.store);
    sh_queue_free(m.queue);
    return folder_remove(state);
}

static void put_contacts(int64_t ms)
{
    char value[48];
    (void)snprintf(value, sizeof value, "%" PRId64 " push", ms);
    for (int i = 0; i < NODES; i++)
        assert_int_equal(
            redisAppendCommand(redis_server.client, "HSET t:contacts node-%d %s", i, value),
            REDIS_OK);
    for (int i = 0; i < NODES; i++) {
        void *reply = NULL;
        assert_int_equal(redisGetReply(redis_server.client, &reply), REDIS_OK);
        freeReplyObject(reply);
    }
}

static int64_t recorded(int64_t since_ms)
{
    char text[120];
    (void)snprintf(text, sizeof text,
                   "SELECT count(*) FROM \"SyncHub_Nodes\" WHERE last_contact_ms >= %" PRId64,
                   since_ms);
    return strtoll(sql(text), NULL, 10);
}

static void record(void)
{
    sh_error error = {.code = SH_OK};
    must(merge_record_contacts(&m, &error), &error);
}

/* As the loop does it while there are no entries. Returns how many runs there were. */
static int finish(void)
{
    int runs = 0;
    do {
        int64_t next_ms = m.contacts.next_ms;
        record();
        runs += m.contacts.next_ms != next_ms;
        int64_t block_ms = merge_contacts_block_ms(&m, BLOCK_MS);
        assert_true(m.contacts.more ? block_ms <= m.contacts.next_ms - now_ms + TICK_MS
                                    : block_ms == BLOCK_MS);
        now_ms += m.contacts.more ? block_ms : 0;
    } while (m.contacts.more);
    return runs;
}

static void a_pass_begins_at_once_and_pauses_between_its_runs(void **state)
{
    (void)state;
    put_contacts(5);
    record();
    int64_t first = recorded(1);
    assert_true(m.contacts.more && first > 0 && first < NODES);
    assert_true(m.contacts.next_ms > now_ms); /* as long as the run took */
    now_ms = m.contacts.next_ms - 1 - TICK_MS;
    record();
    assert_int_equal(recorded(1), first);
    assert_true(finish() > 1);
    assert_int_equal(recorded(1), NODES);
}

static void the_next_pass_begins_ten_seconds_after_the_last_one(void **state)
{
    (void)state;
    put_contacts(5);
    (void)finish();
    int64_t begun_ms = m.contacts.begun_ms;
    put_contacts(5 + 60000);
    now_ms = begun_ms + INTERVAL_MS - 1 - TICK_MS;
    record();
    assert_int_equal(recorded(6), 0);
    record();
    (void)finish();
    assert_int_equal(recorded(6), NODES);
    put_contacts(5 + 120000);
    merge_contacts_forget(&m); /* another database: after the pause */
    now_ms = m.contacts.next_ms;
    (void)finish();
    assert_int_equal(recorded(5 + 120000), NODES);
}

static int64_t problems(void)
{
    return strtoll(sql("SELECT count(*) FROM SyncHub_Nodes WHERE problem_ms > 0"), NULL, 10);
}

static void put_problem(int node)
{
    sh_queue_report report = {.ms = 70000, .problem_ms = 70000, .kind = "key", .text = "no"};
    (void)snprintf(report.node, sizeof report.node, "node-%d", node);
    must(sh_queue_reports_put(m.queue, &report, 1, NULL, NULL), NULL);
}

/* Twenty contacts a millisecond; reports do not wait for them. */
static void passes_over_many_contacts_begin_later(void **state)
{
    (void)state;
    put_contacts(5);
    (void)finish();
    assert_int_equal(contact_recorder_count(m.recorder), NODES);
    m.recorder->count = 1000000;
    int64_t begun_ms = m.contacts.begun_ms;
    put_contacts(5 + 60000);
    for (int i = 1; i < 5; i++) {
        put_problem(i);
        now_ms = begun_ms + i * (INTERVAL_MS + INTERVAL_MS / 20);
        (void)finish();
        assert_int_equal(problems(), i);
        int64_t looked_ms = m.contacts.looked_ms;
        (void)finish(); /* nothing is due */
        assert_true(m.contacts.looked_ms == looked_ms);
    }
    assert_int_equal(recorded(6), 4); /* the nodes with a problem */
    now_ms = begun_ms + 6 * INTERVAL_MS;
    (void)finish();
    assert_int_equal(recorded(6), NODES);
}

static void a_single_run_of_the_program_does_not_pause(void **state)
{
    (void)state;
    put_contacts(5);
    m.until_empty = true;
    int rounds = 0;
    do {
        record();
        assert_int_equal(merge_contacts_block_ms(&m, BLOCK_MS), 0);
        rounds++;
    } while (m.contacts.more);
    assert_int_equal(recorded(1), NODES);
    assert_true(rounds <= NODES / 500);
}

static void after_a_failure_tables_are_merged_for_ten_seconds(void **state)
{
    (void)state;
    sh_error error = {.code = SH_OK};
    put_contacts(5);
    (void)sql("CREATE TRIGGER refuse BEFORE INSERT ON SyncHub_Nodes BEGIN"
              " SELECT raise(ABORT, 'no'); END");
    assert_int_not_equal(merge_record_contacts(&m, &error), SH_OK);
    int64_t failed_ms = now_ms;
    merge_contacts_forget(&m); /* as the database may be opened again */
    now_ms = failed_ms + INTERVAL_MS / 2;
    record();
    now_ms = failed_ms + INTERVAL_MS;
    sh_error_clear(&error);
    assert_int_not_equal(merge_record_contacts(&m, &error), SH_OK);
    (void)sql("DROP TRIGGER refuse");
    now_ms += INTERVAL_MS;
    (void)finish();
    assert_int_equal(recorded(1), NODES);
}

/* More of them at each run than it records. */
static void put_reports(void)
{
    for (int i = 0; i < 640; i += SH_REPORTS_AT_ONCE) {
        sh_queue_report reports[SH_REPORTS_AT_ONCE];
        for (int n = 0; n < SH_REPORTS_AT_ONCE; n++) {
            reports[n] = (sh_queue_report){.ms = 5, .problem_ms = 5, .kind = "key", .text = "no"};
            (void)snprintf(reports[n].node, sizeof reports[n].node, "node-%d", i + n);
        }
        must(sh_queue_reports_put(m.queue, reports, SH_REPORTS_AT_ONCE, NULL, NULL), NULL);
    }
}

static void a_flood_of_reports_delays_no_contacts(void **state)
{
    (void)state;
    put_contacts(5);
    for (int i = 0; i < 20; i++) {
        if (i == 10)
            put_contacts(5 + 60000);
        put_reports();
        record();
        assert_true(m.contacts.more);
        now_ms += INTERVAL_MS;
    }
    assert_int_equal(recorded(6), NODES);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, loop_make, loop_remove)
    const struct CMUnitTest tests[] = {
        TEST(a_pass_begins_at_once_and_pauses_between_its_runs),
        TEST(the_next_pass_begins_ten_seconds_after_the_last_one),
        TEST(passes_over_many_contacts_begin_later),
        TEST(a_single_run_of_the_program_does_not_pause),
        TEST(after_a_failure_tables_are_merged_for_ten_seconds),
        TEST(a_flood_of_reports_delays_no_contacts),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
