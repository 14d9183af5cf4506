/* SPDX-License-Identifier: Apache-2.0 */
#include "puller/leases.h"

#include "libcommon/base/clock.h"
#include "tests/unit/with_queue.h"

#include <stdio.h>

static lease lease_of(sh_queue *queue, int64_t within_ms)
{
    sh_error error = {0};
    lease held[2];
    const char *const urls[] = {"http://n", "http://m"};
    const lease_request request = {
        .urls = urls, .count = 2, .within_ms = within_ms, .hold_ms = 60000};
    assert_int_equal(leases_take(queue, &request, held, &error), SH_OK);
    assert_int_equal(held[0], held[1]); /* leases of one call are answered one by one */
    return held[0];
}

static void end_leases(sh_queue *queue, bool fetched, const char *name)
{
    sh_error error = {0};
    const lease_end turns[] = {{"http://n", fetched, NULL}, {"http://m", fetched, name}};
    assert_int_equal(leases_end(queue, turns, 2, &error), SH_OK);
}

static void of_two_pullers_one_fetches_a_node(void **state)
{
    (void)state;
    sh_queue *a = open_queue();
    sh_queue *b = open_queue();
    sh_error error = {0};
    char name[SH_NODE_NAME_MAX + 1];
    assert_int_equal(lease_of(a, 0), LEASE_TAKEN);
    assert_int_equal(lease_of(b, 60000), LEASE_HELD);
    assert_int_equal(lease_of(b, 0), LEASE_HELD);
    end_leases(b, false, NULL); /* not b's to end */
    assert_int_equal(lease_of(b, 0), LEASE_HELD);
    end_leases(a, true, "Node M");
    assert_int_equal(lease_of(b, 600000), LEASE_DONE);
    assert_int_equal(leases_name_get(b, "http://n", name, &error), SH_E_NOT_FOUND);
    sh_error_clear(&error);
    assert_int_equal(leases_name_get(b, "http://m", name, &error), SH_OK);
    assert_string_equal(name, "Node M");
    /* A run to which that does not count fetches again. */
    assert_int_equal(lease_of(b, 0), LEASE_TAKEN);
    sh_queue_free(a);
    sh_queue_free(b);
}

/* Sets the records of both nodes to a time relative to Redis's, in ms. */
static void note_at(const char *what, const char *before, int64_t from_now_ms, const char *after)
{
    const char *const urls[] = {"http://n", "http://m"};
    char value[64];
    (void)snprintf(value, sizeof value, "%s%lld%s", before,
                   (long long)(sh_clock_unix_ms() + from_now_ms), after);
    for (size_t i = 0; i < 2; i++)
        freeReplyObject(redisCommand(server.client, "SET t:pull:%s:%s %s", what, urls[i], value));
}

static void what_was_noted_before_a_clock_was_set_back_holds_nobody_up(void **state)
{
    (void)state;
    sh_queue *queue = open_queue();
    const int64_t day_ms = INT64_C(86400000);
    note_at("done", "", day_ms, "");
    assert_int_equal(lease_of(queue, 60000), LEASE_TAKEN);
    end_leases(queue, true, NULL);
    assert_int_equal(lease_of(queue, 60000), LEASE_DONE); /* by the right time now */
    note_at("done", "", -600000, "");
    assert_int_equal(lease_of(queue, 60000), LEASE_TAKEN);
    end_leases(queue, false, NULL);
    /* A puller that was killed after it took these. They have no end in Redis, as if it were far.
     */
    note_at("lease", "aabb ", day_ms, " 60000");
    assert_int_equal(lease_of(queue, 0), LEASE_TAKEN);
    note_at("lease", "aabb ", -60001, " 60000");
    assert_int_equal(lease_of(queue, 0), LEASE_TAKEN);
    note_at("lease", "aabb ", -1000, " 60000");
    assert_int_equal(lease_of(queue, 0), LEASE_HELD);
    sh_queue_free(queue);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(of_two_pullers_one_fetches_a_node, empty),
        cmocka_unit_test_setup(what_was_noted_before_a_clock_was_set_back_holds_nobody_up, empty),
    };
    return cmocka_run_group_tests_name("leases", tests, start, stop);
}
