/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/store_fixture.h"
#include "tests/wait.h"

/* What the store deletes, and how it detects that the whole database is an earlier state. */

/* Until nothing is left to do; limits that are not named are none. */
static void tidy(store *s, store_limits limits)
{
    int64_t *const all[] = {&limits.items_max, &limits.parts_max, &limits.nodes_max,
                            &limits.node_items_max, &limits.presence_max};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        if (*all[i] == 0)
            *all[i] = INT64_MAX;
    sh_error error = {.code = SH_OK};
    bool more = true;
    for (int rounds = 0; more; rounds++) {
        assert_true(rounds < 100);
        must(store_prune(s, &limits, &more, &error), &error);
    }
}

static void an_item_is_seen_once_until_it_is_forgotten(void **state)
{
    (void)state;
    store *s = opened();
    const uint8_t ids[2][SH_ID_BYTES] = {{1, 0, 3}, {2}};
    bool seen = false;
    assert_int_equal(store_begin(s, NULL), SH_OK);
    assert_int_equal(note_item(s, ids[0], 1000, &seen, NULL), SH_OK);
    assert_false(seen);
    assert_int_equal(note_item(s, ids[1], 2000, &seen, NULL), SH_OK);
    assert_false(seen);
    assert_int_equal(store_commit(s, NULL), SH_OK);
    store_close(s);
    s = opened();
    assert_int_equal(store_begin(s, NULL), SH_OK);
    assert_int_equal(note_item(s, ids[0], 3000, &seen, NULL), SH_OK);
    assert_true(seen);
    assert_int_equal(store_commit(s, NULL), SH_OK);
    tidy(s, (store_limits){.items_before_ms = 2000});
    assert_int_equal(store_begin(s, NULL), SH_OK);
    assert_int_equal(note_item(s, ids[1], 3000, &seen, NULL), SH_OK);
    assert_true(seen);
    assert_int_equal(note_item(s, ids[0], 3000, &seen, NULL), SH_OK);
    assert_false(seen);
    assert_int_equal(store_commit(s, NULL), SH_OK);
    store_close(s);
}

/* Records that the node's items first to last were merged, one each ms. */
static void note_items(store *s, const char *node, int first, int last)
{
    sh_error error = {.code = SH_OK};
    must(store_begin(s, &error), &error);
    for (int i = first; i <= last; i++) {
        store_item item = {.node = node, .now_ms = i};
        bool seen = false;
        memcpy(item.id, &i, sizeof i);
        must(store_item_note(s, &item, &seen, &error), &error);
    }
    must(store_commit(s, &error), &error);
}

static void items_are_limited_and_the_oldest_go(void **state)
{
    (void)state;
    store *s = opened();
    note_items(s, "N", 1, 5000);
    tidy(s, (store_limits){.items_max = 5000});
    assert_string_equal(sql("SELECT count(*) FROM \"SyncHub_Items\""), "5000;");
    tidy(s, (store_limits){.items_max = 4999});
    assert_string_equal(sql("SELECT count(*), min(merged_ms) FROM \"SyncHub_Items\""), "4999|2;");
    tidy(s, (store_limits){.items_max = 10}); /* in more than one transaction */
    assert_string_equal(sql("SELECT count(*), min(merged_ms) FROM \"SyncHub_Items\""), "10|4991;");
    tidy(s, (store_limits){.items_before_ms = 4996, .items_max = 6});
    assert_string_equal(sql("SELECT count(*), min(merged_ms) FROM \"SyncHub_Items\""), "5|4996;");
    store_close(s);
}

static void a_node_that_floods_loses_its_own_items_alone(void **state)
{
    (void)state;
    store *s = opened();
    note_items(s, "Quiet", 1, 10);
    note_items(s, "Loud", 11, 5010);
    note_items(s, "Louder", 5011, 11010);
    tidy(s, (store_limits){.node_items_max = 10});
    assert_string_equal(sql("SELECT node, count(*), min(merged_ms) FROM \"SyncHub_Items\""
                            " GROUP BY node ORDER BY min(merged_ms)"),
                        "Quiet|10|1;Loud|10|5001;Louder|10|11001;");
    store_close(s);
}

static void items_without_a_node_go_by_age_alone(void **state)
{
    (void)state;
    store *s = opened();
    note_items(s, "", 1, 20); /* as before the column was added */
    tidy(s, (store_limits){.node_items_max = 10});
    assert_string_equal(sql("SELECT count(*) FROM \"SyncHub_Items\""), "20;");
    store_close(s);
}

static void record_part(store *s, const char *name, uint8_t digest, uint32_t part, int64_t now_ms)
{
    store_node node = {.mode = "push", .merged_ms = now_ms, .sent = 1, .has_digest = true};
    (void)snprintf(node.node, sizeof node.node, "%s", name);
    memset(node.digest, digest, sizeof node.digest);
    bool whole = true;
    sh_error error = {.code = SH_OK};
    must(store_begin(s, &error), &error);
    const store_part of_table = {.of = &node, .part = part, .parts = 3};
    must(store_part_record(s, &of_table, &whole, &error), &error);
    assert_false(whole);
    must(store_commit(s, &error), &error);
}

