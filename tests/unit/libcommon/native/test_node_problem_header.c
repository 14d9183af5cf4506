/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include "libcommon/native/node_problem_header.h"

#include <string.h>

static void a_value_is_read_as_it_was_written(void **state)
{
    (void)state;
    sh_node_problem read;
    sh_buf value = SH_BUF_INIT(SH_NODE_PROBLEM_VALUE_MAX);
    assert_int_equal(sh_node_problem_write("table_old", "B\xc3\xbcro: 100 % \n alt", &value),
                     SH_OK);
    assert_string_equal(value.data, "table_old B%C3%BCro%3A%20100%20%25%20%0A%20alt");
    assert_true(sh_node_problem_read(value.data, &read));
    assert_string_equal(read.kind, "table_old");
    assert_string_equal(read.text, "B\xc3\xbcro: 100 % \n alt");
    sh_buf_reset(&value);
}

static void a_long_text_is_cut_between_characters(void **state)
{
    (void)state;
    char text[2 * SH_PROBLEM_TEXT_MAX + 2];
    sh_node_problem read;
    sh_buf value = SH_BUF_INIT(SH_NODE_PROBLEM_VALUE_MAX);
    text[0] = 'x';
    for (size_t i = 0; i < SH_PROBLEM_TEXT_MAX; i++)
        memcpy(text + 1 + 2 * i, "\xc3\xbc", 2);
    text[sizeof text - 1] = '\0';
    assert_int_equal(sh_node_problem_write("table_old", text, &value), SH_OK);
    assert_true(sh_node_problem_read(value.data, &read));
    assert_int_equal(strlen(read.text), SH_PROBLEM_TEXT_MAX - 1);
    assert_memory_equal(read.text, text, strlen(read.text));
    sh_buf_reset(&value);
}

static void a_text_that_is_no_utf8_is_written_as_such(void **state)
{
    (void)state;
    sh_node_problem read;
    sh_buf value = SH_BUF_INIT(SH_NODE_PROBLEM_VALUE_MAX);
    assert_int_equal(sh_node_problem_write("table_old",
                                           "a\xff"
                                           "b",
                                           &value),
                     SH_OK);
    assert_true(sh_node_problem_read(value.data, &read));
    assert_string_equal(read.text, "a?b");
    sh_buf_reset(&value);
}

static void other_values_are_none(void **state)
{
    (void)state;
    static const char *const values[] = {
        "",
        "table_old",
        "table_old ",
        " text",
        "Table text",
        "table text%",
        "table %00",
        "table %ff",
        "forget text",
        "table-old text",
        "a_kind_that_is_longer_than_every_kind_that_there_is text",
    };
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        sh_node_problem read = {.kind = "x", .text = "x"};
        assert_false(sh_node_problem_read(values[i], &read));
        assert_string_equal(read.kind, "");
        assert_string_equal(read.text, "");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_value_is_read_as_it_was_written),
        cmocka_unit_test(a_long_text_is_cut_between_characters),
        cmocka_unit_test(a_text_that_is_no_utf8_is_written_as_such),
        cmocka_unit_test(other_values_are_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
