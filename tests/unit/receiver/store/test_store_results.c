/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/store_fixture.h"

#include "libcommon/crypto/crypto.h"
#include "receiver/store/store_common.h"

/* Plugin results in the store. */

#define RESULTS                                                                                    \
    "SELECT plugin, \"syncHubNodeName\", \"objectPrimaryId\", \"objectSecondaryId\","              \
    " \"dateTimeCreated\", \"dateTimeChanged\", \"watchedValue1\", \"watchedValue4\", status,"     \
    " extra, \"foreignKey\", \"helpVal1\" FROM \"Plugins_Objects\""                                \
    " ORDER BY plugin, \"syncHubNodeName\", \"objectSecondaryId\""

/* Stores the lines of a text in its own transaction and returns how many changed. */
static int64_t put(store *s, const char *plugin, const char *node, const char *text)
{
    sh_plugin_lines reader;
    sh_plugin_line lines[8];
    size_t count = 0;
    bool more = true;
    sh_plugin_lines_init(&reader, text, strlen(text));
    while (sh_plugin_lines_next(&reader, &lines[count], &more, NULL) == SH_OK && more)
        count++;
    assert_false(more);
    sh_error error = {.code = SH_OK};
    int64_t changed = -1;
    must(store_begin(s, &error), &error);
    must(store_put_plugin_lines(s, &(store_plugin_lines){plugin, node, NOW, lines, count}, &changed,
                                &error),
         &error);
    must(store_commit(s, &error), &error);
    return changed;
}

static void a_result_is_kept_by_plugin_node_and_both_ids(void **state)
{
    (void)state;
    store *s = opened();
    static const char text[] = "p|s|2026-01-01 10:00:00|1|2|3|4|x|f\n"
                               "p|t|2026-01-01 10:00:00|1|2|3|4|x|f|h1|h2|h3|h4\n";
    assert_int_equal(put(s, "ARPSCAN", "A", text), 2);
    assert_int_equal(put(s, "ARPSCAN", "B", "p|s|2026-01-01 10:00:00|1|2|3|4|x|f"), 1);
    assert_int_equal(put(s, "NMAP", "A", "p|s|2026-01-01 10:00:00|1|2|3|4|x|f"), 1);
    store_close(s);
    assert_string_equal(sql(RESULTS),
                        "ARPSCAN|A|p|s|2026-01-01 10:00:00|2026-01-01 10:00:00|1|4|new|x|f|;"
                        "ARPSCAN|A|p|t|2026-01-01 10:00:00|2026-01-01 10:00:00|1|4|new|x|f|h1;"
                        "ARPSCAN|B|p|s|2026-01-01 10:00:00|2026-01-01 10:00:00|1|4|new|x|f|;"
                        "NMAP|A|p|s|2026-01-01 10:00:00|2026-01-01 10:00:00|1|4|new|x|f|;");
    assert_string_equal(sql("SELECT count(DISTINCT \"objectGuid\"), min(length(\"objectGuid\"))"
                            " FROM \"Plugins_Objects\""),
                        "4|36;");
}

static void a_newer_result_replaces_and_an_older_one_changes_nothing(void **state)
{
    (void)state;
    store *s = opened();
    assert_int_equal(put(s, "P", "A", "p|s|2026-01-01 10:00:00|1|2|3|4|x|f"), 1);
    assert_int_equal(put(s, "P", "A", "p|s|2026-01-01 09:59:59|9|9|9|9|y|g"), 0);
    assert_int_equal(put(s, "P", "A", "p|s|2026-01-01 10:00:00|1|2|3|4|x|f"), 0);
    assert_non_null(strstr(sql(RESULTS), "|2026-01-01 10:00:00|1|4|new|x|f|;"));
    assert_int_equal(put(s, "P", "A", "p|s|2026-01-01 11:00:00|1|2|3|4|x|f"), 1);
    assert_non_null(strstr(sql(RESULTS), "|2026-01-01 10:00:00|2026-01-01 11:00:00|1|4|"
                                         "watched-not-changed|x|f|;"));
    assert_int_equal(put(s, "P", "A", "p|s|2026-01-01 11:00:00|1|2|3|5|y|g|h|||"), 1);
    assert_non_null(strstr(sql(RESULTS), "|2026-01-01 10:00:00|2026-01-01 11:00:00|1|5|"
                                         "watched-changed|y|g|h;"));
    store_close(s);
    assert_string_equal(sql("SELECT count(*) FROM \"Plugins_Objects\""), "1;");
}

