/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/queue/queue_scripts.h"
#include "tests/unit/with_scripts.h"

/* Tests each script separately; the tests of the calling modules cover their interaction. */

#define PUTS_MAX 8
typedef struct {
    sh_put_arguments common;
    sh_put_argument put[PUTS_MAX];
} put_arguments;

static sh_put_argument put_of(const char *node, const char *item)
{
    return (sh_put_argument){
        .envelope = envelope_of(node),
        .mode = SH_SLICE("push"),
        .node = sh_slice_of(node),
        .item = sh_slice_of(item),
        .newcomer = SH_SLICE("yes"),
    };
}

static put_arguments puts_of(const char *node, const char *item)
{
    return (put_arguments){
        .common = {.keys = {.stream = SH_SLICE("ingest"),
                            .ids = SH_SLICE("ids"),
                            .ids_old = SH_SLICE("ids:old"),
                            .bytes = SH_SLICE("bytes"),
                            .contacts = SH_SLICE("contacts"),
                            .nodes_version = SH_SLICE("nodes:version"),
                            .digests = SH_SLICE("digests"),
                            .shares = SH_SLICE("shares"),
                            .ids_nodes = SH_SLICE("ids:nodes")},
                   .now_ms = SH_SLICE("5000"),
                   .unchanged_ms = SH_SLICE("1000"),
                   .entries_max = SH_SLICE("100"),
                   .bytes_max = SH_SLICE("10000"),
                   .node_entries_max = SH_SLICE("10"),
                   .node_bytes_max = SH_SLICE("1000"),
                   .node_part = SH_SLICE("4"),
                   .ids_max = SH_SLICE("3"),
                   .names_max = SH_SLICE("2"),
                   .node_ids_max = SH_SLICE("100"),
                   .ids_ttl_s = SH_SLICE("600")},
        .put = {put_of(node, item)},
    };
}

/* Of the first `count` puts: `(queued duplicate)`. */
static const char *put_answers(const put_arguments *puts, size_t count)
{
    sh_redis_arguments arguments = {.argv = (const sh_slice *)puts,
                                    .key_count = sizeof puts->common.keys / sizeof(sh_slice),
                                    .argc = (sizeof puts->common + count * sizeof puts->put[0]) /
                                            sizeof(sh_slice)};
    return script_answer(&sh_script_queue_put, arguments);
}

static void put_queues_and_notes_all_of_it(void **state)
{
    (void)state;
    put_arguments puts = puts_of("ab", "1");
    assert_string_equal(put_answers(&puts, 1), "(welcome)");
    assert_string_equal(put_answers(&puts, 1), "(duplicate)");
    puts.put[0].item = SH_SLICE("2");
    assert_string_equal(put_answers(&puts, 1), "(queued)"); /* the node is known now */
    assert_string_equal(ask("XLEN ingest"), "2");
    assert_string_equal(ask("GET bytes"), "228");
    assert_string_equal(ask("HGET shares ab"), "2 228");
    assert_string_equal(ask("HGET contacts ab"), "5000 push");
    puts.put[0].item = SH_SLICE("3"); /* the newer set of ids is full */
    assert_string_equal(put_answers(&puts, 1), "(queued)");
    assert_string_equal(ask("SCARD ids:old"), "3");
    assert_string_equal(ask("EXISTS ids"), "0");
    assert_string_equal(put_answers(&puts, 1), "(duplicate)");
}

static void put_remembers_a_share_of_each_nodes_items_and_for_a_while(void **state)
{
    (void)state;
    put_arguments puts = puts_of("ab", "1");
    puts.common.ids_max = SH_SLICE("100");
    puts.common.node_ids_max = SH_SLICE("1");
    assert_string_equal(put_answers(&puts, 1), "(welcome)");
    puts.put[0].item = SH_SLICE("2"); /* over the node's limit it is queued, and not remembered */
    assert_string_equal(put_answers(&puts, 1), "(queued)");
    assert_string_equal(put_answers(&puts, 1), "(queued)");
    assert_string_equal(ask("SMEMBERS ids"), "(1)");
    assert_string_equal(ask("HGET ids:nodes ab"), "3");
    (void)ask("HSET ids:nodes %b 1", "", (size_t)0); /* the set began long ago */
    assert_string_equal(put_answers(&puts, 1), "(queued)");
    assert_string_equal(ask("SMEMBERS ids:old"), "(1)");
    assert_string_equal(ask("SMEMBERS ids"), "(2)");
}

