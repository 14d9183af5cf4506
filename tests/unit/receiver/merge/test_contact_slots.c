/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/merge/contact_slots.h"

#include "tests/unit/unit.h"

#define MOST (3 * ((size_t)1 << 20)) /* three quarters of the largest table */

static uint64_t hash_of(size_t i)
{
    return ((uint64_t)i * UINT64_C(0x9e3779b97f4a7c15)) | 1;
}

static void put(contact_slots *s, size_t i)
{
    contact_slots_put(s, (contact_slot){.node = hash_of(i), .ms = (uint32_t)i, .is_open = i % 2});
}

static void each_node_has_its_slot_up_to_the_limit(void **state)
{
    (void)state;
    contact_slots s;
    assert_int_equal(contact_slots_init(&s, NULL), SH_OK);
    for (size_t i = 0; i < MOST; i++)
        put(&s, 2 * i);
    assert_int_equal(s.count, MOST);
    for (size_t i = 0; i < MOST; i++) {
        const contact_slot *slot = contact_slots_find(&s, hash_of(2 * i));
        assert_true(slot != NULL && slot->ms == 2 * i && !slot->is_open);
    }
    assert_null(contact_slots_find(&s, hash_of(2 * MOST)));
    put(&s, 2 * MOST - 2); /* one that has a slot needs no room */
    assert_int_equal(s.count, MOST);
    put(&s, 2 * MOST);
    assert_int_equal(s.count, 1); /* the others are forgotten */
    assert_null(contact_slots_find(&s, hash_of(2)));
    assert_non_null(contact_slots_find(&s, hash_of(2 * MOST)));
    contact_slots_reset(&s);
}

static void a_slot_is_replaced_and_cleared(void **state)
{
    (void)state;
    contact_slots s;
    assert_int_equal(contact_slots_init(&s, NULL), SH_OK);
    const uint64_t most_ms = UINT64_MAX >> 1;
    contact_slots_put(&s, (contact_slot){.node = 7, .ms = 1});
    contact_slots_put(&s, (contact_slot){.node = 7, .ms = most_ms, .is_open = 1});
    const contact_slot *slot = contact_slots_find(&s, 7);
    assert_true(slot != NULL && slot->ms == most_ms && slot->is_open);
    assert_int_equal(s.count, 1);
    contact_slots_clear(&s);
    assert_null(contact_slots_find(&s, 7));
    assert_int_equal(s.count, 0);
    contact_slots_reset(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_node_has_its_slot_up_to_the_limit),
        cmocka_unit_test(a_slot_is_replaced_and_cleared),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