static void a_result_of_a_clock_that_was_ahead_is_replaced(void **state)
{
    (void)state;
    store *s = opened();
    assert_int_equal(put(s, "P", "A", "p|s|2099-01-01 10:00:00|1|2|3|4|x|f"), 1);
    assert_int_equal(put(s, "P", "A", "p|s|2026-01-01 10:00:00|5|2|3|4|x|f"), 1);
    assert_int_equal(put(s, "P", "A", "p|s|2026-01-01 09:00:00|6|2|3|4|x|f"), 0);
    store_close(s);
    assert_non_null(strstr(sql(RESULTS), "|2026-01-01 10:00:00|5|4|watched-changed|x|f|;"));
}

static void within_one_result_the_last_line_of_a_row_counts(void **state)
{
    (void)state;
    store *s = opened();
    assert_int_equal(put(s, "P", "A",
                         "p|s|2026-01-01 10:00:00|1|2|3|4|x|f\n"
                         "p|s|2026-01-01 10:00:00|7|2|3|4|x|f\n"),
                     2);
    store_close(s);
    assert_string_equal(sql("SELECT \"watchedValue1\" FROM \"Plugins_Objects\""), "7;");
}

static void a_time_that_is_none_is_now(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"2026-01-01 10:00:00", "2026-01-01 10:00:00"},
        {"2026-01-01T10:00:00", "2026-01-01 10:00:00"},
        {"2026-01-01 10:00:00+00:00", "2026-01-01 10:00:00"},
        {"", NOW},
        {"null", NOW},
        {"9999", NOW},
        {"zzzz-99-99 99:99:99", NOW},
        {"2026-01-01 10:00:0", NOW},
        {"2026/01/01 10:00:00", NOW},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[SH_DATETIME_BYTES];
        store_result_time(sh_slice_of(cases[i][0]), NOW, text);
        assert_string_equal(text, cases[i][1]);
    }
}

static void netalertx_table_is_used_with_the_columns_it_has(void **state)
{
    (void)state;
    sql_file(TESTS_DIR "/fixtures/app_db.sql");
    (void)sql("INSERT INTO Plugins_Objects(plugin, objectPrimaryId, objectSecondaryId,"
              " dateTimeCreated, dateTimeChanged, watchedValue1, watchedValue2, watchedValue3,"
              " watchedValue4, status, extra, userData, foreignKey, syncHubNodeName, objectGuid)"
              " VALUES('P', 'p', 's', '2025-01-01 00:00:00', '2025-01-01 00:00:00', '0', '2', '3',"
              " '4', 'new', 'x', 'mine', 'f', 'A', 'guid')");
    store *s = opened();
    assert_int_equal(put(s, "P", "A",
                         "p|s|2026-01-01 10:00:00|1|2|3|4|x|f|h1|h2|h3|h4\n"
                         "q|s|2026-01-01 10:00:00|1|2|3|4|x|f|h1|h2|h3|h4\n"),
                     2);
    store_close(s);
    assert_string_equal(sql("SELECT \"index\", objectPrimaryId, dateTimeCreated, dateTimeChanged,"
                            " watchedValue1, status, userData, helpVal2, length(objectGuid)"
                            " FROM Plugins_Objects ORDER BY 1"),
                        "1|p|2025-01-01 00:00:00|2026-01-01 10:00:00|1|watched-changed|mine|h2|4;"
                        "2|q|2026-01-01 10:00:00|2026-01-01 10:00:00|1|new||h2|36;");
    assert_string_equal(sql("SELECT count(*) FROM sqlite_master"
                            " WHERE name = 'SyncHub_Plugins_Objects'"),
                        "0;");
}

static void beside_an_older_or_missing_table_results_go_to_one_of_our_own(void **state)
{
    (void)state;
    static const char *const changes[] = {
        "DROP TABLE Plugins_Objects",
        "DROP TABLE Plugins_Objects;"
        "CREATE TABLE Plugins_Objects(\"Index\" INTEGER PRIMARY KEY, Object_PrimaryID TEXT)",
    };
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        (void)unlink(db_path);
        sql_file(TESTS_DIR "/fixtures/app_db.sql");
        (void)sql(changes[i]);
        store *s = opened();
        assert_int_equal(put(s, "P", "A", "p|s|2026-01-01 10:00:00|1|2|3|4|x|f"), 1);
        store_close(s);
        s = opened();
        assert_int_equal(put(s, "P", "A", "p|s|2026-01-01 10:00:00|1|2|3|4|x|f"), 0);
        store_close(s);
        assert_string_equal(sql("SELECT objectPrimaryId FROM SyncHub_Plugins_Objects"), "p;");
    }
}

