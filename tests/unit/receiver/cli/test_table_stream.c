/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include "receiver/cli/pager.h"
#include "receiver/cli/table_stream.h"
#include "tests/wait.h"

#include <stdlib.h>
#include <string.h>

static const show_column columns[] = {{"NAME", false}, {"PLACE", false}, {"NODES", false}};
static const size_t usual[] = {8, 3, 0}, least[] = {6, 6, 6};
static const show_layout layout = {columns, least, 3};

typedef struct {
    FILE *out;
    char *text;
    size_t len;
    table_stream *table;
} written;

static void begin(written *w, size_t limit)
{
    *w = (written){.out = NULL};
    w->out = open_memstream(&w->text, &w->len);
    assert_non_null(w->out);
    assert_int_equal(table_stream_new(w->out, &layout, usual, &w->table, NULL), SH_OK);
    table_stream_limit(w->table, limit);
}

static void add(written *w, const char *name, const char *place)
{
    const sh_slice cells[] = {sh_slice_of(name), sh_slice_of(place), SH_SLICE("Node_A")};
    assert_int_equal(table_stream_add(w->table, cells, NULL), SH_OK);
}

static void end(written *w, const char *wanted)
{
    assert_int_equal(table_stream_end(w->table, NULL), SH_OK);
    table_stream_free(w->table);
    assert_int_equal(fclose(w->out), 0);
    assert_string_equal(w->text, wanted);
    free(w->text);
}

static void without_rows_nothing_is_written(void **state)
{
    (void)state;
    written w;
    begin(&w, SHOW_NO_LIMIT);
    end(&w, "");
}

static void the_first_rows_decide_about_the_widths(void **state)
{
    (void)state;
    written w;
    begin(&w, SHOW_NO_LIMIT);
    for (size_t i = 0; i < TABLE_STREAM_ROWS; i++)
        add(&w, i == 1 ? "\u65e5\u672c\u8a9e" : "a", "b");
    size_t before = w.len;
    add(&w, "wider than all before", "b");
    assert_int_equal(fflush(w.out), 0);
    assert_string_equal(w.text + before, "wider than all before  b      Node_A\n");
    static const char first[] = "NAME    PLACE  NODES\na       b      Node_A\n"
                                "\u65e5\u672c\u8a9e  b      Node_A\n";
    assert_memory_equal(w.text, first, sizeof first - 1);
    table_stream_free(w.table);
    assert_int_equal(fclose(w.out), 0);
    free(w.text);
}

static void titles_come_first_when_rows_take_long(void **state)
{
    (void)state;
    written w;
    begin(&w, SHOW_NO_LIMIT);
    table_stream_flush_titles(w.table);
    assert_string_equal(w.text, "NAME      PLACE  NODES\n");
    add(&w, "a", "b");
    end(&w, "NAME      PLACE  NODES\na         b      Node_A\n");
}

static bool row_is_written_out(written *w)
{
    flockfile(w->out);
    bool out = strstr(w->text, "a         b ") != NULL;
    funlockfile(w->out);
    return out;
}

static void later_rows_are_written_out_by_themselves(void **state)
{
    (void)state;
    written w;
    begin(&w, SHOW_NO_LIMIT);
    table_stream_flush_titles(w.table);
    add(&w, "a", "b");
    for (int i = 0; i < 60000 && !row_is_written_out(&w); i++)
        poll_pause_us(1000);
    assert_true(row_is_written_out(&w));
    end(&w, "NAME      PLACE  NODES\na         b      Node_A\n");
}

static void on_a_terminal_later_cells_are_cut(void **state)
{
    (void)state;
    written w;
    begin(&w, 24);
    table_stream_flush_titles(w.table);
    add(&w, "wider than before", "a place");
    end(&w, "NAME      PLACE  NODES\nwider t\u2026  a pl\u2026  Node\u2026\n");
}

static void empty_pagers_and_cat_are_none(void **state)
{
    (void)state;
    static const char *const none[] = {"", " ", "\t", "cat", " cat "};
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++)
        assert_null(pager_choose(none[i], "/bin:/usr/bin"));
    static const char *const some[] = {"more", "cat -n", "catt", "less -S", " most"};
    for (size_t i = 0; i < sizeof some / sizeof some[0]; i++)
        assert_ptr_equal(pager_choose(some[i], ""), some[i]);
    assert_null(pager_choose(NULL, NULL));
    assert_null(pager_choose(NULL, ""));
    assert_null(pager_choose(NULL, "/nowhere:/proc"));
}

static void a_pager_gets_no_secret(void **state)
{
    (void)state;
    static const char *const kept[] = {"PATH=/bin", "LESS=-R", "MYSYNC_x=1", "TERM=xterm",
                                       "SYNC=1"};
    static const char *const dropped[] = {"SYNC_api_token=x", "sync_redis_url=x", "Sync_DB=x",
                                          "API_TOKEN=x",      "PGPASSWORD=x",     "PGPASSFILE=x"};
    for (size_t i = 0; i < sizeof kept / sizeof kept[0]; i++)
        assert_true(pager_may_inherit(kept[i]));
    for (size_t i = 0; i < sizeof dropped / sizeof dropped[0]; i++)
        assert_false(pager_may_inherit(dropped[i]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_rows_nothing_is_written),
        cmocka_unit_test(the_first_rows_decide_about_the_widths),
        cmocka_unit_test(titles_come_first_when_rows_take_long),
        cmocka_unit_test(later_rows_are_written_out_by_themselves),
        cmocka_unit_test(on_a_terminal_later_cells_are_cut),
        cmocka_unit_test(empty_pagers_and_cat_are_none),
        cmocka_unit_test(a_pager_gets_no_secret),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
