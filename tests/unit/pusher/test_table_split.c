/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/base/limits.h"
#include "pusher/table_split.h"
#include "tests/unit/unit.h"

#include <stdlib.h>
#include <string.h>

static char filling[SH_ROW_MAX];

/* A table of so many rows, each filled up to so many bytes. */
static sh_buf table_of(size_t rows, size_t row_bytes)
{
    sh_buf text = SH_BUF_INIT(SH_TABLE_MAX);
    assert_int_equal(sh_buf_append_text(&text, " {\"data\": [\n"), SH_OK);
    for (size_t i = 0; i < rows; i++) {
        size_t begin = text.len;
        assert_int_equal(sh_buf_append_format(&text, "{\"devMac\":\"m%zu\",\"x\":\"", i), SH_OK);
        size_t fill = text.len - begin + 2 < row_bytes ? row_bytes - 2 - (text.len - begin) : 0;
        assert_int_equal(sh_buf_append(&text, filling, fill), SH_OK);
        assert_int_equal(sh_buf_append_text(&text, i + 1 < rows ? "\"} ,\n" : "\"}"), SH_OK);
    }
    assert_int_equal(sh_buf_append_text(&text, "]} "), SH_OK);
    return text;
}

/* Splits a table, checks that each part is a table, and counts parts and rows. */
static size_t cut_all(const sh_buf *text, size_t *rows)
{
    sh_slice table = {text->data, text->len};
    sh_table_cut cut;
    size_t parts = 0;
    sh_table_cut_size counted;
    *rows = 0;
    assert_int_equal(sh_table_cut_init(&cut, table, NULL), SH_OK);
    for (;;) {
        sh_slice run;
        assert_int_equal(sh_table_cut_next(&cut, &run, NULL), SH_OK);
        if (run.len == 0)
            break;
        sh_buf part = SH_BUF_INIT(SH_PART_MAX);
        size_t of_part = 0;
        assert_int_equal(sh_table_part_write(run, &part), SH_OK);
        assert_int_equal(sh_table_check(part.data, part.len, &of_part, NULL), SH_OK);
        assert_true(of_part > 0 && of_part <= SH_PART_ROWS_MAX);
        *rows += of_part;
        parts++;
        sh_buf_reset(&part);
    }
    assert_int_equal(sh_table_cut_count(table, &counted, NULL), SH_OK);
    assert_int_equal(counted.parts, parts == 0 ? 1 : parts);
    assert_int_equal(counted.left_out, cut.left_out);
    return parts;
}

static void every_row_is_in_one_part(void **state)
{
    (void)state;
    static const struct {
        size_t rows, row_bytes, parts;
    } cases[] = {
        {0, 0, 0},
        {1, 0, 1},
        {SH_PART_ROWS_MAX, 0, 1},
        {SH_PART_ROWS_MAX + 1, 0, 2},
        {3 * SH_PART_ROWS_MAX, 0, 3},
        {3, SH_ROW_MAX, 1},
        {4, SH_ROW_MAX, 2},
        {8, SH_ROW_MAX, 3},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        sh_buf text = table_of(cases[i].rows, cases[i].row_bytes);
        size_t rows = 0;
        assert_int_equal(cut_all(&text, &rows), cases[i].parts);
        assert_int_equal(rows, cases[i].rows);
        sh_buf_reset(&text);
    }
}

/* The rows after a row that is too large for a part must not be lost. */
static void a_row_that_no_part_has_room_for_is_left_out(void **state)
{
    (void)state;
    static const char *const around[][2] = {{"{\"devMac\":\"a\"},", ",{\"devMac\":\"b\"}"},
                                            {"", ",{\"devMac\":\"b\"},5"},
                                            {"{\"devMac\":\"a\"},6,", ""}};
    for (size_t i = 0; i < sizeof around / sizeof around[0]; i++) {
        sh_buf text = SH_BUF_INIT(SH_TABLE_MAX);
        size_t rows = 0;
        assert_int_equal(sh_buf_append_format(&text, "{\"data\":[%s{\"x\":\"", around[i][0]),
                         SH_OK);
        for (size_t filled = 0; filled < SH_PART_MAX; filled += sizeof filling)
            assert_int_equal(sh_buf_append(&text, filling, sizeof filling), SH_OK);
        assert_int_equal(sh_buf_append_format(&text, "\"}%s]}", around[i][1]), SH_OK);
        (void)cut_all(&text, &rows);
        assert_int_equal(rows, 2);
        sh_buf_reset(&text);
    }
}

static void what_is_no_table_is_told(void **state)
{
    (void)state;
    sh_table_cut_size parts;
    assert_int_equal(sh_table_cut_count(SH_SLICE("[]"), &parts, NULL), SH_E_FORMAT);
    assert_int_equal(sh_table_cut_count(SH_SLICE("{\"data\": [{}"), &parts, NULL), SH_E_FORMAT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_is_in_one_part),
        cmocka_unit_test(a_row_that_no_part_has_room_for_is_left_out),
        cmocka_unit_test(what_is_no_table_is_told),
    };
    memset(filling, 'y', sizeof filling);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
