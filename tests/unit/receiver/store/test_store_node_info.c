/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/native/credentials.h"
#include "receiver/store/node_summary.h"
#include "receiver/store/store_node_infos.h"
#include "tests/unit/store_fixture.h"

/* What is known of nodes apart from their merges, on both kinds of databases. */

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

static const store_node_info full = {
    .node = "Cabin",
    .mode = "pull",
    .contact = {.last_ms = 5, .interval_ms = 6, .reported_ms = 8, .set_ms = 9},
    .first_contact_ms = 4,
    .agent = "synchub-pusher/0.2.0",
    .protocol = "native",
    .instance = "0123",
    .problem_ms = 10,
    .problem_seen_ms = 11,
    .problem_status = 422,
    .problem_kind = "key",
    .problem_text = "wrong \"key\" ü",
    .conflict_ms = 12,
    .conflict_text = "two",
    .labels = "a=b\n",
    .note = "in the cellar",
    .ephemeral = 1,
    .expected_ms = 13,
};

static void put(store *s, const store_node_info *info)
{
    sh_error error = {0};
    must(store_node_info_put(s, info, &error), &error);
}

static store_node_info get(store *s, const char *node, bool expected)
{
    store_node_info info;
    sh_error error = {0};
    bool found = false;
    must(store_node_info_get(s, node, &info, &found, &error), &error);
    assert_int_equal(found, expected);
    return info;
}

static void several_are_read_and_written_at_once(void **state)
{
    (void)state;
    store *s = opened();
    sh_error error = {0};
    static store_node_info infos[STORE_NODE_INFOS_AT_ONCE], read[STORE_NODE_INFOS_AT_ONCE];
    static char names[STORE_NODE_INFOS_AT_ONCE][32];
    const store_node_info *some[STORE_NODE_INFOS_AT_ONCE];
    const char *nodes[STORE_NODE_INFOS_AT_ONCE];
    bool found[STORE_NODE_INFOS_AT_ONCE];
    size_t count = 0;
    for (size_t i = 0; i < STORE_NODE_INFOS_AT_ONCE; i++) {
        (void)snprintf(names[i], sizeof names[i], "node-%03zu", i);
        nodes[i] = names[i];
        infos[i] = full;
        memcpy(infos[i].node, names[i], sizeof names[i]);
        infos[i].problem_ms = (int64_t)i;
        if (i % 3 != 0)
            some[count++] = &infos[i];
    }
    begin(s);
    must(store_node_infos_put(s, some, count, &error), &error);
    commit(s);
    begin(s);
    must(store_node_infos_get(s, nodes, STORE_NODE_INFOS_AT_ONCE, read, found, &error), &error);
    for (size_t i = 0; i < STORE_NODE_INFOS_AT_ONCE; i++) {
        static const store_node_info nothing;
        assert_int_equal(found[i], i % 3 != 0);
        assert_memory_equal(&read[i], found[i] ? &infos[i] : &nothing, sizeof read[i]);
    }
    infos[1].problem_ms = 77;
    must(store_node_infos_put(s, some, 1, &error), &error);
    commit(s);
    assert_int_equal(get(s, "node-001", true).problem_ms, 77);
    assert_int_equal(get(s, "node-002", true).problem_ms, 2);
    store_close(s);
}

static void one_that_is_refused_fails_all(void **state)
{
    (void)state;
    store *s = opened();
    sh_error error = {0};
    store_node_info good = full, bad = full;
    const store_node_info *const both[] = {&bad, &good};
    (void)snprintf(bad.node, sizeof bad.node, "a");
    bad.expected_ms = -5;
    (void)sql(server == NULL
                  ? "CREATE TRIGGER refuse BEFORE INSERT ON SyncHub_Nodes WHEN NEW.expected_ms = -5"
                    " BEGIN SELECT raise(ABORT, 'refuse'); END"
                  : "ALTER TABLE \"SyncHub_Nodes\" ADD CONSTRAINT refuse"
                    " CHECK(expected_ms <> -5)");
    begin(s);
    assert_int_not_equal(store_node_infos_put(s, both, 2, &error), SH_OK);
    assert_non_null(strstr(error.message, "refuse"));
    store_rollback(s);
    sh_error_clear(&error);
    begin(s); /* the connection can be used */
    must(store_node_infos_put(s, both + 1, 1, &error), &error);
    commit(s);
    (void)get(s, "Cabin", true);
    (void)get(s, "a", false);
    store_close(s);
}

static void all_fields_are_kept(void **state)
{
    (void)state;
    store *s = opened();
    begin(s);
    (void)get(s, "Cabin", false);
    put(s, &(store_node_info){.node = "Cabin"});
    put(s, &full);
    store_node_info info = get(s, "Cabin", true);
    assert_memory_equal(&info, &full, sizeof info);
    commit(s);
    store_close(s);
}

