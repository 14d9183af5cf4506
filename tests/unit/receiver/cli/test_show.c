/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/store_fixture.h"

#include "libcommon/json/json_read.h"
#include "libcommon/json/json_write.h"
#include "receiver/cli/devices_command.h"
#include "receiver/cli/nodes_command.h"
#include "receiver/cli/show_output.h"

/* What one call wrote, and its exit code. */
static char *out_text, *err_text;

typedef int (*show_function)(const sh_settings *, int, char *const[], FILE *, FILE *);

static int run(show_function show, int argc, const char *const argv[])
{
    size_t out_len = 0;
    size_t err_len = 0;
    free(out_text);
    free(err_text);
    FILE *out = open_memstream(&out_text, &out_len);
    FILE *err = open_memstream(&err_text, &err_len);
    assert_true(out != NULL && err != NULL);
    /* Nothing listens on port 1. */
    sh_settings settings = {.db = db_path,
                            .redis_url = (char[]){"redis://127.0.0.1:1/0"},
                            .redis_prefix = (char[]){"t"}};
    int code = show(&settings, argc, (char *const *)argv, out, err);
    (void)fclose(out);
    (void)fclose(err);
    return code;
}

#define EMPTY "{\"items\": [],\n\"next\": null,\n\"data\": []}\n"

static void an_empty_database_is_an_empty_table(void **state)
{
    (void)state;
    store_close(opened());
    const char *const json[] = {"--json"};
    assert_int_equal(run(devices_command_to, 1, json), 0);
    assert_string_equal(out_text, EMPTY);
    assert_int_equal(run(devices_command_to, 0, NULL), 0);
    assert_string_equal(out_text, "No device has been merged yet.\n");
}

static void devices_as_json_are_what_another_hub_can_merge(void **state)
{
    (void)state;
    store *s = opened();
    (void)insert(s, "{\"devMac\":\"a\",\"devName\":\"T\\u00e4st \\\"\\ud83d\\ude00\\u0001\"}",
                 "N\xc3\xb6");
    (void)insert(s, "{\"devMac\":\"b\",\"devParentPort\":5,\"devScan\":0}", "M");
    store_close(s);
    const char *const json[] = {"--json"};
    assert_int_equal(run(devices_command_to, 1, json), 0);
    assert_string_equal(err_text, "");
    for (const char *c = out_text; *c != '\0'; c++)
        assert_true((unsigned char)*c < 0x80);
    assert_non_null(strstr(out_text, "\"devName\": \"T\\u00e4st \\\"\\ud83d\\ude00\\u0001\""));
    sh_json *doc = NULL;
    assert_int_equal(sh_json_parse(out_text, strlen(out_text), &doc, NULL), SH_OK);
    const sh_json *data = sh_json_member(doc, "data");
    assert_int_equal(sh_json_count(data), 2);
    const sh_json *row = sh_json_at(data, 1);
    assert_int_equal(sh_json_count(row), 1 + sh_device_columns_count + 4);
    assert_int_equal(sh_json_integer(sh_json_member(row, "rowid")), 2);
    assert_int_equal(sh_json_integer(sh_json_member(row, "devParentPort")), 5);
    assert_true(sh_slice_equals(sh_json_text(sh_json_member(row, "devType")), SH_SLICE("")));
    assert_true(
        sh_slice_equals(sh_json_text(sh_json_member(row, "devSyncHubNode")), SH_SLICE("M")));
    sh_json_free(doc);
    assert_memory_equal(out_text, "{\"items\": [\n{\"rowid\": 1, \"devMac\": \"a\"", 37);
}