static void tables_that_never_become_whole_are_limited_for_each_node_and_for_all(void **state)
{
    (void)state;
    store *s = opened();
    for (int i = 0; i < SH_TABLES_PENDING_MAX; i++) {
        record_part(s, "N", (uint8_t)i, 0, 100 + i);
        record_part(s, "N", (uint8_t)i, 1, 200 + i);
    }
    record_part(s, "Other", 77, 2, 50);
    assert_string_equal(sql("SELECT count(*), count(DISTINCT digest) FROM \"SyncHub_Parts\""),
                        "9|5;");
    record_part(s, "N", 99, 0, 300); /* the oldest one makes room */
    assert_string_equal(sql("SELECT count(*), count(DISTINCT digest), min(merged_ms)"
                            " FROM \"SyncHub_Parts\" WHERE node = 'N'"),
                        "7|4|101;");
    assert_string_equal(sql("SELECT count(*) FROM \"SyncHub_Parts\" WHERE node = 'Other'"), "1;");
    tidy(s, (store_limits){.parts_max = 8});
    assert_string_equal(sql("SELECT count(*) FROM \"SyncHub_Parts\""), "8;");
    tidy(s, (store_limits){.parts_max = 7});
    assert_string_equal(sql("SELECT count(*) FROM \"SyncHub_Parts\" WHERE node = 'Other'"), "0;");
    store_close(s);
}

static void record_node(store *s, const char *name, int64_t inserted, int64_t now_ms)
{
    store_node node = {.mode = "push", .merged_ms = now_ms, .inserted = inserted};
    (void)snprintf(node.node, sizeof node.node, "%s", name);
    sh_error error = {.code = SH_OK};
    must(store_begin(s, &error), &error);
    must(store_node_record(s, &node, &error), &error);
    must(store_commit(s, &error), &error);
}

static void nodes_are_limited_and_those_that_brought_nothing_go_first(void **state)
{
    (void)state;
    static const char names[] = "SELECT node FROM \"SyncHub_Nodes\" ORDER BY node";
    store *s = opened();
    record_node(s, "a", 5, 100);
    record_node(s, "b", 0, 200);
    record_node(s, "c", 0, 300);
    record_node(s, "d", 1, 400);
    tidy(s, (store_limits){.nodes_max = 4});
    assert_string_equal(sql(names), "a;b;c;d;");
    tidy(s, (store_limits){.nodes_before_ms = 300});
    assert_string_equal(sql(names), "a;c;d;");
    record_node(s, "b", 0, 200);
    tidy(s, (store_limits){.nodes_max = 3});
    assert_string_equal(sql(names), "a;c;d;");
    tidy(s, (store_limits){.nodes_max = 1});
    assert_string_equal(sql(names), "d;");
    store_close(s);
}

static void a_node_that_is_in_contact_goes_last(void **state)
{
    (void)state;
    store *s = opened();
    record_node(s, "a", 0, 100);
    record_node(s, "b", 0, 200);
    record_node(s, "c", 0, 300);
    (void)sql("UPDATE \"SyncHub_Nodes\" SET last_contact_ms = 400 WHERE node = 'a'");
    tidy(s, (store_limits){.nodes_max = 1});
    assert_string_equal(sql("SELECT node FROM \"SyncHub_Nodes\""), "a;");
    store_close(s);
}

/* Commits a transaction without changes. */
static void commit_once(store *s)
{
    sh_error error = {.code = SH_OK};
    must(store_begin(s, &error), &error);
    must(store_commit(s, &error), &error);
}

static void a_backup_that_is_put_back_is_noticed_though_the_connection_stays(void **state)
{
    (void)state;
    static const char *const backups[] = {
        "UPDATE \"SyncHub_Meta\" SET value = '3' WHERE key = 'generation'",
        "DELETE FROM \"SyncHub_Meta\" WHERE key = 'generation'", /* of an older version */
    };
    for (size_t i = 0; i < sizeof backups / sizeof backups[0]; i++) {
        store *s = opened();
        store *other = opened();
        for (int n = 0; n < 4; n++) {
            commit_once(s);
            commit_once(other); /* which is not suspicious */
        }
        must(store_check(s, NULL), NULL);
        (void)sql(backups[i]);
        sh_error error = {.code = SH_OK};
        assert_int_equal(store_begin(s, &error), SH_E_IO);
        assert_non_null(strstr(error.message, "restored to an earlier state"));
        /* An idle one notices it without a transaction. */
        sh_err err = SH_OK;
        for (int tries = 0; err == SH_OK && tries < 600; tries++) {
            sh_error_clear(&error);
            err = store_check(other, &error);
            if (err == SH_OK)
                poll_pause_us(20000);
        }
        assert_int_equal(err, SH_E_IO);
        store_close(s);
        store_close(other);
        s = opened();
        must(store_check(s, NULL), NULL);
        commit_once(s);
        store_close(s);
    }
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, folder_make, folder_remove)
#define COMMON_TESTS                                                                               \
    TEST(an_item_is_seen_once_until_it_is_forgotten), TEST(items_are_limited_and_the_oldest_go),   \
        TEST(a_node_that_floods_loses_its_own_items_alone),                                        \
        TEST(items_without_a_node_go_by_age_alone),                                                \
        TEST(tables_that_never_become_whole_are_limited_for_each_node_and_for_all),                \
        TEST(nodes_are_limited_and_those_that_brought_nothing_go_first),                           \
        TEST(a_node_that_is_in_contact_goes_last),                                                 \
        TEST(a_backup_that_is_put_back_is_noticed_though_the_connection_stays)

int main(void)
{
    const struct CMUnitTest in_sqlite[] = {COMMON_TESTS};
    const struct CMUnitTest in_postgres[] = {COMMON_TESTS};
    int failed = cmocka_run_group_tests(in_sqlite, NULL, NULL);
    return failed + cmocka_run_group_tests(in_postgres, server_start, server_stop);
}