static void record(store *s, const char *name, int64_t ms, int64_t inserted)
{
    store_node node = {.mode = "push",
                       .merged_ms = ms,
                       .inserted = inserted,
                       .changed_ms = ms,
                       .contact = {.last_ms = ms}};
    sh_error error = {0};
    (void)snprintf(node.node, sizeof node.node, "%s", name);
    must(store_node_record(s, &node, &error), &error);
}

static void a_merge_leaves_what_is_known_and_the_reverse(void **state)
{
    (void)state;
    store *s = opened();
    store_node node;
    begin(s);
    put(s, &full);
    record(s, "Cabin", 1000, 3);
    store_node_info info = get(s, "Cabin", true);
    assert_string_equal(info.note, full.note);
    assert_int_equal(info.problem_ms, 10);
    assert_int_equal(info.first_contact_ms, 4);
    assert_int_equal(info.contact.last_ms, 1000);
    put(s, &info);
    must(store_node_lock(s, "Cabin", false, &node, NULL), NULL);
    assert_int_equal(node.inserted, 3);
    assert_int_equal(node.changed_ms, 1000);
    assert_int_equal(node.contact.reported_ms, 8);
    assert_int_equal(node.contact.set_ms, 9);
    record(s, "Attic", 2000, 1);
    assert_int_equal(get(s, "Attic", true).first_contact_ms, 2000);
    commit(s);
    store_close(s);
}

static sh_err join_names(void *context, const store_node_info *info, sh_error *error)
{
    char *names = context;
    (void)error;
    (void)snprintf(names + strlen(names), 200 - strlen(names), "%s ", info->node);
    return SH_OK;
}

static const char *names_of(store *s)
{
    static char names[200];
    names[0] = '\0';
    must(store_node_infos(s, join_names, names, NULL), NULL);
    return names;
}

static sh_err join_summaries(void *context, const store_node_summary *n, sh_error *error)
{
    char *all = context;
    (void)error;
    (void)snprintf(all + strlen(all), 400 - strlen(all),
                   "%s %d %d %lld %lld %lld %s %lld %lld %lld %lld;", n->node, n->is_recorded,
                   n->has_credentials + 2 * n->is_revoked, (long long)n->contact.last_ms,
                   (long long)n->contact.set_ms, (long long)n->problem_seen_ms, n->problem_kind,
                   (long long)n->problem_status, (long long)n->merged_ms, (long long)n->rows,
                   (long long)n->present);
    return SH_OK;
}

static const char *summaries(store *s, int64_t count_max)
{
    static char all[400];
    all[0] = '\0';
    must(store_node_summaries(s, count_max, join_summaries, all, NULL), NULL);
    return all;
}

static void put_credentials(const char *node, int64_t revoked_ms)
{
    sh_node_record record = {.created_ms = 1, .revoked_ms = revoked_ms};
    sh_buf text = SH_BUF_INIT(SH_KIB);
    char statement[600];
    assert_int_equal(sh_node_record_write(&record, &text), SH_OK);
    (void)snprintf(statement, sizeof statement,
                   "INSERT INTO \"SyncHub_Credentials\" VALUES('%s', '%s', 1)", node, text.data);
    (void)sql(statement);
    sh_buf_reset(&text);
}

static void summaries_have_all_nodes_in_order(void **state)
{
    (void)state;
    store *s = opened();
    assert_string_equal(summaries(s, 10), "");
    begin(s);
    put(s, &full);
    record(s, "# x", 2000, 1);
    commit(s);
    put_credentials("Added", 0);
    put_credentials("Cabin", 5);
    (void)sql("INSERT INTO \"SyncHub_Presence\" SELECT '# x', mac, present, 1, 1, 1, '' FROM"
              " (SELECT 'a' AS mac, 1 AS present UNION SELECT 'b', 0 UNION SELECT 'c', 2) AS r");
    static const char counted[] = "# x 1 0 2000 0 0  0 2000 0 1;"
                                  "Added 0 1 0 0 0  0 0 0 0;"
                                  "Cabin 1 3 5 9 11 key 422 0 0 0;";
    assert_string_equal(summaries(s, 3), counted);
    static const char over[] = "# x 1 0 2000 0 0  0 2000 0 -1;"
                               "Added 0 1 0 0 0  0 0 0 -1;"
                               "Cabin 1 3 5 9 11 key 422 0 0 -1;";
    assert_string_equal(summaries(s, 2), over);
    store_close(s);
}

static void a_node_is_forgotten_with_all_that_is_recorded(void **state)
{
    (void)state;
    store *s = opened();
    bool found = false;
    begin(s);
    put(s, &full);
    record(s, "Attic", 2000, 1);
    must(store_node_forget(s, "Cabin", &found, NULL), NULL);
    assert_true(found);
    must(store_node_forget(s, "Cabin", &found, NULL), NULL);
    assert_false(found);
    commit(s);
    assert_string_equal(names_of(s), "Attic ");
    store_close(s);
}