/* What queue_put.lua writes for a table that is the index-th entry. */
static const char *note_of(const char *digest, size_t index)
{
    static char note[80];
    (void)snprintf(note, sizeof note, "queued %s %s", digest, entry_id("ingest", index));
    return note;
}

static void put_calls_no_table_unchanged_while_another_waits(void **state)
{
    (void)state;
    put_arguments puts = puts_of("ab", "1");
    (void)ask("HSET digests ab %s", "0a 4500");
    puts.put[0].table = SH_SLICE("0b");
    assert_string_equal(put_answers(&puts, 1), "(queued)");
    assert_string_equal(ask("HGET digests ab"), note_of("0b", 0));
    puts.put[0].item = SH_SLICE("2");
    puts.put[0].table = puts.put[0].digest = SH_SLICE("0a");
    assert_string_equal(put_answers(&puts, 1), "(queued)");
    puts.put[0].item = SH_SLICE("3"); /* a plugin's result changes nothing there */
    puts.put[0].table = puts.put[0].digest = SH_SLICE("");
    assert_string_equal(put_answers(&puts, 1), "(queued)");
    assert_string_equal(ask("HGET digests ab"), note_of("0a", 1));
}

static void put_refuses_before_it_writes(void **state)
{
    (void)state;
    put_arguments puts = puts_of("ab", "1");
    puts.put[0].version = SH_SLICE("other");
    assert_string_equal(put_answers(&puts, 1), "(stale)");
    puts = puts_of("ab", "1");
    puts.put[0].newcomer = SH_SLICE("no");
    assert_string_equal(put_answers(&puts, 1), "(late)");
    (void)ask("HSET contacts x 1 y 2");
    puts.put[0].newcomer = SH_SLICE("yes");
    assert_string_equal(put_answers(&puts, 1), "(names)");
    (void)ask("HSET digests ab %s", "0a 4500");
    puts.put[0].digest = SH_SLICE("0a"); /* known by its digest, and not changed */
    assert_string_equal(put_answers(&puts, 1), "(unchanged)");
    puts.common.now_ms = SH_SLICE("5500"); /* too long ago */
    puts.common.entries_max = SH_SLICE("0");
    assert_string_equal(put_answers(&puts, 1), "(full)");
    puts.common.entries_max = SH_SLICE("100");
    puts.common.bytes_max = SH_SLICE("113");
    assert_string_equal(put_answers(&puts, 1), "(full)");
    assert_string_equal(ask("EXISTS ingest ids ids:nodes bytes shares"), "0");
    puts.common.bytes_max = SH_SLICE("10000");
    puts.put[0].newcomer = SH_SLICE("no");
    assert_string_equal(put_answers(&puts, 1), "(queued)");
    puts.put[0].item = SH_SLICE("2");
    puts.common.node_entries_max = SH_SLICE("1");
    assert_string_equal(put_answers(&puts, 1), "(share)");
    puts.common.node_entries_max = SH_SLICE("10");
    puts.common.bytes_max = SH_SLICE("1000"); /* a quarter of the free space is less than two */
    assert_string_equal(put_answers(&puts, 1), "(share)");
    (void)ask("DEL shares");
    (void)ask("SET shares text");
    assert_non_null(strstr(put_answers(&puts, 1), "WRONGTYPE"));
    assert_string_equal(ask("XLEN ingest"), "1");
}

static void puts_of_one_run_see_each_other(void **state)
{
    (void)state;
    put_arguments puts = puts_of("a", "1");
    puts.common.node_entries_max = SH_SLICE("2");
    puts.put[1] = put_of("a", "1");
    puts.put[2] = put_of("b", "2");
    puts.put[3] = put_of("c", "3");
    puts.put[4] = put_of("a", "4");
    puts.put[5] = put_of("a", "5");
    assert_string_equal(put_answers(&puts, 6), "(welcome duplicate welcome names queued share)");
    assert_string_equal(ask("HGET shares a"), "2 226");
    assert_string_equal(ask("GET bytes"), "339");
    assert_string_equal(ask("XLEN ingest"), "3");
    assert_string_equal(ask("SCARD ids:old"), "3");
}

