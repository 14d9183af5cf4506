/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/store/node_summary.h"
#include "tests/unit/store_fixture.h"

/* The store on a NetAlertX hub's database. */

#define THEIR_OBJECTS                                                                              \
    "SELECT group_concat(sql, char(10)) FROM (SELECT sql FROM sqlite_master"                       \
    " WHERE name NOT LIKE 'SyncHub%' AND sql IS NOT NULL AND tbl_name NOT LIKE 'SyncHub%'"         \
    " ORDER BY name)"

static void make_app_db(void)
{
    sql_file(TESTS_DIR "/fixtures/app_db.sql");
}

static const sh_column *column_of(store *s, const char *name)
{
    size_t count = 0;
    const sh_column *columns = store_columns(s, &count);
    for (size_t i = 0; i < count; i++)
        if (strcmp(columns[i].name, name) == 0)
            return &columns[i];
    return NULL;
}

static void nothing_of_netalertx_is_altered(void **state)
{
    (void)state;
    make_app_db();
    char *before = strdup(sql(THEIR_OBJECTS));
    assert_non_null(before);
    assert_true(strlen(before) > 1000);
    store *s = opened();
    assert_int_equal(insert(s, "{\"devMac\":\"b\"}", "N"), STORE_INSERTED);
    store_close(s);
    store_close(opened());
    assert_string_equal(sql(THEIR_OBJECTS), before);
    free(before);
    assert_string_equal(sql("PRAGMA journal_mode"), "delete;");
    assert_string_equal(
        sql("SELECT name FROM sqlite_master WHERE type = 'table'"
            " AND name LIKE 'SyncHub%' ORDER BY name"),
        "SyncHub_AuthFailures;SyncHub_Blocklist;SyncHub_Console;"
        "SyncHub_Credentials;SyncHub_History;SyncHub_Items;SyncHub_Meta;SyncHub_Nodes;"
        "SyncHub_Parts;SyncHub_Sessions;SyncHub_Settings;");
    assert_string_equal(sql("SELECT value FROM SyncHub_Meta WHERE key = 'database'"), "netalertx;");
    assert_string_equal(sql("SELECT count(*) FROM sqlite_master WHERE type = 'trigger'"), "2;");
}

static void the_columns_that_are_there_are_used(void **state)
{
    (void)state;
    make_app_db();
    store *s = opened();
    assert_null(column_of(s, "devMacSource"));
    assert_null(column_of(s, "devCanSleep"));
    const sh_column *name = column_of(s, "devName");
    assert_int_equal(name->kind, SH_COLUMN_TEXT);
    assert_string_equal(name->default_text, "(unknown)");
    assert_int_equal(column_of(s, "devFavorite")->kind, SH_COLUMN_BOOLEAN);
    assert_int_equal(column_of(s, "devFirstConnection")->default_kind, SH_DEFAULT_NOW);
    assert_string_equal(column_of(s, "devRack")->default_text, "rack one");
    assert_int_equal(column_of(s, "devHeight")->kind, SH_COLUMN_INTEGER);
    assert_int_equal(column_of(s, "devHeight")->default_integer, 42);
    assert_int_equal(column_of(s, "devSeen")->default_kind, SH_DEFAULT_NOW);
    assert_int_equal(column_of(s, "devShelf")->default_kind, SH_DEFAULT_TEXT);
    assert_string_equal(column_of(s, "devShelf")->default_text, "");
    assert_int_equal(column_of(s, "devWeight")->default_kind, SH_DEFAULT_NULL);
    assert_int_equal(insert(s,
                            "{\"devMac\":\"b\",\"devWeight\":1.5,\"devMacSource\":\"x\","
                            "\"devHeight\":7}",
                            "N"),
                     STORE_INSERTED);
    assert_int_equal(insert(s, "{\"devMac\":\"c\"}", "N"), STORE_INSERTED);
    store_close(s);
    assert_string_equal(sql("SELECT devMac, devName, devRack, devHeight, devSeen, devShelf,"
                            " devWeight, devSyncHubNode FROM Devices WHERE rowid > 1"),
                        "b|(unknown)|rack one|7|" NOW "||1.5|N;"
                        "c|(unknown)|rack one|42|" NOW "||NULL|N;");
}

static void a_mac_in_upper_case_is_known(void **state)
{
    (void)state;
    make_app_db();
    store *s = opened();
    assert_int_equal(insert(s, "{\"devMac\":\"aa-bb-cc-00-00-01\",\"devName\":\"new\"}", "N"),
                     STORE_KNOWN);
    sh_mac mac;
    assert_int_equal(sh_mac_read(SH_SLICE("aabbcc000001"), &mac, NULL), SH_OK);
    const sh_mac *asked[] = {&mac};
    bool known = false;
    assert_int_equal(store_find_known(s, asked, 1, &known, NULL), SH_OK);
    assert_true(known);
    store_close(s);
    assert_string_equal(sql("SELECT devMac, devName FROM Devices"), "AA:BB:CC:00:00:01|kept;");
    assert_string_equal(sql("SELECT count(*) FROM Events"), "0;");
    assert_string_equal(sql("SELECT count(*) FROM Changes WHERE what = 'changed'"), "0;");
}

