/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/store/node_contact.h"

#include "tests/unit/unit.h"

#define MINUTE INT64_C(60000)
#define DAY (24 * 60 * MINUTE)
#define NOW INT64_C(1787367180000)

/* The contact after so many others, one interval apart. */
static node_contact after(node_contact c, int contacts, int64_t interval_ms)
{
    for (int i = 0; i < contacts; i++)
        c = node_contact_next(&c, c.last_ms == 0 ? NOW : c.last_ms + interval_ms);
    return c;
}

static void the_interval_is_learned(void **state)
{
    (void)state;
    node_contact c = after((node_contact){0}, 1, 0);
    assert_int_equal(c.last_ms, NOW);
    assert_int_equal(c.interval_ms, 0);
    c = after(c, 1, DAY);
    assert_int_equal(c.interval_ms, DAY);
    c = after((node_contact){0}, 5, 1000); /* started manually, then not again */
    c = after(c, 12, DAY);
    assert_in_range(c.interval_ms, DAY / 2, DAY);
    c = after((node_contact){0}, 20, 5 * MINUTE);
    c = after(c, 1, 30 * DAY); /* an outage */
    assert_in_range(c.interval_ms, 5 * MINUTE, 15 * MINUTE);
    c = after(c, 6, 5 * MINUTE);
    assert_in_range(c.interval_ms, 5 * MINUTE, 6 * MINUTE);
}

static void a_clock_that_was_set_teaches_nothing(void **state)
{
    (void)state;
    node_contact c = after((node_contact){0}, 20, 5 * MINUTE);
    node_contact back = node_contact_next(&c, c.last_ms - DAY);
    assert_int_equal(back.last_ms, c.last_ms - DAY);
    assert_int_equal(back.interval_ms, c.interval_ms);
    c = (node_contact){.last_ms = 1, .interval_ms = INT64_MAX / 8};
    assert_in_range(node_contact_next(&c, INT64_MAX / 2).interval_ms, 1, INT64_MAX / 8);
}

static void the_interval_that_a_node_says_counts(void **state)
{
    (void)state;
    node_contact c = {.reported_ms = 10 * MINUTE};
    c = after(c, 5, 1000);
    assert_int_equal(c.interval_ms, 10 * MINUTE);
    c.set_ms = 2 * MINUTE;
    assert_int_equal(after(c, 1, MINUTE).set_ms, 2 * MINUTE);
    c.reported_ms = INT64_MAX;
    assert_int_equal(after(c, 1, MINUTE).interval_ms, NODE_INTERVAL_MAX_MS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_interval_is_learned),
        cmocka_unit_test(a_clock_that_was_set_teaches_nothing),
        cmocka_unit_test(the_interval_that_a_node_says_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