static void devices_of_one_node_alone_are_shown(void **state)
{
    (void)state;
    store *s = opened();
    (void)insert(s, "{\"devMac\":\"a\",\"devName\":\"one\"}", "N\xc3\xb6");
    (void)insert(s, "{\"devMac\":\"b\",\"devName\":\"two\"}", "M");
    store_node node = {.node = "Quiet", .mode = "push", .merged_ms = 1};
    assert_int_equal(store_begin(s, NULL), SH_OK);
    assert_int_equal(store_node_record(s, &node, NULL), SH_OK);
    assert_int_equal(store_commit(s, NULL), SH_OK);
    store_close(s);
    const char *const one[] = {"--node", "N\xc3\xb6"};
    assert_int_equal(run(devices_command_to, 2, one), 0);
    assert_non_null(strstr(out_text, "one"));
    assert_null(strstr(out_text, "two"));
    const char *const other[] = {"--json", "--node=M"};
    assert_int_equal(run(devices_command_to, 2, other), 0);
    assert_non_null(strstr(out_text, "two"));
    assert_null(strstr(out_text, "one"));
    const char *const quiet[] = {"--json", "--node=Quiet"};
    assert_int_equal(run(devices_command_to, 2, quiet), 0);
    assert_string_equal(out_text, EMPTY);
    const char *const nobody[] = {"--json", "--node=m"};
    assert_int_equal(run(devices_command_to, 2, nobody), 1);
    assert_string_equal(out_text, "");
    assert_non_null(strstr(err_text, "'m'"));
}

static void what_is_not_understood_is_told_with_the_usage(void **state)
{
    (void)state;
    store_close(opened());
    const char *const unknown[] = {"--xml"};
    assert_int_equal(run(devices_command_to, 1, unknown), 2);
    assert_non_null(strstr(err_text, "unknown argument '--xml'; usage: devices [--node N]"));
    assert_int_equal(run(nodes_command_to, 1, unknown), 2);
    assert_non_null(strstr(err_text, "usage: nodes [--problems]"));
    const char *const bare[] = {"--node"};
    assert_int_equal(run(devices_command_to, 1, bare), 2);
    assert_non_null(strstr(err_text, "--node needs"));
    assert_int_equal(run(nodes_command_to, 1, bare), 2);
    assert_string_equal(out_text, "");
}

static void without_a_database_it_says_so_and_makes_none(void **state)
{
    (void)state;
    assert_int_equal(run(devices_command_to, 0, NULL), 1);
    assert_non_null(strstr(err_text, "there is no database"));
    assert_int_equal(run(nodes_command_to, 0, NULL), 1);
    assert_non_null(strstr(err_text, db_path));
    assert_int_not_equal(access(db_path, F_OK), 0);
}

static void the_terminal_is_not_steered_by_names(void **state)
{
    (void)state;
    store *s = opened();
    (void)insert(s, "{\"devMac\":\"a\",\"devName\":\"x\\u001b[31mred\\u009b\\ny\"}", "N");
    store_close(s);
    assert_int_equal(run(devices_command_to, 0, NULL), 0);
    assert_null(strchr(out_text, '\x1b'));
    assert_non_null(strstr(out_text, "x\\x1b[31mred\\x9b\\x0ay"));
}

static void columns_are_aligned_by_characters(void **state)
{
    (void)state;
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    assert_non_null(out);
    show_cell(out, SH_SLICE("\xc3\xa4\xc3\xb6"), 4, false);
    show_cell(out, SH_SLICE("7"), 3, true);
    show_cell(out, SH_SLICE("longer"), 3, true);
    show_cell(out, SH_SLICE("\xff|\xe2\x82|"), 5, false);
    (void)fclose(out);
    assert_string_equal(text, "\xc3\xa4\xc3\xb6    7longer\\xff|\\xe2\\x82|");
    free(text);
}

static void a_full_disk_behind_the_output_is_a_failure(void **state)
{
    (void)state;
    store *s = opened();
    (void)insert(s, "{\"devMac\":\"a\"}", "N");
    store_close(s);
    static const show_function functions[] = {devices_command_to, nodes_command_to};
    for (size_t i = 0; i < 2; i++) {
        FILE *full = fopen("/dev/full", "w");
        char *text = NULL;
        size_t len = 0;
        FILE *err = open_memstream(&text, &len);
        assert_true(full != NULL && err != NULL);
        sh_settings settings = {.db = db_path,
                                .redis_url = (char[]){"redis://127.0.0.1:1/0"},
                                .redis_prefix = (char[]){"t"}};
        assert_int_equal(functions[i](&settings, 0, NULL, full, err), 1);
        (void)fclose(full);
        (void)fclose(err);
        assert_non_null(strstr(text, "could not be written"));
        free(text);
    }
}

