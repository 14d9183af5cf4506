/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/merge/consumer_name.h"

#include "libcommon/crypto/crypto.h"
#include "tests/unit/unit.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char *name_of(consumer_place place, int number)
{
    static char name[CONSUMER_NAME_BYTES];
    consumer_name_write(&place, number, name);
    return name;
}

static void hosts_of_one_name_have_names_of_their_own(void **state)
{
    (void)state;
    const consumer_place here = {"hub", "6a1f0c0e-0000-4000-8000-000000000001", 4026531840, "g"};
    char own[CONSUMER_NAME_BYTES];
    (void)snprintf(own, sizeof own, "%s", name_of(here, 1));
    assert_memory_equal(own, "hub-", 4);
    assert_string_equal(name_of(here, 1), own); /* after a restart of the program */
    consumer_place cloned = here, contained = here, other_redis = here;
    cloned.boot_id = "6a1f0c0e-0000-4000-8000-000000000002";
    contained.network_namespace++;
    other_redis.group = "h";
    assert_string_not_equal(name_of(cloned, 1), own);
    assert_string_not_equal(name_of(contained, 1), own);
    assert_string_not_equal(name_of(other_redis, 1), own);
    assert_string_not_equal(name_of(here, 2), own);
    consumer_place unknown = {"hub", "", 0, "g"};
    assert_string_not_equal(name_of(unknown, 1), "");
}

static void a_name_is_held_by_one_process_and_the_same_after_it_died(void **state)
{
    (void)state;
    char names[4][CONSUMER_NAME_BYTES];
    int fds[4];
    const char *const url = "redis://127.0.0.1:1/0";
    assert_int_equal(consumer_name_take(url, "test", names[0], &fds[0], NULL), SH_OK);
    assert_int_equal(consumer_name_take(url, "test", names[1], &fds[1], NULL), SH_OK);
    assert_string_not_equal(names[0], names[1]);
    /* The same Redis under another spelling. */
    assert_int_equal(consumer_name_take("redis://localhost:1", "test", names[2], &fds[2], NULL),
                     SH_OK);
    assert_string_not_equal(names[0], names[2]);
    (void)close(fds[0]);
    assert_int_equal(consumer_name_take(url, "test", names[3], &fds[3], NULL), SH_OK);
    assert_string_equal(names[3], names[0]);
    for (int i = 1; i < 4; i++)
        (void)close(fds[i]);
}

static int start(void **state)
{
    (void)state;
    return sh_crypto_init(NULL) == SH_OK ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hosts_of_one_name_have_names_of_their_own),
        cmocka_unit_test(a_name_is_held_by_one_process_and_the_same_after_it_died),
    };
    return cmocka_run_group_tests(tests, start, NULL);
}