/* Puts of few nodes, items and digests under tight limits, so that each outcome occurs. */
static put_arguments random_puts(unsigned *seed, const sh_slice envelopes[3])
{
    static const char *const nodes[] = {"a", "b", "c"}, *const digests[] = {"0a", "0b"},
                             *const newcomers[] = {"yes", "no", "always"},
                             *const items[] = {"1", "2", "3", "4", "5", "6", "7"};
    put_arguments puts = puts_of("a", "1");
    puts.common.ids_max = SH_SLICE("5");
    puts.common.entries_max = SH_SLICE("6");
    puts.common.node_entries_max = SH_SLICE("3");
    for (size_t i = 0; i < PUTS_MAX; i++) {
        sh_put_argument *put = &puts.put[i];
        size_t node = (size_t)rand_r(seed) % 3;
        *put = (sh_put_argument){
            .envelope = envelopes[node],
            .mode = SH_SLICE("push"),
            .node = sh_slice_of(nodes[node]),
            .item = sh_slice_of(items[(size_t)rand_r(seed) % 7]),
            .version = rand_r(seed) % 8 == 0 ? SH_SLICE("other") : SH_SLICE(""),
            .newcomer = sh_slice_of(newcomers[(size_t)rand_r(seed) % 3]),
        };
        if (rand_r(seed) % 3 > 0)
            put->table = sh_slice_of(digests[(size_t)rand_r(seed) % 2]);
        if (rand_r(seed) % 2 > 0)
            put->digest = put->table;
    }
    return puts;
}

/* All that puts leave behind but for the ids of entries, which hold times. */
static void dump_puts(char *trace, size_t room)
{
    static const char *const questions[] = {"XLEN ingest",
                                            "GET bytes",
                                            "HMGET contacts a b c",
                                            "HMGET shares a b c",
                                            "SMISMEMBER ids 1 2 3 4 5 6 7",
                                            "SMISMEMBER ids:old 1 2 3 4 5 6 7",
                                            "HMGET ids:nodes a b c"};
    trace[0] = '\0';
    for (size_t i = 0; i < sizeof questions / sizeof questions[0]; i++) {
        const char *answer = ask(questions[i]);
        trace_add(trace, room, answer, strlen(answer));
        trace_add(trace, room, "\n", 1);
    }
    for (size_t i = 0; i < 3; i++) {
        const char *digest = ask("HGET digests %s", ((const char *[]){"a", "b", "c"})[i]);
        trace_add(trace, room, digest, strnlen(digest, sizeof "queued 0a" - 1));
    }
}

static void puts_of_one_run_leave_what_single_ones_leave(void **state)
{
    (void)state;
    static char single[4096], together[4096], answers[256];
    unsigned seed = 1;
    const sh_slice envelopes[] = {envelope_of("a"), envelope_of("b"), envelope_of("c")};
    for (int round = 0; round < 200; round++) {
        const put_arguments puts = random_puts(&seed, envelopes);
        const char *merged = round % 2 == 0 ? "0a 4500" : "0b 1";
        answers[0] = '\0';
        (void)ask("FLUSHALL");
        (void)ask("HSET digests b %s", merged);
        for (size_t i = 0; i < PUTS_MAX; i++) {
            put_arguments one = puts;
            one.put[0] = puts.put[i];
            const char *answer = put_answers(&one, 1);
            trace_add(answers, sizeof answers, i == 0 ? "" : " ", i > 0);
            trace_add(answers, sizeof answers, answer + 1, strlen(answer) - 2);
        }
        dump_puts(single, sizeof single);
        (void)ask("FLUSHALL");
        (void)ask("HSET digests b %s", merged);
        const char *answer = put_answers(&puts, PUTS_MAX);
        assert_int_equal(strlen(answer), strlen(answers) + 2);
        assert_memory_equal(answer + 1, answers, strlen(answers));
        dump_puts(together, sizeof together);
        assert_string_equal(together, single);
    }
}

static void names_forget_keeps_nodes_with_credentials_entries_or_late_contacts(void **state)
{
    (void)state;
    const sh_names_forget_arguments forget = {
        .keys = {.contacts = SH_SLICE("contacts"),
                 .digests = SH_SLICE("digests"),
                 .nodes = SH_SLICE("nodes"),
                 .instances = SH_SLICE("instances"),
                 .shares = SH_SLICE("shares")},
        .cursor = SH_SLICE("0"),
        .names_max = SH_SLICE("1000"),
        .now_ms = SH_SLICE("9000"),
        .before_ms = SH_SLICE("5000"),
    };
    (void)ask("HSET contacts old %s own %s late %s ahead %s odd x", "1 push", "1 push", "5000 pull",
              "9999 push");
    (void)ask("HSET contacts waits %s", "1 push");
    (void)ask("HSET shares waits %s", "1 113");
    (void)ask("HSET digests old x own x odd x waits x");
    (void)ask("HSET nodes own record");
    (void)ask("HSET instances old x late x");
    assert_string_equal(ANSWER(names_forget, forget), "(0 2)");
    assert_string_equal(ask("HMGET contacts old own late ahead odd waits"),
                        "(nil 1 push 5000 pull 9000 push nil 1 push)");
    assert_string_equal(ask("HKEYS digests"), "(own waits)");
    assert_string_equal(ask("HKEYS instances"), "(late)");
}

