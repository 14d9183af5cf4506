/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/merge/entry_groups.h"

#include "tests/unit/unit.h"

#define ENTRIES 6

static void check_firsts(const entry_groups *g, const size_t expected[static ENTRIES])
{
    for (size_t i = 0; i < ENTRIES; i++)
        assert_int_equal(entry_groups_first(g, i), expected[i]);
}

static void each_entry_is_a_group_at_first(void **state)
{
    (void)state;
    entry_groups g;
    entry_groups_init(&g, ENTRIES);
    check_firsts(&g, (size_t[ENTRIES]){0, 1, 2, 3, 4, 5});
}

static void a_group_is_named_by_its_first_entry(void **state)
{
    (void)state;
    entry_groups g;
    entry_groups_init(&g, ENTRIES);
    entry_groups_join(&g, 4, 2);
    entry_groups_join(&g, 5, 4);
    entry_groups_join(&g, 2, 2);
    check_firsts(&g, (size_t[ENTRIES]){0, 1, 2, 3, 2, 2});
    entry_groups_join(&g, 3, 1);
    entry_groups_join(&g, 5, 3);
    check_firsts(&g, (size_t[ENTRIES]){0, 1, 1, 1, 1, 1});
}

static void add(table_keys *t, uint64_t key, size_t entry)
{
    sh_error error = {0};
    assert_int_equal(table_keys_add(t, &(table_key){.key = key, .entry = entry}, &error), SH_OK);
}

static void devices_of_several_groups_are_found(void **state)
{
    (void)state;
    entry_groups g;
    table_keys t = {.count = 0};
    size_t at = 0, end = 0;
    entry_groups_init(&g, ENTRIES);
    entry_groups_join(&g, 1, 2);
    add(&t, 7, 0);
    add(&t, 9, 5);
    add(&t, 5, 1); /* 1 and 2 are one group, and 3 has a device twice */
    add(&t, 5, 2);
    add(&t, 8, 3);
    add(&t, 8, 3);
    add(&t, 9, 2);
    add(&t, UINT64_MAX, 4);
    add(&t, UINT64_MAX, 0);
    add(&t, 9, 3);
    table_keys_sort(&t);
    assert_true(table_keys_next_shared(&t, &g, &at, &end));
    assert_int_equal(end - at, 3);
    assert_int_equal(t.keys[at].key, 9);
    assert_int_equal(t.keys[at].entry, 2);
    assert_int_equal(t.keys[at + 1].entry, 3);
    at = end;
    assert_true(table_keys_next_shared(&t, &g, &at, &end));
    assert_true(t.keys[at].key == UINT64_MAX);
    assert_int_equal(end, t.count);
    at = end;
    assert_false(table_keys_next_shared(&t, &g, &at, &end));
    table_keys_reset(&t);
    at = end = 0;
    table_keys_sort(&t);
    assert_false(table_keys_next_shared(&t, &g, &at, &end));
}

/* Joined while it goes through them, as merge does. */
static void devices_of_groups_that_were_joined_meanwhile_are_not_found(void **state)
{
    (void)state;
    entry_groups g;
    table_keys t = {.count = 0};
    size_t at = 0, end = 0;
    entry_groups_init(&g, ENTRIES);
    for (uint64_t key = 1; key < 1000; key++) {
        add(&t, key, 5);
        add(&t, key, 1);
    }
    table_keys_sort(&t);
    assert_true(table_keys_next_shared(&t, &g, &at, &end));
    entry_groups_join(&g, t.keys[at].entry, t.keys[end - 1].entry);
    at = end;
    assert_false(table_keys_next_shared(&t, &g, &at, &end));
    assert_int_equal(entry_groups_first(&g, 5), 1);
    table_keys_reset(&t);
}

static void only_devices_of_the_first_entries_are_appended(void **state)
{
    (void)state;
    table_keys all = {.count = 0}, more = {.count = 0};
    sh_error error = {0};
    add(&all, 1, 5);
    for (size_t i = 0; i < 600; i++)
        add(&more, i, i % ENTRIES);
    assert_int_equal(table_keys_append(&all, &more, 2, &error), SH_OK);
    assert_int_equal(all.count, 1 + 200);
    for (size_t i = 1; i < all.count; i++)
        assert_true(all.keys[i].entry < 2);
    table_keys_reset(&all);
    table_keys_reset(&more);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_entry_is_a_group_at_first),
        cmocka_unit_test(a_group_is_named_by_its_first_entry),
        cmocka_unit_test(devices_of_several_groups_are_found),
        cmocka_unit_test(devices_of_groups_that_were_joined_meanwhile_are_not_found),
        cmocka_unit_test(only_devices_of_the_first_entries_are_appended),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
