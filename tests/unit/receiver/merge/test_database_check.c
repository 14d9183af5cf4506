/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/merge/database_check.h"
#include "receiver/queue/hub_database.h"
#include "tests/unit/store_fixture.h"

/* The store's fixture has a server, too. */
#define server redis_server
#include "tests/unit/with_queue.h"
#undef server

#define OTHER_ID "0123456789abcdef0123456789abcdef"

static int make_all(void **state)
{
    return empty(state) == 0 ? folder_make(state) : -1;
}

static sh_err verify(database_check *d, store *s, sh_queue *queue)
{
    sh_error error = {.code = SH_OK};
    return database_check_verify(d, s, queue, &error);
}

static void the_first_database_gets_the_queue_and_another_one_takes_nothing(void **state)
{
    (void)state;
    store *s = opened();
    sh_queue *queue = open_queue();
    database_check d = {.own = ""};
    char own[SH_ID_HEX_BYTES], published[SH_ID_HEX_BYTES];
    sh_error error = {.code = SH_OK};
    assert_int_equal(verify(&d, s, queue), SH_OK);
    must(database_id_read(s, own, &error), &error);
    must(queue_database_get(queue, published, &error), &error);
    assert_string_equal(published, own);
    d = (database_check){.own = ""};
    must(queue_database_set(queue, OTHER_ID, true, &error), &error);
    assert_int_equal(verify(&d, s, queue), SH_E_CONFIG);
    assert_int_equal(verify(&d, s, queue), SH_E_CONFIG);
    sh_queue_free(queue);
    store_close(s);
}

/* As `restore` does it, before the receiver that waits has seen any change of the database. */
static void a_restore_right_after_the_opening_is_noticed(void **state)
{
    (void)state;
    store *s = opened();
    sh_queue *queue = open_queue();
    database_check d = {.own = ""};
    sh_error error = {.code = SH_OK};
    must(queue_database_set(queue, "ffffffffffffffffffffffffffffffff", true, &error), &error);
    assert_int_equal(verify(&d, s, queue), SH_E_CONFIG);
    (void)sql("UPDATE \"SyncHub_Meta\" SET value = '" OTHER_ID "' WHERE key = 'database_id'");
    must(queue_database_set(queue, OTHER_ID, true, &error), &error);
    assert_int_equal(verify(&d, s, queue), SH_E_IO);
    database_check_reset(&d);
    assert_int_equal(verify(&d, s, queue), SH_OK);
    sh_queue_free(queue);
    store_close(s);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, make_all, folder_remove)
    const struct CMUnitTest tests[] = {
        TEST(the_first_database_gets_the_queue_and_another_one_takes_nothing),
        TEST(a_restore_right_after_the_opening_is_noticed),
    };
    int failed = cmocka_run_group_tests_name("SQLite", tests, start, stop);
    if (server_start(NULL) != 0 || start(NULL) != 0)
        return 1;
    failed += cmocka_run_group_tests_name("PostgreSQL", tests, NULL, NULL);
    (void)stop(NULL);
    (void)server_stop(NULL);
    return failed;
}
