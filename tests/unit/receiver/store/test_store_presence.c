/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/store_fixture.h"

#include <inttypes.h>

/* Presence, on both kinds of databases. */

static void put(store *s, const char *node, const char *mac, store_present present, int64_t since)
{
    const store_presence row = {.mac = sh_slice_of(mac),
                                .present = present,
                                .since_ms = since,
                                .first_seen_ms = since,
                                .ip = SH_SLICE("10.0.0.1")};
    sh_error error = {0};
    must(store_presence_put(s, node, &row, 1, &error), &error);
}

static void record(store *s, const char *name, int64_t inserted, int64_t merged_ms)
{
    store_node node = {.mode = "push",
                       .merged_ms = merged_ms,
                       .inserted = inserted,
                       .contact = {.last_ms = merged_ms},
                       .newest = {.order = 5, .sealed_ms = 6, .digest = {7}},
                       .presence_fingerprint = -8};
    sh_error error = {0};
    (void)snprintf(node.node, sizeof node.node, "%s", name);
    must(store_node_record(s, &node, &error), &error);
}

static void begin(store *s)
{
    sh_error error = {0};
    must(store_begin(s, &error), &error);
}

static void commit(store *s)
{
    sh_error error = {0};
    must(store_commit(s, &error), &error);
}

static sh_err count_row(void *context, const store_presence *row, sh_error *error)
{
    int *counts = context;
    (void)error;
    counts[row->present]++;
    assert_true(sh_slice_equals(row->ip, SH_SLICE("10.0.0.1")));
    return SH_OK;
}

static void a_row_is_replaced_but_for_its_first_sight(void **state)
{
    (void)state;
    store *s = opened();
    int counts[3] = {0};
    begin(s);
    put(s, "A", "m1", STORE_PRESENT, 1000);
    put(s, "A", "m2", STORE_ABSENT, 1000);
    put(s, "B", "m1", STORE_PRESENT, 1500);
    put(s, "A", "m1", STORE_NOT_KNOWN, 2000);
    must(store_presence_read(s, "A", count_row, counts, NULL), NULL);
    commit(s);
    assert_int_equal(counts[STORE_ABSENT], 1);
    assert_int_equal(counts[STORE_PRESENT], 0);
    assert_int_equal(counts[STORE_NOT_KNOWN], 1);
    assert_string_equal(sql("SELECT since_ms, first_seen_ms FROM \"SyncHub_Presence\""
                            " WHERE node = 'A' AND mac = 'm1'"),
                        "2000|1000;");
    store_close(s);
}

/* Where it was seen first decides, however many nodes see it, and however late. */
static void a_new_device_counts_once(void **state)
{
    (void)state;
    static const struct {
        int64_t since_ms[2], newest[2];
    } cases[] = {
        {{1, 1}, {4, 4}},     {{100, 100}, {4, 4}}, {{100, 101}, {4, 3}}, {{101, 300}, {3, 1}},
        {{200, 200}, {2, 2}}, {{201, 250}, {1, 1}}, {{300, 301}, {1, 0}}, {{500, 600}, {0, 0}},
    };
    store *s = opened();
    store_device_counts counts;
    begin(s);
    put(s, "A", "old", STORE_PRESENT, 100);
    put(s, "B", "old", STORE_PRESENT, 500);
    put(s, "A", "both", STORE_ABSENT, 200);
    put(s, "B", "both", STORE_PRESENT, 200);
    put(s, "C", "both", STORE_PRESENT, 400);
    put(s, "B", "new", STORE_NOT_KNOWN, 300);
    put(s, "C", "mid", STORE_PRESENT, 199);
    commit(s);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        must(store_count_devices(s, cases[i].since_ms, &counts, NULL), NULL);
        assert_int_equal(counts.total, 0);
        for (int j = 0; j < 2; j++)
            if (counts.new_since[j] != cases[i].newest[j])
                fail_msg("%" PRId64 " since %" PRId64, counts.new_since[j], cases[i].since_ms[j]);
    }
    store_close(s);
}

static void of_too_many_those_absent_for_the_longest_go(void **state)
{
    (void)state;
    store *s = opened();
    begin(s);
    record(s, "A", 1, 1000);
    record(s, "B", 1, 1000);
    put(s, "A", "m1", STORE_PRESENT, 1);
    put(s, "A", "m2", STORE_ABSENT, 3);
    put(s, "A", "m3", STORE_ABSENT, 2);
    put(s, "B", "m4", STORE_ABSENT, 1);
    must(store_presence_trim(s, "A", 1, NULL), NULL);
    commit(s);
    assert_string_equal(sql("SELECT mac FROM \"SyncHub_Presence\" ORDER BY mac"), "m1;m2;m4;");
    store_limits limits = {.items_max = 9, .parts_max = 9, .nodes_max = 9, .presence_max = 2};
    bool more = false;
    must(store_prune(s, &limits, &more, NULL), NULL);
    assert_string_equal(sql("SELECT mac FROM \"SyncHub_Presence\" ORDER BY mac"), "m1;m2;");
    /* The next table of B is compared again, although it says the same. */
    assert_string_equal(sql("SELECT presence_fingerprint FROM \"SyncHub_Nodes\" ORDER BY node"),
                        "-8;0;");
    limits.presence_max = 1;
    must(store_prune(s, &limits, &more, NULL), NULL);
    assert_string_equal(sql("SELECT mac FROM \"SyncHub_Presence\" ORDER BY mac"), "m1;");
    assert_string_equal(sql("SELECT presence_fingerprint FROM \"SyncHub_Nodes\" ORDER BY node"),
                        "0;0;");
    store_close(s);
}

