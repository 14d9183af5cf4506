/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/store/store_state.h"
#include "tests/unit/store_fixture.h"

#include <sys/wait.h>

/* Lists of the hub's state, on both kinds of databases and beside NetAlertX's tables. */

#define TEXT_MAX 4096

static void put(store *s, store_state list, const char *key, const char *value, int64_t ms)
{
    const store_state_entry entry = {
        .key = sh_slice_of(key), .value = sh_slice_of(value), .changed_ms = ms};
    sh_error error = {.code = SH_OK};
    must(store_state_put(s, list, &entry, &error), &error);
}

static void begin(store *s, store_state list, char version[static STORE_VERSION_BYTES])
{
    sh_error error = {.code = SH_OK};
    must(store_state_begin(s, list, version, &error), &error);
}

static void commit(store *s, store_state list)
{
    sh_error error = {.code = SH_OK};
    must(store_state_commit(s, list, &error), &error);
}

static sh_err append_entry(void *context, const store_state_entry *entry, sh_error *error)
{
    (void)error;
    return sh_buf_append_format(context, "%.*s=%.*s@%lld;", (int)entry->key.len, entry->key.data,
                                (int)entry->value.len, entry->value.data,
                                (long long)entry->changed_ms);
}

/* All entries, in the order of their names if there is one at most, and the version. */
static const char *read_list(store *s, store_state list, char version[static STORE_VERSION_BYTES])
{
    static char text[TEXT_MAX];
    SH_CLEANUP(sh_buf_reset) sh_buf all = SH_BUF_INIT(TEXT_MAX);
    sh_error error = {.code = SH_OK};
    const store_state_reader reader = {.each = append_entry, .context = &all};
    must(store_state_read(s, list, &reader, version, &error), &error);
    (void)snprintf(text, sizeof text, "%s", all.data == NULL ? "" : all.data);
    return text;
}

static void check_list_of(store *s, store_state list)
{
    char first[STORE_VERSION_BYTES], second[STORE_VERSION_BYTES], now[STORE_VERSION_BYTES];
    SH_CLEANUP(sh_buf_reset) sh_buf value = SH_BUF_INIT(TEXT_MAX);
    int64_t count = -1;
    assert_string_equal(read_list(s, list, first), "");
    assert_string_equal(first, ""); /* it never held one */
    begin(s, list, first);
    assert_string_equal(first, "");
    put(s, list, "Büro \"1\"", "2 x", 1000);
    assert_int_equal(store_state_get(s, list, "none", &value, NULL), SH_E_NOT_FOUND);
    must(store_state_get(s, list, "Büro \"1\"", &value, NULL), NULL);
    assert_string_equal(value.data, "2 x");
    must(store_state_count(s, list, &count, NULL), NULL);
    assert_int_equal(count, 1);
    commit(s, list);
    assert_string_equal(read_list(s, list, first), "Büro \"1\"=2 x@1000;");
    assert_int_equal(strlen(first), STORE_VERSION_BYTES - 1);

    begin(s, list, now);
    assert_string_equal(now, first);
    put(s, list, "Büro \"1\"", "", 2000);
    commit(s, list);
    assert_string_equal(read_list(s, list, second), "Büro \"1\"=@2000;");
    assert_string_not_equal(second, first);

    begin(s, list, now);
    put(s, list, "other", "x", 1);
    store_rollback(s);
    must(store_state_version(s, list, now, NULL), NULL);
    assert_string_equal(now, second);

    begin(s, list, now);
    assert_int_equal(store_state_delete(s, list, "other", NULL), SH_E_NOT_FOUND);
    must(store_state_delete(s, list, "Büro \"1\"", NULL), NULL);
    commit(s, list);
    assert_string_equal(read_list(s, list, now), "");
    assert_string_not_equal(now, second); /* it held one once */
}

static void a_list_is_changed_and_read_with_its_version(void **state)
{
    (void)state;
    store *s = opened();
    check_list_of(s, STORE_CREDENTIALS);
    check_list_of(s, STORE_BLOCKLIST);
    store_close(s);
}

static void a_netalertx_database_holds_the_lists_too(void **state)
{
    (void)state;
    sql_file(TESTS_DIR "/fixtures/app_db.sql");
    store *s = opened();
    check_list_of(s, STORE_CREDENTIALS);
    check_list_of(s, STORE_BLOCKLIST);
    store_close(s);
}

static void a_database_for_reading_can_be_read(void **state)
{
    (void)state;
    char version[STORE_VERSION_BYTES], read[STORE_VERSION_BYTES];
    store *s = opened();
    begin(s, STORE_CREDENTIALS, version);
    put(s, STORE_CREDENTIALS, "A", "1", 5);
    commit(s, STORE_CREDENTIALS);
    must(store_state_version(s, STORE_CREDENTIALS, version, NULL), NULL);
    store_close(s);
    must(store_open(db_path, STORE_READ_ONLY, &s, NULL), NULL);
    assert_string_equal(read_list(s, STORE_CREDENTIALS, read), "A=1@5;");
    assert_string_equal(read, version);
    store_close(s);
}

enum { WRITERS = 3, CHANGES = 20 };

/* Appends CHANGES times to one entry, as a reader of its value. */
static void change_often(int writer)
{
    store *s = opened();
    for (int i = 0; i < CHANGES;) {
        char version[STORE_VERSION_BYTES];
        SH_CLEANUP(sh_buf_reset) sh_buf value = SH_BUF_INIT(TEXT_MAX);
        sh_error error = {.code = SH_OK};
        sh_err err = store_state_begin(s, STORE_CREDENTIALS, version, &error);
        if (err == SH_E_BUSY)
            continue;
        must(err, &error);
        err = store_state_get(s, STORE_CREDENTIALS, "all", &value, NULL);
        assert_true(err == SH_OK || err == SH_E_NOT_FOUND);
        must(sh_buf_append_format(&value, "%d", writer), NULL);
        put(s, STORE_CREDENTIALS, "all", value.data, i);
        commit(s, STORE_CREDENTIALS);
        i++;
    }
    store_close(s);
}

static void no_change_of_several_processes_is_lost(void **state)
{
    (void)state;
    store_close(opened());
    pid_t children[WRITERS];
    for (int i = 0; i < WRITERS; i++) {
        children[i] = fork();
        assert_true(children[i] >= 0);
        if (children[i] == 0) {
            change_often(i);
            _exit(0);
        }
    }
    for (int i = 0; i < WRITERS; i++) {
        int status = -1;
        assert_int_equal(waitpid(children[i], &status, 0), children[i]);
        assert_int_equal(status, 0);
    }
    const char *all = sql("SELECT record FROM \"SyncHub_Credentials\"");
    size_t counts[WRITERS] = {0};
    for (; *all != '\0' && *all != ';'; all++)
        counts[*all - '0']++;
    for (int i = 0; i < WRITERS; i++)
        assert_int_equal(counts[i], CHANGES);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, folder_make, folder_remove)
    const struct CMUnitTest tests[] = {
        TEST(a_list_is_changed_and_read_with_its_version),
        TEST(a_database_for_reading_can_be_read),
        TEST(no_change_of_several_processes_is_lost),
    };
    const struct CMUnitTest app_db[] = {TEST(a_netalertx_database_holds_the_lists_too)};
    int failed = cmocka_run_group_tests_name("SQLite", tests, NULL, NULL);
    failed += cmocka_run_group_tests_name("app.db", app_db, NULL, NULL);
    return failed + cmocka_run_group_tests_name("PostgreSQL", tests, server_start, server_stop);
}
