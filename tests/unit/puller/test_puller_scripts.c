/* SPDX-License-Identifier: Apache-2.0 */
#include "puller/puller_scripts.h"

#include "tests/unit/with_scripts.h"

/* `SET`s a lease or what was fetched at so many ms from Redis's time. */
static void note_at(const char *key, const char *before, int64_t from_now_ms, const char *after)
{
    redisReply *time = redisCommand(server.client, "TIME");
    long long now = strtoll(time->element[0]->str, NULL, 10) * 1000 +
                    strtoll(time->element[1]->str, NULL, 10) / 1000;
    freeReplyObject(time);
    char value[80];
    (void)snprintf(value, sizeof value, "%s%lld%s", before, now + (long long)from_now_ms, after);
    (void)ask("SET %s %s", key, value);
}

static const char *take_leases(const char *holder)
{
    const sh_slice argv[] = {SH_SLICE("lease:a"), SH_SLICE("done:a"),  SH_SLICE("lease:b"),
                             SH_SLICE("done:b"),  sh_slice_of(holder), SH_SLICE("10000"),
                             SH_SLICE("60000")};
    return script_answer(&sh_script_leases_take, (sh_redis_arguments){argv, 4, 7});
}

static void leases_take_gives_each_to_one(void **state)
{
    (void)state;
    assert_string_equal(take_leases("aa"), "(taken taken)");
    assert_string_equal(take_leases("bb"), "(held held)");
    assert_string_equal(ask("TTL lease:a"), "60");
    note_at("lease:a", "aa ", -60001, " 60000"); /* over */
    note_at("lease:b", "aa ", 60000, " 60000");  /* in the future: the clock was set back */
    assert_string_equal(take_leases("bb"), "(taken taken)");
    note_at("done:a", "", -5000, "");
    note_at("done:b", "", -15000, "");
    assert_string_equal(take_leases("cc"), "(done held)");
}

static void leases_end_gives_back_ones_own(void **state)
{
    (void)state;
    (void)take_leases("aa");
    (void)ask("SET lease:b %s", "bb 1 60000");
    const sh_slice argv[] = {SH_SLICE("names"),   SH_SLICE("lease:a"), SH_SLICE("done:a"),
                             SH_SLICE("lease:b"), SH_SLICE("done:b"),  SH_SLICE("aa"),
                             SH_SLICE("1"),       SH_SLICE("url a"),   SH_SLICE("Name"),
                             SH_SLICE("0"),       SH_SLICE("url b"),   SH_SLICE("")};
    assert_string_equal(script_answer(&sh_script_leases_end, (sh_redis_arguments){argv, 5, 12}),
                        "done");
    assert_string_equal(ask("EXISTS lease:a"), "0");
    assert_string_equal(ask("EXISTS lease:b"), "1");
    assert_string_equal(ask("EXISTS done:b"), "0");
    assert_string_equal(ask("TTL done:a"), "3600");
    assert_string_equal(ask("HGETALL names"), "(url a Name)");
    assert_string_equal(take_leases("cc"), "(done taken)");
}

static void every_script_has_a_test(void **state)
{
    (void)state;
    check_all_scripts(puller_scripts);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(leases_take_gives_each_to_one, empty),
        cmocka_unit_test_setup(leases_end_gives_back_ones_own, empty),
        cmocka_unit_test_setup(every_script_has_a_test, empty),
    };
    return cmocka_run_group_tests_name("puller_scripts", tests, start, stop);
}