static void each_inserted_row_has_one_event(void **state)
{
    (void)state;
    make_app_db();
    store *s = opened();
    const char *b = "{\"devMac\":\"B\",\"devLastIP\":\"10.0.0.2\",\"devVendor\":\"Acme\"}";
    assert_int_equal(insert(s, b, "N"), STORE_INSERTED);
    assert_int_equal(insert(s, b, "N"), STORE_KNOWN);
    assert_int_equal(insert(s, "{\"devMac\":\"c\"}", "N"), STORE_INSERTED);
    store_close(s);
    assert_string_equal(sql("SELECT eveMac, eveIp, eveDateTime, eveEventType, eveAdditionalInfo,"
                            " evePendingAlertEmail, evePairEventRowid FROM Events ORDER BY rowid"),
                        "B|10.0.0.2|" NOW "|New Device|Acme|1|NULL;"
                        "c||" NOW "|New Device||1|NULL;");
    assert_string_equal(sql("SELECT what, mac FROM Changes WHERE mac <> 'AA:BB:CC:00:00:01'"),
                        "added|B;added|c;");
}

static void an_event_goes_with_its_row(void **state)
{
    (void)state;
    make_app_db();
    store *s = opened();
    size_t count = 0;
    const sh_column *columns = store_columns(s, &count);
    SH_CLEANUP(sh_arena_reset) sh_arena arena = {NULL};
    sh_device_row *row = NULL;
    assert_int_equal(sh_device_row_read(
                         SH_SLICE("{\"devMac\":\"b\"}"),
                         &(sh_row_context){columns, count, SH_SLICE("N"), NOW, &arena}, &row, NULL),
                     SH_OK);
    store_insert one = {.row = row};
    assert_int_equal(store_begin(s, NULL), SH_OK);
    assert_int_equal(store_insert_devices(s, &one, 1, NOW, NULL), SH_OK);
    store_rollback(s);
    store_close(s);
    assert_string_equal(sql("SELECT count(*) FROM Events"), "0;");
    assert_string_equal(sql("SELECT count(*) FROM Devices"), "1;");
}

static void a_row_whose_event_is_refused_is_rejected_with_it(void **state)
{
    (void)state;
    make_app_db();
    (void)sql("CREATE TRIGGER no_event BEFORE INSERT ON Events WHEN NEW.eveMac = 'b'"
              " BEGIN SELECT RAISE(ABORT, 'not this one'); END");
    store *s = opened();
    assert_int_equal(insert(s, "{\"devMac\":\"a\"}", "N"), STORE_INSERTED);
    assert_int_equal(insert(s, "{\"devMac\":\"b\"}", "N"), STORE_REJECTED);
    assert_int_equal(insert(s, "{\"devMac\":\"c\"}", "N"), STORE_INSERTED);
    store_close(s);
    assert_string_equal(sql("SELECT devMac FROM Devices WHERE rowid > 1"), "a;c;");
    assert_string_equal(sql("SELECT eveMac FROM Events ORDER BY rowid"), "a;c;");
}

static void events_need_no_unique_index_and_an_event_that_is_there_is_kept(void **state)
{
    (void)state;
    make_app_db();
    (void)sql("INSERT INTO Events(eveMac, eveIp, eveDateTime, eveEventType)"
              " VALUES('b', '', '" NOW "', 'New Device')");
    store *s = opened();
    assert_int_equal(insert(s, "{\"devMac\":\"b\"}", "N"), STORE_INSERTED);
    store_close(s);
    assert_string_equal(sql("SELECT count(*) FROM Events"), "1;");
    (void)sql("DROP INDEX IDX_eve_unique");
    s = opened();
    assert_int_equal(insert(s, "{\"devMac\":\"c\"}", "N"), STORE_INSERTED);
    store_close(s);
    assert_string_equal(sql("SELECT count(*) FROM Events WHERE eveMac = 'c'"), "1;");
}

static void without_a_fitting_events_table_rows_are_inserted_all_the_same(void **state)
{
    (void)state;
    make_app_db();
    (void)sql("DROP TABLE Events; CREATE TABLE Events(eve_MAC TEXT)");
    store *s = opened();
    assert_int_equal(insert(s, "{\"devMac\":\"b\"}", "N"), STORE_INSERTED);
    store_close(s);
    assert_string_equal(sql("SELECT count(*) FROM Events"), "0;");
}