static reports_put_arguments reports_of(const char *node)
{
    reports_put_arguments reports = {
        .keys = {SH_SLICE("contacts"), SH_SLICE("nodes"), SH_SLICE("agents"), SH_SLICE("problems"),
                 SH_SLICE("conflicts"), SH_SLICE("instances")},
        .names_max = SH_SLICE("2"),
        .reports_max = SH_SLICE("3"),
        .strangers_max = SH_SLICE("2"),
        .window_ms = SH_SLICE("1000"),
        .now_ms = SH_SLICE("5000"),
    };
    reports.report[0].node = sh_slice_of(node);
    return reports;
}

/* One report. */
static const char *report(const reports_put_arguments *reports)
{
    sh_redis_arguments all = SH_REDIS_ARGUMENTS(*reports);
    all.argc -= (SH_REPORTS_PUT_MAX - 1) * sizeof reports->report[0] / sizeof(sh_slice);
    return script_answer(&sh_script_reports_put, all);
}

static void problems_of_unknown_nodes_take_no_place_of_known_ones(void **state)
{
    (void)state;
    (void)ask("HSET contacts known %s", "1 push");
    (void)ask("HSET nodes own record");
    static const char *const nodes[] = {"a", "b", "c", "known", "own"};
    for (size_t i = 0; i < 5; i++) {
        reports_put_arguments one = reports_of(nodes[i]);
        one.report[0].problem = SH_SLICE("5 422 key text");
        one.report[0].agent = SH_SLICE("5 300 native - x");
        assert_string_equal(report(&one), "()");
    }
    assert_string_equal(ask("HKEYS problems"), "(a b known)"); /* 3 at most, 2 of unknown ones */
    assert_string_equal(ask("HKEYS agents"), "(known own)");
    reports_put_arguments again = reports_of("a");
    again.report[0].problem = SH_SLICE("6 422 key text");
    assert_string_equal(report(&again), "()");
    assert_string_equal(ask("HGET problems a"), "6 422 key text");
}

static void contacts_of_unknown_nodes_are_limited(void **state)
{
    (void)state;
    static const char *const nodes[] = {"a", "b", "c", "a"};
    (void)ask("HSET nodes own record");
    for (size_t i = 0; i < 4; i++) {
        reports_put_arguments one = reports_of(nodes[i]);
        one.report[0].contact = SH_SLICE("7 push");
        (void)report(&one);
    }
    assert_string_equal(ask("HKEYS contacts"), "(a b)");
    reports_put_arguments own = reports_of("own");
    own.report[0].contact = SH_SLICE("7 push");
    (void)report(&own);
    assert_string_equal(ask("HKEYS contacts"), "(a b own)");
}

static bool is_shared; /* returned by the script at the last see() */

/* Records that an instance was seen at a time. */
static const char *see(const char *instance, const char *now_ms)
{
    reports_put_arguments one = reports_of("n");
    one.report[0].instance = sh_slice_of(instance);
    one.report[0].conflict = SH_SLICE("two");
    one.now_ms = sh_slice_of(now_ms);
    is_shared = strcmp(report(&one), "(1)") == 0;
    return ask("HGET conflicts n");
}

static void instances_conflict_if_they_alternate_within_the_time(void **state)
{
    (void)state;
    (void)ask("HSET contacts n %s", "1 push");
    assert_string_equal(see("a", "5000"), "nil");
    assert_string_equal(see("b", "5100"), "nil"); /* replaced */
    assert_string_equal(see("b", "6500"), "nil");
    assert_string_equal(see("a", "6600"), "nil"); /* the first one came back, long after */
    assert_false(is_shared);
    assert_string_equal(see("b", "6700"), "6700 two");
    assert_true(is_shared);
    assert_string_equal(ask("HGET instances n"), "b 6700 a 6600 6700");
    assert_string_equal(see("b", "7600"), "6700 two"); /* for as long as the time is */
    assert_true(is_shared);
    assert_string_equal(see("b", "7700"), "6700 two");
    assert_false(is_shared);
    assert_string_equal(ask("HGET instances n"), "b 7700 a 6600");
    reports_put_arguments stranger = reports_of("x");
    stranger.report[0].instance = SH_SLICE("a");
    (void)report(&stranger);
    assert_string_equal(ask("HKEYS instances"), "(n)");
    (void)ask("DEL conflicts");
    reports_put_arguments seen = reports_of("n"); /* by the puller */
    seen.report[0].conflict = SH_SLICE("two urls");
    (void)report(&seen);
    assert_string_equal(ask("HGET conflicts n"), "5000 two urls");
}

