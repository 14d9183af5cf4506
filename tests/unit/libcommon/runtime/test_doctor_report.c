/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include "libcommon/json/json_read.h"
#include "libcommon/runtime/doctor_report.h"
#include "libcommon/runtime/service.h"

#include <stdlib.h>
#include <string.h>

typedef sh_err (*print_function)(const sh_doctor_report *, FILE *, sh_error *);

/* What is printed; the caller frees it. */
static char *printed(const sh_doctor_report *report, print_function print)
{
    char *text = NULL;
    size_t len = 0;
    sh_error error = {.code = SH_OK};
    FILE *out = open_memstream(&text, &len);
    assert_non_null(out);
    assert_int_equal(print(report, out, &error), SH_OK);
    (void)fclose(out);
    return text;
}

static sh_doctor_report *new_report(void)
{
    sh_doctor_report *report = NULL;
    assert_int_equal(sh_doctor_report_new(&report, NULL), SH_OK);
    return report;
}

static void each_result_is_a_line_with_its_remedy(void **state)
{
    (void)state;
    sh_doctor_report *report = new_report();
    sh_doctor_add_format(report, SH_CHECK_OK, "table", NULL, "%d devices", 12);
    sh_doctor_add(report, SH_CHECK_FAILED, "token", "the hub refused it", "set SYNC_api_token");
    sh_doctor_add(report, SH_CHECK_SKIPPED, "key", "the token is wrong", NULL);
    char *text = printed(report, sh_doctor_print_text);
    assert_string_equal(text, "ok       table: 12 devices\n"
                              "FAIL     token: the hub refused it. Remedy: set SYNC_api_token\n"
                              "skipped  key: the token is wrong\n"
                              "3 checks: 1 failed, 0 warnings, 1 skipped\n");
    free(text);
    sh_doctor_report_free(report);
}

static void control_characters_do_not_reach_the_terminal(void **state)
{
    (void)state;
    sh_doctor_report *report = new_report();
    sh_doctor_add(report, SH_CHECK_WARNING, "n\x1b[2J", "a\nFAIL b", "c\r");
    char *text = printed(report, sh_doctor_print_text);
    assert_null(strchr(text, '\x1b'));
    assert_null(strchr(text, '\r'));
    assert_null(strstr(text, "\nFAIL"));
    free(text);
    sh_doctor_report_free(report);
}

static void json_has_all_fields(void **state)
{
    (void)state;
    sh_doctor_report *report = new_report();
    sh_doctor_add(report, SH_CHECK_OK, "a \"b\"", "c\n", NULL);
    sh_doctor_add(report, SH_CHECK_WARNING, "d", "e", "f");
    char *text = printed(report, sh_doctor_print_json);
    sh_json *document = NULL;
    assert_int_equal(sh_json_parse(text, strlen(text), &document, NULL), SH_OK);
    sh_json_free(document);
    assert_string_equal(
        text, "{\"items\":[\n"
              "{\"check\":\"a \\\"b\\\"\",\"status\":\"ok\",\"detail\":\"c\\n\",\"remedy\":null},\n"
              "{\"check\":\"d\",\"status\":\"warning\",\"detail\":\"e\",\"remedy\":\"f\"}],"
              "\"next\":null}\n");
    free(text);
    sh_doctor_report_free(report);
}

static void the_exit_code_tells_of_warnings_and_failures(void **state)
{
    (void)state;
    sh_doctor_report *report = new_report();
    assert_int_equal(sh_doctor_exit_code(report), SH_EXIT_DONE);
    sh_doctor_add(report, SH_CHECK_OK, "a", "b", NULL);
    sh_doctor_add(report, SH_CHECK_SKIPPED, "a", "b", NULL);
    assert_int_equal(sh_doctor_exit_code(report), SH_EXIT_DONE);
    sh_doctor_add(report, SH_CHECK_WARNING, "a", "b", "c");
    assert_int_equal(sh_doctor_worst(report), SH_CHECK_WARNING);
    assert_int_equal(sh_doctor_exit_code(report), SH_EXIT_PROBLEMS);
    sh_doctor_add(report, SH_CHECK_FAILED, "a", "b", "c");
    assert_int_equal(sh_doctor_worst(report), SH_CHECK_FAILED);
    assert_int_equal(sh_doctor_exit_code(report), SH_EXIT_PROBLEMS);
    sh_doctor_report_free(report);
}

static void many_results_and_long_details_are_kept(void **state)
{
    (void)state;
    char detail[2000];
    memset(detail, 'x', sizeof detail);
    detail[sizeof detail - 1] = '\0';
    sh_doctor_report *report = new_report();
    for (int i = 0; i < 100; i++)
        sh_doctor_add(report, SH_CHECK_OK, "many", detail, NULL);
    sh_doctor_add_format(report, SH_CHECK_OK, "cut", NULL, "%s", detail);
    char *text = printed(report, sh_doctor_print_text);
    assert_true(strlen(text) > 100 * (sizeof detail - 1));
    assert_non_null(strstr(text, "101 checks: 0 failed"));
    free(text);
    sh_doctor_report_free(report);
}

static void a_full_disk_is_an_error(void **state)
{
    (void)state;
    FILE *full = fopen("/dev/full", "w");
    sh_error error = {.code = SH_OK};
    sh_doctor_report *report = new_report();
    assert_non_null(full);
    assert_int_equal(sh_doctor_print_text(report, full, &error), SH_E_IO);
    assert_non_null(strstr(error.message, "could not be written"));
    (void)fclose(full);
    sh_doctor_report_free(report);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_result_is_a_line_with_its_remedy),
        cmocka_unit_test(control_characters_do_not_reach_the_terminal),
        cmocka_unit_test(json_has_all_fields),
        cmocka_unit_test(the_exit_code_tells_of_warnings_and_failures),
        cmocka_unit_test(many_results_and_long_details_are_kept),
        cmocka_unit_test(a_full_disk_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