static void keys_ignore_case_whatever_index_the_table_has(void **state)
{
    (void)state;
    static const char *const tables[] = {
        "CREATE TABLE Devices(devMac TEXT, devName TEXT)",
        "CREATE TABLE Devices(devMac TEXT UNIQUE, devName TEXT)",
        "CREATE TABLE Devices(devMac TEXT, devName TEXT, UNIQUE(devMac, devName))",
        "CREATE TABLE Devices(devMac TEXT PRIMARY KEY COLLATE NOCASE, devName TEXT)",
        "CREATE TABLE Devices(devMac TEXT, devName TEXT);"
        "CREATE UNIQUE INDEX i ON Devices(devMac COLLATE NOCASE)",
        "CREATE TABLE Devices(devMac TEXT, devName TEXT);"
        "CREATE UNIQUE INDEX i ON Devices(devMac COLLATE NOCASE) WHERE devName = 'x'",
    };
    for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++) {
        (void)unlink(db_path);
        (void)sql(tables[i]);
        store *s = opened();
        assert_int_equal(insert(s, "{\"devMac\":\"Fake\",\"devName\":\"1\"}", "N"), STORE_INSERTED);
        assert_int_equal(insert(s, "{\"devMac\":\"fAKE\",\"devName\":\"2\"}", "N"), STORE_KNOWN);
        assert_int_equal(insert(s, "{\"devMac\":\"Fake\",\"devName\":\"3\"}", "N"), STORE_KNOWN);
        store_close(s);
        assert_string_equal(sql("SELECT devMac, devName FROM Devices"), "Fake|1;");
    }
}

static void databases_of_another_kind_are_refused_and_left_alone(void **state)
{
    (void)state;
    static const struct {
        const char *sql, *message;
    } cases[] = {
        {"CREATE TABLE Devices(dev_MAC TEXT PRIMARY KEY, dev_Name TEXT)", "November 2024"},
        {"CREATE TABLE Songs(title TEXT)", "no table Devices"},
        {"CREATE VIEW Devices AS SELECT 1 AS devMac", "no table Devices"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        (void)unlink(db_path);
        (void)sql(cases[i].sql);
        for (int access = STORE_READ_ONLY; access <= STORE_READ_WRITE; access++) {
            store *s = NULL;
            sh_error error = {.code = SH_OK};
            assert_int_equal(store_open(db_path, (store_access)access, &s, &error), SH_E_CONFIG);
            assert_null(s);
            assert_non_null(strstr(error.message, cases[i].message));
            assert_non_null(strstr(error.message, db_path));
        }
        assert_string_equal(sql("SELECT count(*) FROM sqlite_master WHERE name LIKE 'SyncHub%'"),
                            "0;");
    }
}

static void it_can_be_looked_at_before_a_receiver_has_opened_it(void **state)
{
    (void)state;
    make_app_db();
    store *s = NULL;
    assert_int_equal(store_open(db_path, STORE_READ_ONLY, &s, NULL), SH_OK);
    assert_int_equal(store_nodes(s, NULL, NULL, NULL), SH_OK);
    store_close(s);
    assert_string_equal(sql("SELECT count(*) FROM sqlite_master WHERE name LIKE 'SyncHub%'"), "0;");
}

static sh_err add_summary(void *context, const store_node_summary *node, sh_error *error)
{
    char *all = context;
    (void)error;
    (void)snprintf(all + strlen(all), 100 - strlen(all), "%s %lld;", node->node,
                   (long long)node->present);
    return SH_OK;
}

static void nodes_have_no_number_of_present_devices(void **state)
{
    (void)state;
    char all[100] = "";
    make_app_db();
    store *s = NULL;
    assert_int_equal(store_open(db_path, STORE_READ_ONLY, &s, NULL), SH_OK);
    must(store_node_summaries(s, 10, add_summary, all, NULL), NULL);
    assert_string_equal(all, ""); /* no receiver has opened it yet */
    store_close(s);
    store_close(opened());
    (void)sql("INSERT INTO SyncHub_Nodes(node, mode, merged_ms, sent, inserted, known, skipped,"
              " set_aside, reason) VALUES('# N', 'push', 1, 2, 3, 4, 5, 6, '')");
    assert_int_equal(store_open(db_path, STORE_READ_ONLY, &s, NULL), SH_OK);
    must(store_node_summaries(s, 10, add_summary, all, NULL), NULL);
    assert_string_equal(all, "# N -1;");
    store_close(s);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, folder_make, folder_remove)
    const struct CMUnitTest tests[] = {
        TEST(nothing_of_netalertx_is_altered),
        TEST(the_columns_that_are_there_are_used),
        TEST(a_mac_in_upper_case_is_known),
        TEST(each_inserted_row_has_one_event),
        TEST(an_event_goes_with_its_row),
        TEST(a_row_whose_event_is_refused_is_rejected_with_it),
        TEST(events_need_no_unique_index_and_an_event_that_is_there_is_kept),
        TEST(without_a_fitting_events_table_rows_are_inserted_all_the_same),
        TEST(keys_ignore_case_whatever_index_the_table_has),
        TEST(databases_of_another_kind_are_refused_and_left_alone),
        TEST(it_can_be_looked_at_before_a_receiver_has_opened_it),
        TEST(nodes_have_no_number_of_present_devices),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