static void a_node_that_is_forgotten_takes_its_rows_along(void **state)
{
    (void)state;
    store *s = opened();
    begin(s);
    record(s, "old", 0, 1000);
    record(s, "useful", 1, 1000);
    record(s, "new", 0, 5000);
    put(s, "old", "m1", STORE_PRESENT, 1000);
    put(s, "useful", "m1", STORE_PRESENT, 1000);
    put(s, "new", "m1", STORE_PRESENT, 1000);
    commit(s);
    store_limits limits = {
        .nodes_before_ms = 2000, .items_max = 9, .parts_max = 9, .nodes_max = 9, .presence_max = 9};
    bool more = false;
    must(store_prune(s, &limits, &more, NULL), NULL);
    assert_string_equal(sql("SELECT node FROM \"SyncHub_Presence\" ORDER BY node"), "new;useful;");
    limits.nodes_max = 1;
    must(store_prune(s, &limits, &more, NULL), NULL);
    assert_string_equal(sql("SELECT node FROM \"SyncHub_Presence\""), "useful;");
    assert_string_equal(sql("SELECT node FROM \"SyncHub_Nodes\""), "useful;");
    store_close(s);
}

static void what_is_recorded_of_a_node_is_read_when_it_is_locked(void **state)
{
    (void)state;
    store *s = opened();
    store_node node;
    begin(s);
    must(store_node_lock(s, "A", true, &node, NULL), NULL);
    assert_int_equal(node.merged_ms, 0);
    record(s, "A", 3, 1000);
    must(store_node_lock(s, "A", true, &node, NULL), NULL);
    assert_string_equal(node.node, "A");
    assert_int_equal(node.merged_ms, 1000);
    assert_int_equal(node.inserted, 3);
    assert_int_equal(node.contact.last_ms, 1000);
    assert_int_equal(node.newest.order, 5);
    assert_int_equal(node.newest.sealed_ms, 6);
    assert_int_equal(node.newest.digest[0], 7);
    assert_int_equal(node.presence_fingerprint, -8);
    const store_node_info info = {
        .node = "A", .mode = "push", .contact = {.last_ms = 2000, .interval_ms = 3, .set_ms = 4}};
    must(store_node_info_put(s, &info, NULL), NULL);
    must(store_node_lock(s, "none", false, &node, NULL), NULL);
    assert_string_equal(node.node, "");
    commit(s);
    assert_string_equal(sql("SELECT node, last_contact_ms, interval_ms, silent_set_ms"
                            " FROM \"SyncHub_Nodes\""),
                        "A|2000|3|4;");
    store_close(s);
}

static sh_err join_keys(void *context, sh_slice keys, sh_error *error)
{
    char *joined = context;
    (void)error;
    if (keys.len > 0)
        memcpy(joined + strlen(joined), keys.data, keys.len); /* zeroed behind */
    return SH_OK;
}

static void parts_keep_their_keys_until_the_table_is_whole(void **state)
{
    (void)state;
    store *s = opened();
    const store_node node = {.node = "A", .mode = "push", .merged_ms = 1000, .digest = {1}};
    store_part part = {.of = &node, .part = 0, .parts = 2, .keys = SH_SLICE("one")};
    bool whole = true, complete = false;
    char joined[16] = "";
    begin(s);
    must(store_part_record(s, &part, &whole, NULL), NULL);
    assert_false(whole);
    part.part = 1;
    part.keys = SH_SLICE("two");
    must(store_part_record(s, &part, &whole, NULL), NULL);
    assert_true(whole);
    must(store_part_keys(s, &part, join_keys, joined, &complete, NULL), NULL);
    assert_true(complete);
    assert_true(strcmp(joined, "onetwo") == 0 || strcmp(joined, "twoone") == 0);
    part.keys = (sh_slice){NULL, 0}; /* not known, as of an older version */
    must(store_part_record(s, &part, &whole, NULL), NULL);
    must(store_part_keys(s, &part, join_keys, joined, &complete, NULL), NULL);
    assert_false(complete);
    must(store_parts_end(s, &part, NULL), NULL);
    commit(s);
    assert_string_equal(sql("SELECT count(*) FROM \"SyncHub_Parts\""), "0;");
    store_close(s);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, folder_make, folder_remove)
    const struct CMUnitTest tests[] = {
        TEST(a_row_is_replaced_but_for_its_first_sight),
        TEST(a_new_device_counts_once),
        TEST(of_too_many_those_absent_for_the_longest_go),
        TEST(a_node_that_is_forgotten_takes_its_rows_along),
        TEST(what_is_recorded_of_a_node_is_read_when_it_is_locked),
        TEST(parts_keep_their_keys_until_the_table_is_whole),
    };
    int failed = cmocka_run_group_tests_name("SQLite", tests, NULL, NULL);
    return failed + cmocka_run_group_tests_name("PostgreSQL", tests, server_start, server_stop);
}
