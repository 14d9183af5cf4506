/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include "receiver/store/device_candidates.h"
#include "receiver/store/device_query.h"
#include "receiver/store/schema.h"
#include "tests/unit/store_fixture.h"

/* How lists of devices are read: their plans, which decide how long a million devices take. */

static void append_line(char *text, size_t room, const char *line)
{
    size_t used = strlen(text);
    (void)snprintf(text + used, room - used, "%s\n", line);
}

/* SQLite's plan of a query, a line for each step. */
static void explain(const store_device_query *query, const char *candidates, char *ret, size_t room)
{
    store *s = NULL;
    sqlite3 *db = NULL;
    sqlite3_stmt *statement = NULL;
    device_query_parameters parameters = {.candidates = candidates};
    SH_CLEANUP(sh_buf_reset) sh_buf sql = SH_BUF_INIT(16 * SH_KIB);
    ret[0] = '\0';
    assert_int_equal(store_open(db_path, STORE_READ_ONLY, &s, NULL), SH_OK);
    assert_int_equal(sh_buf_append_text(&sql, "EXPLAIN QUERY PLAN "), SH_OK);
    assert_int_equal(device_query_build(s, SCHEMA_SQLITE, query, &sql, &parameters), SH_OK);
    assert_int_equal(sqlite3_open(db_path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, sql.data, -1, &statement, NULL), SQLITE_OK);
    while (sqlite3_step(statement) == SQLITE_ROW)
        append_line(ret, room, (const char *)sqlite3_column_text(statement, 3));
    assert_int_equal(sqlite3_finalize(statement), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    store_close(s);
}

static void check_text(const char *plan, const char *const with[], const char *const without[])
{
    for (size_t i = 0; with[i] != NULL; i++)
        if (strstr(plan, with[i]) == NULL)
            fail_msg("no \"%s\" in:\n%s", with[i], plan);
    for (size_t i = 0; without[i] != NULL; i++)
        if (strstr(plan, without[i]) != NULL)
            fail_msg("\"%s\" in:\n%s", without[i], plan);
}

static void check_plan(const store_device_query *query, const char *const with[],
                       const char *const without[])
{
    char plan[4000];
    explain(query, NULL, plan, sizeof plan);
    check_text(plan, with, without);
}

#define LIST(...)                                                                                  \
    (const char *const[])                                                                          \
    {                                                                                              \
        __VA_ARGS__, NULL                                                                          \
    }

static void a_list_begins_with_an_index(void **state)
{
    (void)state;
    store_close(opened());
    sh_mac mac;
    assert_int_equal(sh_mac_read(SH_SLICE("aa:bb:cc:dd:ee:ff"), &mac, NULL), SH_OK);
    check_plan(&(store_device_query){.node = NULL}, LIST("SCAN d"), LIST("TEMP B-TREE"));
    check_plan(&(store_device_query){.mac = &mac}, LIST("SEARCH d USING"), LIST("SCAN"));
    check_plan(&(store_device_query){.after = 5},
               LIST("SEARCH d USING INTEGER PRIMARY KEY (rowid>?)"), LIST("TEMP B-TREE"));
    check_plan(&(store_device_query){.node = "N"},
               LIST("SEARCH d USING INTEGER PRIMARY KEY (rowid=?)",
                    "SEARCH p USING PRIMARY KEY (node=?", "Devices_devSyncHubNode"),
               LIST("SCAN", "FOR ORDER BY"));
    check_plan(&(store_device_query){.first_seen_ms = 5},
               LIST("SEARCH d USING INTEGER PRIMARY KEY (rowid=?)", "SyncHub_Presence_first_seen",
                    "SyncHub_Presence_mac (mac=?)"),
               LIST("SCAN", "FOR ORDER BY"));
}

static void presence_is_looked_up_for_each_device(void **state)
{
    (void)state;
    static const char *const presences[] = {"yes", "no", "unknown"};
    store_close(opened());
    for (size_t i = 0; i < 3; i++)
        check_plan(&(store_device_query){.present = presences[i]},
                   LIST("SCAN d", "SyncHub_Presence_mac (mac=?)"),
                   LIST("SCAN p", "AUTOMATIC", "MATERIALIZE", "TEMP B-TREE"));
}

/* Of a node, or of few devices, it is looked up. */
static void an_order_by_presence_sums_it_up_once(void **state)
{
    (void)state;
    store_close(opened());
    char plan[4000];
    for (store_sort sort = STORE_SORT_PRESENT; sort <= STORE_SORT_LAST_SEEN; sort++) {
        const store_device_query query = {.sort = sort, .present = "no"};
        check_plan(&query,
                   LIST("SEARCH n USING PRIMARY KEY (node=?)", "SEARCH p USING PRIMARY KEY (node=?",
                        "USE TEMP B-TREE FOR GROUP BY"),
                   LIST("SyncHub_Presence_mac"));
        explain(&query, "[1]", plan, sizeof plan);
        check_text(
            plan,
            LIST("SEARCH d USING INTEGER PRIMARY KEY (rowid=?)", "SyncHub_Presence_mac (mac=?)"),
            LIST("SCAN d", "GROUP BY"));
        check_plan(&(store_device_query){.sort = sort, .node = "N"}, LIST("(rowid=?)"),
                   LIST("SCAN d", "GROUP BY"));
    }
}

static void candidates_are_found_by_an_index(void **state)
{
    (void)state;
    store_close(opened());
    static const struct {
        const char *present;
        const char *with[3];
    } plans[] = {
        {"no", {"SyncHub_Presence_not_present (present=?)", "SEARCH e USING", NULL}},
        {"yes", {"SCAN n", "SEARCH p USING PRIMARY KEY (node=?)", NULL}},
        {"unknown", {"SyncHub_Presence_not_present", "SyncHub_Presence_mac (mac=?)", NULL}},
    };
    for (size_t i = 0; i < sizeof plans / sizeof plans[0]; i++) {
        char plan[4000] = "";
        sqlite3 *db = NULL;
        sqlite3_stmt *statement = NULL;
        SH_CLEANUP(sh_buf_reset) sh_buf text = SH_BUF_INIT(16 * SH_KIB);
        assert_int_equal(sh_buf_append_text(&text, "EXPLAIN QUERY PLAN "), SH_OK);
        assert_int_equal(device_candidates_build(SCHEMA_SQLITE, plans[i].present, &text), SH_OK);
        assert_int_equal(sqlite3_open(db_path, &db), SQLITE_OK);
        assert_int_equal(sqlite3_prepare_v2(db, text.data, -1, &statement, NULL), SQLITE_OK);
        while (sqlite3_step(statement) == SQLITE_ROW)
            append_line(plan, sizeof plan, (const char *)sqlite3_column_text(statement, 3));
        assert_int_equal(sqlite3_finalize(statement), SQLITE_OK);
        assert_int_equal(sqlite3_close(db), SQLITE_OK);
        check_text(plan, plans[i].with, LIST("SCAN p\n"));
    }
}

/* Joined, the presence of all devices would be read before the first one is found. */
static void postgres_joins_no_presence(void **state)
{
    (void)state;
    static const char *const presences[] = {"yes", "no", "unknown"};
    store *s = opened();
    for (size_t i = 0; i < 3; i++) {
        const store_device_query query = {.present = presences[i]};
        device_query_parameters parameters = {.count = 0};
        SH_CLEANUP(sh_buf_reset) sh_buf text = SH_BUF_INIT(16 * SH_KIB);
        assert_int_equal(sh_buf_append_text(&text, "EXPLAIN "), SH_OK);
        assert_int_equal(device_query_build(s, SCHEMA_POSTGRES, &query, &text, &parameters), SH_OK);
        const char *plan = sql(text.data);
        assert_non_null(strstr(plan, "SubPlan"));
        assert_null(strstr(plan, "Semi Join"));
        assert_null(strstr(plan, "Anti Join"));
    }
    store_close(s);
}

static void lists_by_mac_and_node_need_no_sorting(void **state)
{
    (void)state;
    store_close(opened());
    for (int descending = 0; descending < 2; descending++)
        check_plan(&(store_device_query){.sort = STORE_SORT_MAC, .descending = descending},
                   LIST("SCAN d USING"), LIST("TEMP B-TREE"));
    check_plan(&(store_device_query){.sort = STORE_SORT_NODE}, LIST("Devices_devSyncHubNode"),
               LIST("TEMP B-TREE"));
}

/* --- Pages ----------------------------------------------------------------------------------- */

typedef struct {
    char rowids[200];
    int64_t last, count;
} page;

static sh_err note_device(void *context, const store_device *device, sh_error *error)
{
    page *p = context;
    size_t used = strlen(p->rowids);
    (void)error;
    (void)snprintf(p->rowids + used, sizeof p->rowids - used, "%lld ", (long long)device->rowid);
    p->last = device->rowid;
    p->count++;
    return SH_OK;
}

static void pages_of_any_order_are_the_whole_list(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "{\"devMac\":\"e\",\"devName\":\"Zebra\",\"devLastIP\":\"10.0.0.10\"}",
        "{\"devMac\":\"d\",\"devName\":\"ant\",\"devLastIP\":\"10.0.0.9\"}",
        "{\"devMac\":\"c\",\"devName\":\"ant\",\"devVendor\":\"V\"}",
        "{\"devMac\":\"b\",\"devName\":\"\",\"devLastIP\":\"fe80::1\",\"devVendor\":\"v\"}",
        "{\"devMac\":\"a\",\"devName\":\"Ant\",\"devLastIP\":\"10.0.0.10\"}"};
    store *s = opened();
    for (size_t i = 0; i < 5; i++)
        assert_int_equal(insert(s, rows[i], i < 3 ? "N" : "n"), STORE_INSERTED);
    for (store_sort sort = STORE_SORT_NONE; sort <= STORE_SORT_LAST_SEEN; sort++) {
        for (int descending = 0; descending < (sort == STORE_SORT_NONE ? 1 : 2); descending++) {
            store_device_query query = {.sort = sort, .descending = descending};
            page whole = {.count = 0}, pages = {.count = 0};
            assert_int_equal(store_devices(s, &query, note_device, &whole, NULL), SH_OK);
            assert_int_equal(whole.count, 5);
            query.limit = 2;
            for (int i = 0; i < 3; i++) {
                assert_int_equal(store_devices(s, &query, note_device, &pages, NULL), SH_OK);
                query.after = pages.last;
            }
            assert_string_equal(pages.rowids, whole.rowids);
        }
    }
    store_close(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_list_begins_with_an_index, folder_make, folder_remove),
        cmocka_unit_test_setup_teardown(presence_is_looked_up_for_each_device, folder_make,
                                        folder_remove),
        cmocka_unit_test_setup_teardown(an_order_by_presence_sums_it_up_once, folder_make,
                                        folder_remove),
        cmocka_unit_test_setup_teardown(candidates_are_found_by_an_index, folder_make,
                                        folder_remove),
        cmocka_unit_test_setup_teardown(lists_by_mac_and_node_need_no_sorting, folder_make,
                                        folder_remove),
        cmocka_unit_test_setup_teardown(pages_of_any_order_are_the_whole_list, folder_make,
                                        folder_remove),
    };
    const struct CMUnitTest on_postgres[] = {
        cmocka_unit_test_setup_teardown(postgres_joins_no_presence, folder_make, folder_remove),
        cmocka_unit_test_setup_teardown(pages_of_any_order_are_the_whole_list, folder_make,
                                        folder_remove),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    return cmocka_run_group_tests(on_postgres, server_start, server_stop) + failed;
}