static void auth_failures_are_added_up_and_limited(void **state)
{
    (void)state;
    static const char *const fields[] = {"::1 a", "::1 b", "::1 c", "::1 a"};
    for (size_t i = 0; i < 4; i++) {
        auth_failures_put_arguments one = {.keys = {SH_SLICE("auth")},
                                           .failures_max = SH_SLICE("2"),
                                           .failure = {{.field = sh_slice_of(fields[i]),
                                                        .number = SH_SLICE("3"),
                                                        .first_ms = SH_SLICE("5"),
                                                        .last_ms = SH_SLICE("6"),
                                                        .reason = SH_SLICE("why it is")}}};
        sh_redis_arguments all = SH_REDIS_ARGUMENTS(one);
        all.argc -= (SH_REPORTS_PUT_MAX - 1) * sizeof one.failure[0] / sizeof(sh_slice);
        assert_string_equal(script_answer(&sh_script_auth_failures_put, all), "done");
    }
    assert_string_equal(ask("HKEYS auth"), "(::1 a ::1 b)");
    assert_string_equal(ask("HGET auth %s", "::1 a"), "6 5 6 why it is");
}

static void reports_remove_leaves_what_has_changed(void **state)
{
    (void)state;
    reports_remove_arguments two = {
        .keys = {SH_SLICE("problems")},
        .reported = {{SH_SLICE("a"), SH_SLICE("1")}, {SH_SLICE("b"), SH_SLICE("1")}}};
    sh_redis_arguments all = SH_REDIS_ARGUMENTS(two);
    all.argc -= 2 * (SH_REPORTS_PUT_MAX - 2);
    (void)ask("HSET problems a 1 b 2");
    assert_string_equal(script_answer(&sh_script_reports_remove, all), "done");
    assert_string_equal(ask("HKEYS problems"), "(b)");
}

static void nodes_load_gives_version_and_records(void **state)
{
    (void)state;
    const sh_nodes_load_arguments load = {.keys = {SH_SLICE("nodes"), SH_SLICE("nodes:version")}};
    assert_string_equal(ANSWER(nodes_load, load), "( ())");
    (void)ask("HSET nodes a one");
    (void)ask("SET nodes:version v1");
    assert_string_equal(ANSWER(nodes_load, load), "(v1 (a one))");
}

static void settings_load_gives_version_and_text_or_neither(void **state)
{
    (void)state;
    const sh_settings_load_arguments load = {{SH_SLICE("settings"), SH_SLICE("version")}};
    assert_string_equal(ANSWER(settings_load, load), "( )");
    (void)ask("SET version v1");
    assert_string_equal(ANSWER(settings_load, load), "( )");
    (void)ask("SET settings {}");
    assert_string_equal(ANSWER(settings_load, load), "(v1 {})");
}

static void programs_count_for_a_while_and_are_bounded(void **state)
{
    (void)state;
    const sh_programs_read_arguments read = {{SH_SLICE("programs")}, .kept_s = SH_SLICE("30")};
    sh_program_put_arguments put = {.keys = {SH_SLICE("programs")},
                                    .id = SH_SLICE("a"),
                                    .report = SH_SLICE("one {}"),
                                    .programs_max = SH_SLICE("2"),
                                    .kept_s = SH_SLICE("30")};
    assert_string_equal(ANSWER(programs_read, read), "()");
    assert_string_equal(ANSWER(program_put, put), "done");
    put.id = SH_SLICE("b");
    assert_string_equal(ANSWER(program_put, put), "done");
    put.id = SH_SLICE("c");
    assert_string_equal(ANSWER(program_put, put), "full");
    (void)ask("HSET programs a %s b %s", "5 old", "99999999999 future"); /* Redis's clock was set */
    assert_string_equal(ANSWER(programs_read, read), "()");
    assert_string_equal(ANSWER(program_put, put), "done");
    assert_string_equal(ask("HKEYS programs"), "(c)");
    assert_non_null(strstr(ANSWER(programs_read, read), " one {})"));
    put.report = SH_SLICE("");
    assert_string_equal(ANSWER(program_put, put), "done");
    assert_string_equal(ask("HLEN programs"), "0");
}