static void nodes_are_shown_even_where_redis_is_away(void **state)
{
    (void)state;
    store *s = opened();
    store_node node = {.node = "N\xc3\xb6"
                               "de",
                       .mode = "push",
                       .merged_ms = 1000,
                       .sent = 12,
                       .inserted = 7,
                       .known = 3,
                       .skipped = 1,
                       .set_aside = 1,
                       .reason = "devMac is missing"};
    assert_int_equal(store_begin(s, NULL), SH_OK);
    assert_int_equal(store_node_record(s, &node, NULL), SH_OK);
    assert_int_equal(store_commit(s, NULL), SH_OK);
    store_close(s);
    assert_int_equal(run(nodes_command_to, 0, NULL), 1);
    assert_non_null(strstr(err_text, "Redis"));
    assert_non_null(strstr(out_text,
                           "\nN\xc3\xb6"
                           "de  never  push  never         1970-01-01T00:00:01Z    12"
                           "         7      3        1         1      ?     ?  not seen yet"));
    const char *const json[] = {"--json"};
    assert_int_equal(run(nodes_command_to, 1, json), 1);
    sh_json *doc = NULL;
    assert_int_equal(sh_json_parse(out_text, strlen(out_text), &doc, NULL), SH_OK);
    assert_int_equal(sh_json_kind_of(sh_json_member(doc, "queue")), SH_JSON_NULL);
    const sh_json *first = sh_json_at(sh_json_member(doc, "nodes"), 0);
    assert_int_equal(sh_json_integer(sh_json_member(first, "last_merge_ms")), 1000);
    assert_int_equal(sh_json_integer(sh_json_member(first, "inserted")), 7);
    assert_int_equal(sh_json_kind_of(sh_json_member(first, "last_contact_ms")), SH_JSON_NULL);
    assert_int_equal(sh_json_kind_of(sh_json_member(first, "queue")), SH_JSON_NULL);
    sh_json_free(doc);
}

static void ascii_strings_escape_every_character_beyond_it(void **state)
{
    (void)state;
    sh_buf json = SH_BUF_INIT(200);
    assert_int_equal(sh_json_write_string_ascii(
                         &json, SH_SLICE("a\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\xff\n\"\\\x7f")),
                     SH_OK);
    assert_string_equal(json.data, "\"a\\u00e4\\u20ac\\ud83d\\ude00\\ufffd\\n\\\"\\\\\\u007f\"");
    sh_buf_reset(&json);
    sh_buf small = SH_BUF_INIT(6);
    assert_int_equal(sh_json_write_string_ascii(&small, SH_SLICE("\xc3\xa4")), SH_E_LIMIT);
    sh_buf_reset(&small);
}

static int free_texts(void **state)
{
    (void)state;
    free(out_text);
    free(err_text);
    return 0;
}

int main(void)
{
    (void)setenv("TZ", "UTC", 1);
#define TEST(f) cmocka_unit_test_setup_teardown(f, folder_make, folder_remove)
    const struct CMUnitTest tests[] = {
        TEST(an_empty_database_is_an_empty_table),
        TEST(devices_as_json_are_what_another_hub_can_merge),
        TEST(devices_of_one_node_alone_are_shown),
        TEST(what_is_not_understood_is_told_with_the_usage),
        TEST(without_a_database_it_says_so_and_makes_none),
        TEST(the_terminal_is_not_steered_by_names),
        TEST(columns_are_aligned_by_characters),
        TEST(a_full_disk_behind_the_output_is_a_failure),
        TEST(nodes_are_shown_even_where_redis_is_away),
        TEST(ascii_strings_escape_every_character_beyond_it),
    };
    return cmocka_run_group_tests(tests, NULL, free_texts);
}