static void nodes_that_were_never_accepted_are_limited(void **state)
{
    (void)state;
    store *s = opened();
    begin(s);
    put(s, &(store_node_info){.node = "Old", .problem_seen_ms = 1});
    put(s, &(store_node_info){.node = "New", .problem_seen_ms = 3});
    put(s, &(store_node_info){.node = "Newer", .problem_seen_ms = 4});
    put(s, &(store_node_info){.node = "Expected", .expected_ms = 1});
    put(s, &(store_node_info){.node = "Accepted", .first_contact_ms = 1, .problem_seen_ms = 1});
    must(store_node_strangers_trim(s, 2, NULL), NULL);
    commit(s);
    assert_string_equal(names_of(s), "Accepted Expected New Newer ");
    store_close(s);
}

static void nodes_in_contact_are_not_pruned(void **state)
{
    (void)state;
    store *s = opened();
    const store_limits limits = {.items_max = 100,
                                 .parts_max = 100,
                                 .nodes_max = 100,
                                 .node_items_max = 100,
                                 .presence_max = 100,
                                 .nodes_before_ms = 1000};
    bool more = false;
    begin(s);
    put(s, &(store_node_info){.node = "Contact", .contact = {.last_ms = 1000}});
    put(s, &(store_node_info){.node = "Problem", .problem_seen_ms = 1000});
    put(s, &(store_node_info){.node = "Expected", .expected_ms = 1});
    put(s, &(store_node_info){.node = "Labelled", .labels = "a=b\n"});
    put(s, &(store_node_info){.node = "Gone", .contact = {.last_ms = 999}});
    commit(s);
    must(store_prune(s, &limits, &more, NULL), NULL);
    assert_string_equal(names_of(s), "Contact Expected Labelled Problem ");
    store_close(s);
}

static sh_err join_failures(void *context, const store_auth_failure *f, sh_error *error)
{
    char *all = context;
    (void)error;
    (void)snprintf(all + strlen(all), 400 - strlen(all), "%s/%s %d %d %d %s; ", f->address, f->node,
                   (int)f->first_ms, (int)f->last_ms, (int)f->failures, f->reason);
    return SH_OK;
}

static void auth_failures_are_counted_and_limited(void **state)
{
    (void)state;
    store *s = opened();
    char all[400] = "";
    store_auth_failure one = {
        .address = "::1", .node = "A", .first_ms = 5, .last_ms = 6, .failures = 2, .reason = "r"};
    begin(s);
    must(store_auth_failure_add(s, &one, NULL), NULL);
    one.first_ms = 7;
    one.last_ms = 8;
    must(store_auth_failure_add(s, &one, NULL), NULL);
    one.node[0] = '\0';
    one.last_ms = 9;
    must(store_auth_failure_add(s, &one, NULL), NULL);
    one.node[0] = 'B';
    one.last_ms = 1;
    must(store_auth_failure_add(s, &one, NULL), NULL);
    must(store_auth_failures_trim(s, 2, NULL), NULL);
    commit(s);
    must(store_auth_failures(s, join_failures, all, NULL), NULL);
    assert_string_equal(all, "::1/ 7 9 2 r; ::1/A 5 8 4 r; ");
    begin(s);
    for (int i = 0; i < SH_AUTH_FAILURES_ADDRESS_MAX + 5; i++) {
        (void)snprintf(one.node, sizeof one.node, "N%d", i);
        one.last_ms = 100 + i;
        must(store_auth_failure_add(s, &one, NULL), NULL);
    }
    must(store_auth_failures_trim(s, 1000, NULL), NULL); /* one address takes no other's place */
    commit(s);
    assert_string_equal(sql("SELECT count(*) FROM \"SyncHub_AuthFailures\" WHERE node = 'N4'"),
                        "0;");
    assert_string_equal(sql("SELECT count(*) FROM \"SyncHub_AuthFailures\""), "20;");
    begin(s);
    must(store_auth_failures_trim(s, 0, NULL), NULL);
    commit(s);
    all[0] = '\0';
    must(store_auth_failures(s, join_failures, all, NULL), NULL);
    assert_string_equal(all, "");
    store_close(s);
}

#define WITH_FOLDER(f) cmocka_unit_test_setup_teardown(f, folder_make, folder_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FOLDER(all_fields_are_kept),
        WITH_FOLDER(several_are_read_and_written_at_once),
        WITH_FOLDER(one_that_is_refused_fails_all),
        WITH_FOLDER(a_merge_leaves_what_is_known_and_the_reverse),
        WITH_FOLDER(summaries_have_all_nodes_in_order),
        WITH_FOLDER(a_node_is_forgotten_with_all_that_is_recorded),
        WITH_FOLDER(nodes_that_were_never_accepted_are_limited),
        WITH_FOLDER(nodes_in_contact_are_not_pruned),
        WITH_FOLDER(auth_failures_are_counted_and_limited),
    };
    int failed = cmocka_run_group_tests_name("sqlite", tests, NULL, NULL);
    return failed + cmocka_run_group_tests_name("postgres", tests, server_start, server_stop);
}