static void ready_names_a_key_of_another_type_or_a_command(void **state)
{
    (void)state;
    sh_ready_arguments ready;
    for (size_t i = 0; i < SH_READY_KEYS; i++) {
        ready.keys.key[i] = SH_SLICE("stream");
        ready.type[i] = SH_SLICE("stream");
    }
    ready.keys.key[3] = SH_SLICE("hash");
    ready.type[3] = SH_SLICE("hash");
    assert_string_equal(ANSWER(ready, ready), "()");
    (void)ask("XADD stream * a b");
    (void)ask("HSET hash a b");
    assert_string_equal(ANSWER(ready, ready), "()");
    (void)ask("DEL hash");
    (void)ask("SET hash text");
    assert_string_equal(ANSWER(ready, ready), "(hash string hash)");
    (void)ask("DEL hash");
    (void)ask("ACL SETUSER default -xadd");
    assert_string_equal(ANSWER(ready, ready), "(XADD)");
    (void)ask("ACL SETUSER default +xadd");
    (void)ask("CONFIG SET maxmemory 1"); /* refused as a script that writes would be */
    assert_non_null(strstr(ANSWER(ready, ready), "OOM"));
    (void)ask("CONFIG SET maxmemory 0");
}

static void a_script_that_redis_forgot_is_loaded_once_for_all(void **state)
{
    (void)state;
    enum { COUNT = 20 };
    sh_nodes_load_arguments load = {.keys = {SH_SLICE("nodes"), SH_SLICE("nodes:version")}};
    struct {
        sh_slice command[SH_REDIS_SCRIPT_ARGUMENTS];
        sh_nodes_load_arguments load;
    } argv[COUNT];
    sh_error errors[COUNT];
    sh_redis_command commands[COUNT];
    (void)ANSWER(nodes_load, load);
    for (int round = 0; round < 2; round++) {
        (void)ask("SCRIPT FLUSH");
        (void)ask("CONFIG RESETSTAT");
        for (size_t i = 0; i < COUNT; i++) {
            argv[i].load = load;
            sh_error_clear(&errors[i]);
            commands[i] = (sh_redis_command){.argc = sizeof argv[i] / sizeof(sh_slice),
                                             .argv = (sh_slice *)&argv[i],
                                             .error = &errors[i]};
        }
        sh_redis_script_run_each(redis, &sh_script_nodes_load, 2, commands, COUNT);
        for (size_t i = 0; i < COUNT; i++) {
            assert_int_equal(commands[i].err, SH_OK);
            assert_int_equal(sh_redis_count(commands[i].reply), 2);
            sh_redis_reply_free(commands[i].reply);
        }
        assert_non_null(strstr(ask("INFO commandstats"), "cmdstat_script|load:calls=1,"));
    }
}

static void every_script_has_a_test(void **state)
{
    (void)state;
    check_all_scripts(sh_queue_scripts);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup(f, empty)
    const struct CMUnitTest tests[] = {
        TEST(put_queues_and_notes_all_of_it),
        TEST(put_remembers_a_share_of_each_nodes_items_and_for_a_while),
        TEST(put_calls_no_table_unchanged_while_another_waits),
        TEST(put_refuses_before_it_writes),
        TEST(puts_of_one_run_see_each_other),
        TEST(puts_of_one_run_leave_what_single_ones_leave),
        TEST(names_forget_keeps_nodes_with_credentials_entries_or_late_contacts),
        TEST(problems_of_unknown_nodes_take_no_place_of_known_ones),
        TEST(contacts_of_unknown_nodes_are_limited),
        TEST(instances_conflict_if_they_alternate_within_the_time),
        TEST(auth_failures_are_added_up_and_limited),
        TEST(reports_remove_leaves_what_has_changed),
        TEST(nodes_load_gives_version_and_records),
        TEST(settings_load_gives_version_and_text_or_neither),
        TEST(programs_count_for_a_while_and_are_bounded),
        TEST(ready_names_a_key_of_another_type_or_a_command),
        TEST(a_script_that_redis_forgot_is_loaded_once_for_all),
        TEST(every_script_has_a_test),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
