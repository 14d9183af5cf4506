/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/base/cleanup.h"
#include "pusher/source.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <cmocka.h>

#include "tests/unit/pusher_folder.h"

#define LINE9 "id|second|2026-08-22 02:53:00|1|2|3|4|extra|key"
#define LINE13 LINE9 "|h1|h2|h3|h4"
#define ROW "{\"devMac\": \"aa:bb:cc:dd:ee:ff\"}"

static unsigned waits;
static unsigned write_at_wait; /* which wait finishes the file; 0 for none */
static const char *final_text;
static const char *final_name;
static unsigned stop_at_wait;

/* What time brings, without any passing. */
static bool test_wait(int64_t ms)
{
    assert_true(ms > 0);
    waits++;
    if (waits == write_at_wait)
        folder_put(final_name, final_text);
    return waits == stop_at_wait;
}

static int reset(void **state)
{
    waits = write_at_wait = stop_at_wait = 0;
    return folder_make(state);
}

#define SOURCE_TEST(test) cmocka_unit_test_setup_teardown(test, reset, folder_remove)

static sh_err read_table(source_text *text, sh_error *error)
{
    source s;
    assert_int_equal(source_init_devices(&s, in_folder("table.json"), NULL), SH_OK);
    sh_err err = source_read(&s, test_wait, text, error);
    source_reset(&s);
    return err;
}

static sh_err read_plugin(source_text *text, sh_error *error)
{
    source s;
    assert_int_equal(source_init_plugin(&s, folder, "ARPSCAN", NULL), SH_OK);
    sh_err err = source_read(&s, test_wait, text, error);
    source_reset(&s);
    return err;
}

static void a_whole_table_is_read_at_once(void **state)
{
    (void)state;
    const char *table = "{\"data\": [" ROW ", " ROW "]}";
    folder_put("table.json", table);
    SH_CLEANUP(source_text_reset) source_text text = SOURCE_TEXT_INIT;
    assert_int_equal(read_table(&text, NULL), SH_OK);
    assert_string_equal(text.text.data, table);
    assert_int_equal(text.rows, 2);
    assert_int_equal(text.stamp.size, strlen(table));
    assert_int_equal(waits, 0);
}

static void a_cut_table_is_read_until_it_is_whole(void **state)
{
    (void)state;
    static const char table[] = "{\"data\": [" ROW "]}";
    /* Cut anywhere, even before the first byte, and finished while we wait for the ninth time. */
    for (size_t len = 0; len < sizeof table - 1; len++) {
        folder_put_bytes("table.json", table, len);
        waits = 0;
        write_at_wait = SOURCE_TRIES - 1;
        final_name = "table.json";
        final_text = table;
        SH_CLEANUP(source_text_reset) source_text text = SOURCE_TEXT_INIT;
        sh_error error = {0};
        assert_int_equal(read_table(&text, &error), SH_OK);
        assert_int_equal(waits, SOURCE_TRIES - 1);
        assert_string_equal(text.text.data, table);
    }
}

static void what_stays_wrong_is_told_with_its_reason(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *message;
        sh_err expected;
        unsigned waits;
    } cases[] = {
        {"", "is empty", SH_E_BUSY, SOURCE_TRIES - 1},
        {" \n", "is empty", SH_E_BUSY, SOURCE_TRIES - 1},
        {"{\"data\": [" ROW, "is truncated", SH_E_BUSY, SOURCE_TRIES - 1},
        {"{\"data\": [{\"devMac\": \"a", "is truncated", SH_E_BUSY, SOURCE_TRIES - 1},
        {"[]", "SYNC_devices_file", SH_E_FORMAT, SOURCE_TRIES - 1},
        {"{\"status\": \"ok\"}", "{\"data\": [...]}", SH_E_FORMAT, SOURCE_TRIES - 1},
        {"a text of more than 64 bytes will never become a device table, or will it?",
         "SYNC_devices_file", SH_E_FORMAT, 0},
        {"{\"data\": [{\"dev_MAC\": \"aa:bb:cc:dd:ee:ff\"}]}", "older than November 2024",
         SH_E_FORMAT, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        folder_put("table.json", cases[i].text);
        waits = 0;
        SH_CLEANUP(source_text_reset) source_text text = SOURCE_TEXT_INIT;
        sh_error error = {0};
        assert_int_equal(read_table(&text, &error), cases[i].expected);
        assert_non_null(strstr(error.message, cases[i].message));
        assert_non_null(strstr(error.message, in_folder("table.json")));
        assert_int_equal(waits, cases[i].waits);
    }
}

static void a_row_without_a_mac_is_the_hubs_to_judge(void **state)
{
    (void)state;
    folder_put("table.json", "{\"data\": [{\"devName\": \"dev_MAC\"}, " ROW "]}");
    SH_CLEANUP(source_text_reset) source_text text = SOURCE_TEXT_INIT;
    assert_int_equal(read_table(&text, NULL), SH_OK);
    assert_int_equal(text.rows, 2);
}

