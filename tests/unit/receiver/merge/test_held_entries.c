/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/merge/held_entries.h"
#include "tests/unit/unit.h"

#include <stdio.h>
#include <string.h>

static void hold(held_entries *h, const char *id, uint64_t node)
{
    queue_entry entry = {.deliveries = 2};
    (void)snprintf(entry.id, sizeof entry.id, "%s", id);
    assert_int_equal(held_entries_add(h, &entry, node, NULL), SH_OK);
}

/* The ids of the next turn, joined. */
static const char *pick_of_nodes(held_entries *h, size_t nodes_max, size_t count_max)
{
    static char text[256];
    const char *ids[16];
    size_t count = held_entries_pick(h, nodes_max, count_max, ids);
    text[0] = '\0';
    for (size_t i = 0; i < count; i++)
        (void)snprintf(text + strlen(text), sizeof text - strlen(text), "%s ", ids[i]);
    return text;
}

static const char *pick(held_entries *h, size_t count_max)
{
    return pick_of_nodes(h, 1, count_max);
}

static void nodes_take_turns_and_each_keeps_its_order(void **state)
{
    (void)state;
    held_entries h = {.entries = NULL};
    assert_string_equal(pick(&h, 16), "");
    static const char *const ids[] = {"1-0", "2-0", "3-0", "4-0", "5-0", "6-0"};
    static const uint64_t nodes[] = {7, 7, 1, UINT64_MAX, 7, 0};
    for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++)
        hold(&h, ids[i], nodes[i]);
    assert_string_equal(pick(&h, 16), "3-0 ");
    assert_string_equal(pick(&h, 2), "1-0 2-0 ");
    assert_string_equal(pick(&h, 16), "4-0 ");
    assert_string_equal(pick(&h, 16), "6-0 ");
    assert_string_equal(pick(&h, 16), "3-0 ");
    held_entries_remove(&h, "1-0");
    held_entries_remove(&h, "no such id");
    assert_string_equal(pick(&h, 16), "2-0 5-0 ");
    held_entries_free(&h);
}

static void a_turn_of_several_nodes_begins_with_another_one_each_time(void **state)
{
    (void)state;
    held_entries h = {.entries = NULL};
    assert_string_equal(pick_of_nodes(&h, 4, 16), "");
    static const char *const ids[] = {"1-0", "2-0", "3-0", "4-0", "5-0", "6-0"};
    static const uint64_t nodes[] = {2, 2, 4, UINT64_MAX, 2, 3};
    for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++)
        hold(&h, ids[i], nodes[i]);
    /* As many nodes as take part in a turn. */
    assert_string_equal(pick_of_nodes(&h, 4, 16), "1-0 6-0 3-0 4-0 2-0 5-0 ");
    assert_string_equal(pick_of_nodes(&h, 4, 16), "6-0 3-0 4-0 1-0 2-0 5-0 ");
    assert_string_equal(pick_of_nodes(&h, 4, 3), "3-0 4-0 1-0 ");
    assert_string_equal(pick_of_nodes(&h, 4, 5), "4-0 1-0 6-0 3-0 2-0 ");
    assert_string_equal(pick_of_nodes(&h, 4, 1), "1-0 ");
    /* More, and fewer. */
    assert_string_equal(pick_of_nodes(&h, 3, 16), "6-0 3-0 4-0 ");
    hold(&h, "7-0", 0);
    assert_string_equal(pick_of_nodes(&h, 4, 16), "3-0 4-0 7-0 1-0 2-0 5-0 ");
    held_entries_remove(&h, "3-0");
    held_entries_remove(&h, "4-0");
    held_entries_remove(&h, "6-0");
    held_entries_remove(&h, "7-0");
    assert_string_equal(pick_of_nodes(&h, 4, 16), "1-0 2-0 5-0 ");
    assert_string_equal(pick_of_nodes(&h, 4, 16), "1-0 2-0 5-0 ");
    held_entries_free(&h);
}

static void what_is_held_is_found(void **state)
{
    (void)state;
    held_entries h = {.entries = NULL};
    assert_false(held_entries_has_node(&h, 0));
    for (int i = 0; i < 1000; i++) {
        char id[32];
        (void)snprintf(id, sizeof id, "%d-0", i);
        hold(&h, id, (uint64_t)i % 10);
    }
    size_t at = 0;
    assert_true(held_entries_find(&h, "512-0", &at));
    assert_int_equal(h.entries[at].deliveries, 2);
    assert_true(held_entries_has_node(&h, 9));
    assert_false(held_entries_has_node(&h, 10));
    for (int i = 9; i < 1000; i += 10) {
        char id[32];
        (void)snprintf(id, sizeof id, "%d-0", i);
        assert_true(held_entries_has_id(&h, id));
        held_entries_remove(&h, id);
        assert_false(held_entries_has_id(&h, id));
    }
    assert_int_equal(h.count, 900);
    assert_false(held_entries_has_node(&h, 9));
    held_entries_free(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_turn_of_several_nodes_begins_with_another_one_each_time),
        cmocka_unit_test(nodes_take_turns_and_each_keeps_its_order),
        cmocka_unit_test(what_is_held_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
