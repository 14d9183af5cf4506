/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include "receiver/operate/node_overview.h"

#include <string.h>

#define NODES 5000

static void name_of(size_t i, char ret[static 32])
{
    (void)snprintf(ret, 32, "site-%06zu", (i * 7919) % 1000003);
}

static void add(node_overview *o, const char *name)
{
    node_row *row = NULL;
    sh_error error = {.code = SH_OK};
    assert_int_equal(node_row_of(o, sh_slice_of(name), true, &row, &error), SH_OK);
    assert_non_null(row);
    assert_int_equal(node_row_text(o, sh_slice_of(name), &row->info.note, &error), SH_OK);
}

static void each_node_has_one_row_that_is_found(void **state)
{
    (void)state;
    char name[32];
    node_overview o = {.count = 0};
    node_row *row = NULL;
    sh_error error = {.code = SH_OK};
    sh_random(o.hash_key, sizeof o.hash_key);
    for (size_t i = 0; i < NODES; i++) {
        name_of(i, name);
        assert_int_equal(node_row_of(&o, sh_slice_of(name), false, &row, &error), SH_OK);
        assert_null(row);
        add(&o, name);
        add(&o, name);
        assert_int_equal(o.count, i + 1);
    }
    node_rows_sort(&o);
    for (size_t i = 0; i < NODES; i++) {
        name_of(i, name);
        row = node_overview_find(&o, name);
        assert_non_null(row);
        assert_string_equal(row->info.node, name);
        assert_string_equal(row->info.note, name);
        assert_string_equal(row->info.labels, "");
        assert_true(i == 0 || strcmp(o.rows[i - 1].info.node, o.rows[i].info.node) < 0);
    }
    assert_null(node_overview_find(&o, "site"));
    node_overview_reset(&o);
    assert_null(node_overview_find(&o, "site"));
}

static void names_over_the_limit_have_no_row(void **state)
{
    (void)state;
    char name[SH_NODE_NAME_MAX + 1];
    node_overview o = {.count = 0};
    node_row *row = NULL;
    sh_error error = {.code = SH_OK};
    memset(name, 'x', sizeof name);
    assert_int_equal(node_row_of(&o, (sh_slice){name, sizeof name}, true, &row, &error), SH_OK);
    assert_null(row);
    assert_int_equal(node_row_of(&o, (sh_slice){name, 0}, true, &row, &error), SH_OK);
    assert_null(row);
    assert_int_equal(node_row_of(&o, (sh_slice){name, sizeof name - 1}, true, &row, &error), SH_OK);
    assert_non_null(row);
    node_overview_reset(&o);
}

/* A list of 10,000 nodes took a second when each row had room for the longest of each text. */
static void a_row_has_no_room_for_texts(void **state)
{
    (void)state;
    assert_true(sizeof(node_row) <= 512);
    assert_true(sizeof(store_node_info) > 4 * sizeof(node_row));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_node_has_one_row_that_is_found),
        cmocka_unit_test(names_over_the_limit_have_no_row),
        cmocka_unit_test(a_row_has_no_room_for_texts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