/* Stamped by the tick of the kernel's clock that is on, as another write could be once more. */
static void a_file_written_this_moment_is_let_settle(void **state)
{
    (void)state;
    final_name = "table.json";
    final_text = "{\"data\": [" ROW "]}";
    for (int i = 0; i < 1000 && waits == 0; i++) { /* the tick may be over before it is read */
        struct timespec stamps[2];
        folder_put("table.json", "{\"data\": []}");
        assert_int_equal(clock_gettime(CLOCK_REALTIME_COARSE, &stamps[0]), 0);
        stamps[1] = stamps[0];
        assert_int_equal(utimensat(AT_FDCWD, in_folder("table.json"), stamps, 0), 0);
        write_at_wait = 1;
        SH_CLEANUP(source_text_reset) source_text text = SOURCE_TEXT_INIT;
        assert_int_equal(read_table(&text, NULL), SH_OK);
        assert_int_equal(text.rows, waits > 0 ? 1 : 0);
    }
    assert_in_range(waits, 1, 16);
}

static void a_stop_ends_the_waiting(void **state)
{
    (void)state;
    folder_put("table.json", "{\"data\": [");
    stop_at_wait = 2;
    SH_CLEANUP(source_text_reset) source_text text = SOURCE_TEXT_INIT;
    sh_error error = {0};
    assert_int_equal(read_table(&text, &error), SH_E_STOPPED);
    assert_int_equal(waits, 2);
}

static void what_is_not_there_names_its_setting(void **state)
{
    (void)state;
    SH_CLEANUP(source_text_reset) source_text text = SOURCE_TEXT_INIT;
    sh_error error = {0};
    assert_int_equal(read_table(&text, &error), SH_E_NOT_FOUND);
    assert_non_null(strstr(error.message, "SYNC_devices_file"));
    assert_null(strstr(error.message, "nor its folder"));
    sh_error_clear(&error);
    assert_int_equal(read_plugin(&text, &error), SH_E_NOT_FOUND);
    assert_non_null(strstr(error.message, "last_result.ARPSCAN.log"));
    assert_non_null(strstr(error.message, "SYNC_plugins_dir"));

    source s;
    assert_int_equal(source_init_devices(&s, in_folder("no/such/table.json"), NULL), SH_OK);
    sh_error_clear(&error);
    assert_int_equal(source_read(&s, test_wait, &text, &error), SH_E_NOT_FOUND);
    assert_non_null(strstr(error.message, "nor its folder"));
    assert_non_null(strstr(error.message, in_folder("no/such:")));
    source_reset(&s);
    assert_int_equal(waits, 0);

    assert_int_equal(mkdir(in_folder("table.json"), 0700), 0);
    sh_error_clear(&error);
    assert_int_equal(read_table(&text, &error), SH_E_IO);
    assert_non_null(strstr(error.message, "regular file"));
}

static void a_plugin_result_is_whole_when_its_last_line_is(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        unsigned waits;
    } cases[] = {
        {LINE9 "\n", 0},
        {LINE9 "\n" LINE13, 0},
        {LINE13 "\n" LINE9, 0},
        {LINE9 "\nid|sec", SOURCE_TRIES - 1},
        {LINE9 "\n" LINE9 "|h1", SOURCE_TRIES - 1},
        {LINE9 "\nmalformed but ended\n", 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        folder_put("last_result.ARPSCAN.log", cases[i].text);
        waits = 0;
        SH_CLEANUP(source_text_reset) source_text text = SOURCE_TEXT_INIT;
        sh_error error = {0};
        assert_int_equal(read_plugin(&text, &error), SH_OK);
        assert_string_equal(text.text.data, cases[i].text);
        assert_int_equal(waits, cases[i].waits);
    }
}

static void a_blank_plugin_result_is_no_text_and_no_error(void **state)
{
    (void)state;
    folder_put("last_result.ARPSCAN.log", "\n \n");
    SH_CLEANUP(source_text_reset) source_text text = SOURCE_TEXT_INIT;
    assert_int_equal(read_plugin(&text, NULL), SH_OK);
    assert_int_equal(text.text.len, 0);
    assert_int_equal(waits, SOURCE_TRIES - 1);
}

static void what_is_no_plugin_result_is_an_error(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t len;
    } cases[] = {{"one|two\n", 8}, {"\xff\xfe\n", 3}, {"a\0b\n", 4}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        folder_put_bytes("last_result.ARPSCAN.log", cases[i].bytes, cases[i].len);
        SH_CLEANUP(source_text_reset) source_text text = SOURCE_TEXT_INIT;
        sh_error error = {0};
        assert_int_equal(read_plugin(&text, &error), SH_E_FORMAT);
        assert_non_null(strstr(error.message, "not a plugin result"));
    }
}

static void a_bad_plugin_name_makes_no_path(void **state)
{
    (void)state;
    source s;
    sh_error error = {0};
    assert_int_equal(source_init_plugin(&s, folder, "../x", &error), SH_E_FORMAT);
    source_reset(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SOURCE_TEST(a_whole_table_is_read_at_once),
        SOURCE_TEST(a_cut_table_is_read_until_it_is_whole),
        SOURCE_TEST(what_stays_wrong_is_told_with_its_reason),
        SOURCE_TEST(a_row_without_a_mac_is_the_hubs_to_judge),
        SOURCE_TEST(a_file_written_this_moment_is_let_settle),
        SOURCE_TEST(a_stop_ends_the_waiting),
        SOURCE_TEST(what_is_not_there_names_its_setting),
        SOURCE_TEST(a_plugin_result_is_whole_when_its_last_line_is),
        SOURCE_TEST(a_blank_plugin_result_is_no_text_and_no_error),
        SOURCE_TEST(what_is_no_plugin_result_is_an_error),
        SOURCE_TEST(a_bad_plugin_name_makes_no_path),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