/* The CPU time to store as many results as the database already has, in ms. */
static int64_t put_many(store *s, int count)
{
    sh_error error = {.code = SH_OK};
    int64_t begun_us = test_cpu_us();
    must(store_begin(s, &error), &error);
    for (int i = 0; i < count; i++) {
        char text[80];
        int64_t changed = 0;
        sh_plugin_line line;
        (void)snprintf(text, sizeof text, "id %d|s|2026-01-01 10:00:00|1|2|3|4|x|f", i);
        sh_plugin_line_split(sh_slice_of(text), &line);
        must(store_put_plugin_lines(s, &(store_plugin_lines){"P", "A", NOW, &line, 1}, &changed,
                                    &error),
             &error);
        assert_int_equal(changed, i >= count / 2); /* the first half is there and the same */
    }
    must(store_commit(s, &error), &error);
    return (test_cpu_us() - begun_us) / 1000;
}

static void a_table_without_an_index_is_read_once_and_not_for_each_line(void **state)
{
    (void)state;
    enum { ROWS = 8000 };
    int64_t took_ms[2];
    for (int indexed = 0; indexed < 2; indexed++) {
        (void)unlink(db_path);
        sql_file(TESTS_DIR "/fixtures/app_db.sql");
        char text[800];
        (void)snprintf(text, sizeof text,
                       "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n"
                       " WHERE i + 1 < %d) INSERT INTO Plugins_Objects(plugin, objectPrimaryId,"
                       " objectSecondaryId, dateTimeCreated, dateTimeChanged, watchedValue1,"
                       " watchedValue2, watchedValue3, watchedValue4, status, extra, userData,"
                       " foreignKey, syncHubNodeName, objectGuid, helpVal1, helpVal2)"
                       " SELECT 'P', 'id ' || i, 's', '2026-01-01 10:00:00',"
                       " '2026-01-01 10:00:00', '1', '2', '3', '4', 'new', 'x', '', 'f', 'A', '',"
                       " '', '' FROM n",
                       ROWS / 2);
        (void)sql(text);
        if (indexed)
            (void)sql("CREATE INDEX results ON Plugins_Objects(plugin, objectPrimaryId)");
        store *s = opened();
        took_ms[indexed] = put_many(s, ROWS);
        store_close(s);
        assert_string_equal(sql("SELECT count(*), count(DISTINCT objectPrimaryId)"
                                " FROM Plugins_Objects"),
                            "8000|8000;");
    }
    /* A search for each line took a hundred times as long. */
    assert_true(took_ms[0] < 10 * took_ms[1] + 200);
}

static void ids_of_any_length_are_told_apart(void **state)
{
    (void)state;
    static char text[2 * 20000 + 200];
    char id[20001];
    memset(id, 'x', sizeof id - 1);
    id[sizeof id - 1] = '\0';
    store *s = opened();
    (void)snprintf(text, sizeof text,
                   "%s|s|2026-01-01 10:00:00|1|2|3|4|x|f\n%sy|s|2026-01-01 10:00:00|1|2|3|4|x|f\n",
                   id, id);
    assert_int_equal(put(s, "P", "A", text), 2);
    assert_int_equal(put(s, "P", "A", text), 0);
    store_close(s);
    assert_string_equal(sql("SELECT count(*) FROM \"Plugins_Objects\""), "2;");
}

static int start(void **state)
{
    (void)state;
    return sh_crypto_init(NULL) == SH_OK ? 0 : -1;
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, folder_make, folder_remove)
#define COMMON_TESTS                                                                               \
    TEST(a_result_is_kept_by_plugin_node_and_both_ids),                                            \
        TEST(a_newer_result_replaces_and_an_older_one_changes_nothing),                            \
        TEST(a_result_of_a_clock_that_was_ahead_is_replaced),                                      \
        TEST(within_one_result_the_last_line_of_a_row_counts),                                     \
        TEST(ids_of_any_length_are_told_apart)

int main(void)
{
    const struct CMUnitTest in_sqlite[] = {
        COMMON_TESTS,
        TEST(a_time_that_is_none_is_now),
        TEST(netalertx_table_is_used_with_the_columns_it_has),
        TEST(a_table_without_an_index_is_read_once_and_not_for_each_line),
        TEST(beside_an_older_or_missing_table_results_go_to_one_of_our_own),
    };
    const struct CMUnitTest in_postgres[] = {COMMON_TESTS};
    int failed = cmocka_run_group_tests(in_sqlite, start, NULL);
    return failed + cmocka_run_group_tests(in_postgres, server_start, server_stop);
}
