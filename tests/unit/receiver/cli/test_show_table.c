/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/cli/show_output.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Tables in a terminal of a given width. */

static const show_column columns[] = {{"NAME", false}, {"ROWS", true}, {"REASON", false}};
static const char *const rows[][3] = {
    {"short", "1", "nothing"},
    {"\u65e5\u672c\u8a9e\u306e\u540d\u524d", "1234567", "a reason of some length"}, /* wide */
    {"e\u0301e\u0301e\u0301", "22", "\x1b[31m red"}, /* combining; a control character */
};

static void cell_of(void *context, size_t row, size_t column, char ret[static SHOW_CELL_BYTES])
{
    (void)context;
    (void)snprintf(ret, SHOW_CELL_BYTES, "%s", rows[row][column]);
}

static void check(size_t limit, const char *wanted)
{
    const show_cells cells = {columns, 3, sizeof rows / sizeof rows[0], cell_of, NULL};
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    assert_non_null(out);
    show_table_within(out, &cells, limit);
    assert_int_equal(fclose(out), 0);
    assert_string_equal(text, wanted);
    free(text);
}

static void a_table_that_fits_is_not_cut(void **state)
{
    (void)state;
    const char *const whole =
        "NAME             ROWS  REASON\n"
        "short               1  nothing\n"
        "\u65e5\u672c\u8a9e\u306e\u540d\u524d  1234567  a reason of some length\n"
        "e\u0301e\u0301e\u0301                22  \\x1b[31m red\n";
    check(SIZE_MAX, whole);
    check(12 + 2 + 7 + 2 + 23, whole);
}

static void the_widest_texts_are_cut_by_their_width(void **state)
{
    (void)state;
    /* Half of a wide character is never shown: its column stays empty. */
    check(7 + 2 + 7 + 2 + 8, "NAME        ROWS  REASON\n"
                             "short          1  nothing\n"
                             "\u65e5\u672c\u8a9e\u2026  1234567  a reaso\u2026\n"
                             "e\u0301e\u0301e\u0301           22  \\x1b[31\u2026\n");
}

static void numbers_and_the_last_columns_are_never_cut(void **state)
{
    (void)state;
    check(1, "NAME       ROWS  REASON\n"
             "short         1  nothi\u2026\n"
             "\u65e5\u672c\u2026   1234567  a rea\u2026\n"
             "e\u0301e\u0301e\u0301          22  \\x1b[\u2026\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_table_that_fits_is_not_cut),
        cmocka_unit_test(the_widest_texts_are_cut_by_their_width),
        cmocka_unit_test(numbers_and_the_last_columns_are_never_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
