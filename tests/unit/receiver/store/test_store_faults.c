/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/store_fixture.h"

/* Allocations of the database library fail, one in each run. */

static sqlite3_mem_methods real;
static long allocations_left = -1; /* -1: all succeed */

static bool fails(void)
{
    if (allocations_left < 0)
        return false;
    if (allocations_left > 0)
        allocations_left--;
    return allocations_left == 0;
}

static void *failing_sqlite_malloc(int bytes)
{
    return fails() ? NULL : real.xMalloc(bytes);
}

static void *failing_sqlite_realloc(void *memory, int bytes)
{
    return fails() ? NULL : real.xRealloc(memory, bytes);
}

/* All steps of a receiver in one call: open, merge a row and a result, read, close. */
static sh_err work(sh_device_row *row, sh_error *error)
{
    store *s = NULL;
    sh_err err = store_open(db_path, STORE_READ_WRITE, &s, error);
    if (err != SH_OK)
        return err;
    store_insert one = {.row = row};
    store_node node = {.node = "N", .mode = "push", .merged_ms = 1};
    sh_plugin_line line = {.columns = 9, .field = {SH_SLICE("p")}};
    const sh_mac *asked[] = {sh_device_row_mac(row)};
    bool known = false;
    bool seen = false;
    int64_t changed = 0;
    static const uint8_t id[SH_ID_BYTES] = {1};
    err = store_begin(s, error);
    if (err == SH_OK)
        err = store_savepoint(s, error);
    if (err == SH_OK)
        err = note_item(s, id, 1, &seen, error);
    if (err == SH_OK)
        err = store_find_known(s, asked, 1, &known, error);
    if (err == SH_OK)
        err = store_insert_devices(s, &one, 1, NOW, error);
    if (err == SH_OK && one.outcome == STORE_REJECTED)
        err = sh_fail(error, SH_E_FORMAT, "%s", one.reason);
    if (err == SH_OK)
        err = store_put_plugin_lines(s, &(store_plugin_lines){"P", "N", NOW, &line, 1}, &changed,
                                     error);
    if (err == SH_OK)
        err = store_node_record(s, &node, error);
    if (err == SH_OK)
        err = store_commit(s, error);
    if (err != SH_OK)
        store_rollback(s);
    store_close(s);
    return err;
}

static void the_store_survives_failing_allocations(void **state)
{
    (void)state;
    store *s = opened();
    size_t count = 0;
    const sh_column *columns = store_columns(s, &count);
    SH_CLEANUP(sh_arena_reset) sh_arena arena = {NULL};
    sh_device_row *row = NULL;
    assert_int_equal(sh_device_row_read(
                         SH_SLICE("{\"devMac\":\"a\"}"),
                         &(sh_row_context){columns, count, SH_SLICE("N"), NOW, &arena}, &row, NULL),
                     SH_OK);
    store_close(s);
    long failed = 0;
    /* The first ones each, then a sample: all of them, some 3,500, take a minute. */
    for (long n = 1;; n += 1 + n / 32) {
        (void)unlink(db_path);
        sh_error error = {.code = SH_OK};
        allocations_left = n;
        sh_err err = work(row, &error);
        bool fired = allocations_left == 0;
        allocations_left = -1;
        if (err != SH_OK && err != SH_E_MEMORY && err != SH_E_IO)
            fail_msg("allocation %ld: %d %s", n, (int)err, error.message);
        assert_int_equal(error.code, err);
        failed += err != SH_OK;
        /* All of it or none of it. */
        if (access(db_path, F_OK) == 0 && sql("SELECT 1 FROM sqlite_master"
                                              " WHERE name = 'Devices'")[0] == '1')
            assert_string_equal(sql("SELECT (SELECT count(*) FROM Devices),"
                                    " (SELECT count(*) FROM SyncHub_Items),"
                                    " (SELECT count(*) FROM Plugins_Objects)"),
                                err == SH_OK ? "1|1|1;" : "0|0|0;");
        if (!fired)
            break;
    }
    assert_true(failed > 100);
}

static int start(void **state)
{
    (void)state;
    if (sqlite3_config(SQLITE_CONFIG_GETMALLOC, &real) != SQLITE_OK)
        return -1;
    sqlite3_mem_methods failing = real;
    failing.xMalloc = failing_sqlite_malloc;
    failing.xRealloc = failing_sqlite_realloc;
    /* Look-aside memory would hide most allocations from the test. */
    return sqlite3_config(SQLITE_CONFIG_MALLOC, &failing) == SQLITE_OK &&
                   sqlite3_config(SQLITE_CONFIG_LOOKASIDE, 0, 0) == SQLITE_OK &&
                   sh_crypto_init(NULL) == SH_OK
               ? 0
               : -1;
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, folder_make, folder_remove)
    const struct CMUnitTest tests[] = {
        TEST(the_store_survives_failing_allocations),
    };
    return cmocka_run_group_tests(tests, start, NULL);
}
