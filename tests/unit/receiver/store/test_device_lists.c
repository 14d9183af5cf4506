/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include "libcommon/base/clock.h"
#include "receiver/store/device_candidates.h"
#include "tests/unit/store_fixture.h"

#include <inttypes.h>

/*
 * Lists of devices by their presence, compared with the view SyncHub_DevicePresence, which computes
 * it in another way: each filter with each order, as a whole and in pages, whether few or many rows
 * of presence match.
 */

#define DEVICES 60
#define NODES_OF_MANY 180
_Static_assert(DEVICES *NODES_OF_MANY > DEVICE_CANDIDATES_MAX, "too many to be candidates");

/* --- Devices --------------------------------------------------------------------------------- */

static void run(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void run(const char *format, ...)
{
    char text[2000];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    (void)sql(text);
}

static void add_node(const char *node, int64_t contact_ms, const char *columns, const char *values)
{
    run("INSERT INTO \"SyncHub_Nodes\"(node, mode, merged_ms, sent, inserted, known, skipped,"
        " set_aside, reason, last_contact_ms%s) VALUES('%s', 'push', 1, 0, 0, 0, 0, 0, '', %" PRId64
        "%s)",
        columns, node, contact_ms, values);
}

/* Nodes in all states, with presence of all kinds and many equal times; some devices have none. */
static void fill(void)
{
    const int64_t now_ms = sh_clock_unix_ms();
    static const char *const nodes[] = {"fine",    "good",   "silent", "late",
                                        "failing", "future", "gone"};
    add_node("fine", now_ms - 10000, "", "");
    add_node("good", now_ms - 20000, "", "");
    add_node("silent", now_ms - 3600000, "", "");
    add_node("late", now_ms - 800000, ", interval_ms", ", 300000");
    add_node("failing", now_ms - 5000, ", problem_ms, problem_seen_ms", ", 5, 9999999999999");
    add_node("future", now_ms + 3600000, "", "");
    run("INSERT INTO \"Devices\"(\"devMac\", \"devName\", \"devLastIP\", \"devVendor\","
        " \"devFirstConnection\", \"devLastConnection\", \"devSyncHubNode\")"
        " WITH RECURSIVE g(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM g WHERE i < %d)"
        " SELECT 'mac-' || (i * 37 %% 61), CASE i %% 2 WHEN 0 THEN 'Name ' ELSE 'name ' END"
        " || (i %% 9), '10.0.0.' || (i %% 20), 'V' || (i %% 3), "
        "'" NOW "', '" NOW "', 'n' || (i %% 4) FROM g",
        DEVICES);
    for (size_t k = 0; k < sizeof nodes / sizeof nodes[0]; k++)
        run("INSERT INTO \"SyncHub_Presence\"(node, mac, present, since_ms, first_seen_ms,"
            " last_connection_ms, ip) SELECT '%s', \"devMac\", (rowid / 3 + %zu) %% 3,"
            " %" PRId64 " - rowid %% 11 * 100000, rowid %% 7 * 1000, %" PRId64
            " - rowid %% 5 * 90000, '' FROM \"Devices\" WHERE rowid %% 13 > 0"
            " AND (rowid * 7 + %zu * 3) %% 5 < 2 OR rowid %% 8 = %zu",
            nodes[k], k, now_ms, now_ms, k, k);
    run("DELETE FROM \"SyncHub_Presence\" WHERE node NOT IN ('fine', 'good')"
        " AND mac IN (SELECT \"devMac\" FROM \"Devices\" WHERE rowid %% 4 = 0)");
    run("UPDATE \"SyncHub_Presence\" SET present = 0 WHERE node IN ('fine', 'good')"
        " AND mac IN (SELECT \"devMac\" FROM \"Devices\" WHERE rowid %% 4 = 0)");
}

/* Rows of presence of so many nodes that they are no candidates. */
static void fill_many(int present, int64_t contact_ms)
{
    run("DELETE FROM \"SyncHub_Presence\" WHERE node LIKE 'many %%'");
    run("DELETE FROM \"SyncHub_Nodes\" WHERE node LIKE 'many %%'");
    run("INSERT INTO \"SyncHub_Nodes\"(node, mode, merged_ms, sent, inserted, known, skipped,"
        " set_aside, reason, last_contact_ms) WITH RECURSIVE g(i) AS (SELECT 1 UNION ALL"
        " SELECT i + 1 FROM g WHERE i < %d) SELECT 'many ' || i, 'push', 1, 0, 0, 0, 0, 0, '',"
        " %" PRId64 " FROM g",
        NODES_OF_MANY, contact_ms);
    run("INSERT INTO \"SyncHub_Presence\"(node, mac, present, since_ms, first_seen_ms,"
        " last_connection_ms, ip) SELECT n.node, d.\"devMac\", %d, 1000 + d.rowid %% 3, 5, 7, ''"
        " FROM \"SyncHub_Nodes\" AS n CROSS JOIN \"Devices\" AS d WHERE n.node LIKE 'many %%'",
        present);
}

/* --- Lists ----------------------------------------------------------------------------------- */

typedef struct {
    char rowids[1000];
    int64_t last, count;
} listed;

static sh_err note_device(void *context, const store_device *device, sh_error *error)
{
    listed *l = context;
    size_t used = strlen(l->rowids);
    (void)error;
    (void)snprintf(l->rowids + used, sizeof l->rowids - used, "%" PRId64 ";", device->rowid);
    l->last = device->rowid;
    l->count++;
    return SH_OK;
}

static const char *const orders[] = {
    [STORE_SORT_NONE] = "d.rowid",
    [STORE_SORT_MAC] = "lower(d.\"devMac\")",
    [STORE_SORT_NAME] = "lower(d.\"devName\")",
    [STORE_SORT_IP] = "CAST(replace(d.\"devLastIP\", '10.0.0.', '') AS INTEGER)",
    [STORE_SORT_VENDOR] = "lower(d.\"devVendor\")",
    [STORE_SORT_NODE] = "lower(d.\"devSyncHubNode\")",
    [STORE_SORT_PRESENT] = "CASE v.present WHEN 'yes' THEN 2 WHEN 'no' THEN 0 ELSE 1 END",
    [STORE_SORT_SINCE] = "coalesce(v.since_ms, 0)",
    [STORE_SORT_FIRST_SEEN] = "coalesce(v.first_seen_ms, 0)",
    [STORE_SORT_LAST_SEEN] = "coalesce(v.last_connection_ms, 0)",
};

/* The same list by another way. */
static const char *expected_of(const store_device_query *query)
{
    static char text[1000];
    (void)snprintf(text, sizeof text,
                   "SELECT d.rowid FROM \"Devices\" AS d JOIN \"SyncHub_DevicePresence\" AS v"
                   " ON v.\"devMac\" = d.\"devMac\"%s%s%s ORDER BY %s%s, d.rowid",
                   query->present == NULL ? "" : " WHERE v.present = '",
                   query->present == NULL ? "" : query->present, query->present == NULL ? "" : "'",
                   orders[query->sort], query->descending ? " DESC" : "");
    return sql(text);
}

/* Pages of 17 devices. */
static void check_pages(store *s, store_device_query query)
{
    sh_error error = {.code = SH_OK};
    listed whole = {.count = 0}, pages = {.count = 0};
    must(store_devices(s, &query, note_device, &whole, &error), &error);
    query.limit = 17;
    for (int64_t before = -1; pages.count > before;) {
        before = pages.count;
        must(store_devices(s, &query, note_device, &pages, &error), &error);
        query.after = pages.last;
    }
    if (strcmp(pages.rowids, whole.rowids) != 0)
        fail_msg("present %s, sort %d, descending %d, in pages:\n%s\ninstead of\n%s", query.present,
                 query.sort, query.descending, pages.rowids, whole.rowids);
}

static void check_list(store *s, store_device_query query)
{
    sh_error error = {.code = SH_OK};
    listed whole = {.count = 0};
    must(store_devices(s, &query, note_device, &whole, &error), &error);
    if (strcmp(whole.rowids, expected_of(&query)) != 0)
        fail_msg("present %s, sort %d, descending %d:\n%s\ninstead of\n%s", query.present,
                 query.sort, query.descending, whole.rowids, expected_of(&query));
    check_pages(s, query);
}

static void check_lists(store *s, const char *present)
{
    for (store_sort sort = STORE_SORT_NONE; sort <= STORE_SORT_LAST_SEEN; sort++)
        for (int descending = 0; descending < (sort == STORE_SORT_NONE ? 1 : 2); descending++)
            check_list(s, (store_device_query){
                              .present = present, .sort = sort, .descending = descending});
}

static void lists_are_those_of_the_view(void **state)
{
    (void)state;
    static const char *const presences[] = {NULL, "yes", "no", "unknown"};
    store *s = opened();
    fill();
    for (size_t i = 0; i < 4; i++) {
        const store_device_query query = {.present = presences[i]};
        assert_true(strlen(expected_of(&query)) > 24); /* at least eight devices */
        check_lists(s, presences[i]);
    }
    store_close(s);
}

static void lists_of_many_are_those_of_the_view(void **state)
{
    (void)state;
    static const struct {
        const char *present;
        int stored;
        int64_t age_ms;
    } many[] = {{"no", 0, 9000}, {"yes", 1, 9000}, {"unknown", 1, 3600000}};
    store *s = opened();
    fill();
    for (size_t i = 0; i < sizeof many / sizeof many[0]; i++) {
        fill_many(many[i].stored, sh_clock_unix_ms() - many[i].age_ms);
        static const store_sort sorts[] = {STORE_SORT_NONE, STORE_SORT_NAME, STORE_SORT_SINCE,
                                           STORE_SORT_LAST_SEEN};
        for (size_t k = 0; k < sizeof sorts / sizeof sorts[0]; k++)
            check_list(s, (store_device_query){.present = many[i].present, .sort = sorts[k]});
    }
    store_close(s);
}

/* NetAlertX's rows may have NULL where ours have a text. */
static void pages_of_a_netalertx_database_are_the_whole_list(void **state)
{
    (void)state;
    sql_file(TESTS_DIR "/fixtures/app_db.sql");
    store *s = opened();
    for (int i = 0; i < 20; i++) {
        char json[60];
        (void)snprintf(json, sizeof json, "{\"devMac\":\"%d\",\"devName\":\"%d\"}", i, i % 3);
        assert_int_equal(insert(s, json, i % 2 == 0 ? "N" : "M"), STORE_INSERTED);
    }
    run("UPDATE Devices SET devSyncHubNode = NULL, devVendor = NULL WHERE rowid %% 3 = 0");
    for (store_sort sort = STORE_SORT_NONE; sort <= STORE_SORT_LAST_SEEN; sort++)
        for (int descending = 0; descending < (sort == STORE_SORT_NONE ? 1 : 2); descending++)
            check_pages(s, (store_device_query){.sort = sort, .descending = descending});
    store_close(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(lists_are_those_of_the_view, folder_make, folder_remove),
        cmocka_unit_test_setup_teardown(lists_of_many_are_those_of_the_view, folder_make,
                                        folder_remove),
    };
    const struct CMUnitTest of_netalertx[] = {
        cmocka_unit_test_setup_teardown(pages_of_a_netalertx_database_are_the_whole_list,
                                        folder_make, folder_remove),
    };
    int failed = cmocka_run_group_tests_name("SQLite", tests, NULL, NULL);
    failed += cmocka_run_group_tests_name("NetAlertX", of_netalertx, NULL, NULL);
    return cmocka_run_group_tests_name("PostgreSQL", tests, server_start, server_stop) + failed;
}
