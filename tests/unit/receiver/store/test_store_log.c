/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/store_fixture.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/statvfs.h>

/* SQLite's write-ahead log, and its checkpoints. */

#define COMMENT_BYTES (64 * 1024) /* 16 pages of SQLite's */
#define PAGE_BYTES 4096
#define REST_ROWS 80 /* more than 1,000 pages */

static char comment[COMMENT_BYTES + 1];
static uint64_t free_bytes = UINT64_MAX / 2; /* simulated free space of the disk */

/* In place of the system's, under either of its names. */
int few_bytes(const char *path, struct statvfs *ret) __asm__("statvfs");
int few_bytes_64(const char *path, struct statvfs *ret) __asm__("statvfs64");

int few_bytes(const char *path, struct statvfs *ret)
{
    (void)path;
    *ret = (struct statvfs){.f_frsize = 1, .f_bavail = free_bytes};
    return 0;
}

int few_bytes_64(const char *path, struct statvfs *ret)
{
    return few_bytes(path, ret);
}

static void insert_rows(store *s, int from, int count)
{
    for (int i = from; i < from + count; i++) {
        static char json[COMMENT_BYTES + 128];
        (void)snprintf(json, sizeof json,
                       "{\"devMac\":\"02:00:00:00:%02x:%02x\",\"devComments\":\"%s\"}",
                       (unsigned)i / 256, (unsigned)i % 256, comment);
        assert_int_equal(insert(s, json, "N"), STORE_INSERTED);
    }
}

static int64_t size_of(const char *suffix)
{
    char path[sizeof db_path + 8];
    struct stat st;
    (void)snprintf(path, sizeof path, "%s%s", db_path, suffix);
    return stat(path, &st) == 0 ? (int64_t)st.st_size : -1;
}

static void rest(store *s)
{
    sh_error error = {.code = SH_OK};
    must(store_rest(s, &error), &error);
}

static void much_in_the_log_goes_to_the_file_at_rest_and_little_stays(void **state)
{
    (void)state;
    store *s = opened();
    rest(s);
    insert_rows(s, 0, 1);
    int64_t before = size_of("");
    rest(s);
    assert_int_equal(size_of(""), before);
    insert_rows(s, 1, REST_ROWS);
    assert_int_equal(size_of(""), before);
    rest(s);
    assert_true(size_of("") > before + REST_ROWS * COMMENT_BYTES);
    /* The log is truncated at the next commit. */
    int64_t log = size_of("-wal");
    insert_rows(s, 1 + REST_ROWS, 1);
    assert_int_equal(size_of("-wal"), log);
    store_close(s);
    assert_int_equal(size_of("-wal"), -1);
    assert_string_equal(sql("SELECT count(*) FROM Devices"), "82;");
}

static void a_log_that_never_rests_is_bounded(void **state)
{
    (void)state;
    enum { BOUND = 16384, ROWS = (BOUND + BOUND / 8) / 16 };
    store *s = opened();
    insert_rows(s, 0, ROWS);
    /* The commit that passes the bound is in it; each frame has a header of 24 bytes. */
    assert_true(size_of("-wal") < (int64_t)(BOUND + 64) * (PAGE_BYTES + 24));
    assert_true(size_of("-wal") > (int64_t)BOUND * PAGE_BYTES / 2);
    store_close(s);
    assert_string_equal(sql("SELECT count(*) FROM Devices; PRAGMA integrity_check"), "1152;ok;");
}

/* A log that is left to grow would take the room that its copying needs. */
static void on_a_disk_with_little_room_the_log_stays_small(void **state)
{
    (void)state;
    store *s = opened();
    free_bytes = 100000000;
    insert_rows(s, 0, 3 * REST_ROWS);
    free_bytes = UINT64_MAX / 2;
    assert_true(size_of("-wal") < 2000 * (int64_t)PAGE_BYTES);
    assert_true(size_of("") > 2 * (int64_t)REST_ROWS * COMMENT_BYTES);
    store_close(s);
    assert_string_equal(sql("SELECT count(*) FROM Devices; PRAGMA integrity_check"), "240;ok;");
}

static void a_file_that_cannot_grow_is_told_and_nothing_is_lost(void **state)
{
    (void)state;
    struct rlimit all;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &all), 0);
    assert_true(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
    store *s = opened();
    insert_rows(s, 0, REST_ROWS);
    struct rlimit little = {.rlim_cur = 64 * 1024, .rlim_max = all.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &little), 0);
    sh_error error = {.code = SH_OK};
    sh_err err = store_rest(s, &error);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &all), 0);
    assert_int_equal(err, SH_E_IO);
    assert_non_null(strstr(error.message, db_path));
    rest(s); /* is not forgotten: it goes there now */
    assert_true(size_of("") > (int64_t)REST_ROWS * COMMENT_BYTES);
    store_close(s);
    assert_string_equal(sql("SELECT count(*) FROM Devices; PRAGMA integrity_check"), "80;ok;");
}

static void another_program_that_reads_does_not_hold_it_up(void **state)
{
    (void)state;
    sqlite3 *reader = NULL;
    store *s = opened();
    insert_rows(s, 0, 1);
    assert_int_equal(sqlite3_open(db_path, &reader), SQLITE_OK);
    assert_int_equal(sqlite3_exec(reader, "BEGIN; SELECT count(*) FROM Devices", NULL, NULL, NULL),
                     SQLITE_OK);
    insert_rows(s, 1, REST_ROWS);
    int64_t before = size_of("");
    rest(s);
    assert_true(size_of("") < before + REST_ROWS * COMMENT_BYTES);
    assert_int_equal(sqlite3_exec(reader, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
    rest(s);
    assert_true(size_of("") > before + REST_ROWS * COMMENT_BYTES);
    assert_int_equal(sqlite3_close(reader), SQLITE_OK);
    store_close(s);
}

static int start(void **state)
{
    (void)state;
    memset(comment, 'c', COMMENT_BYTES);
    return sh_crypto_init(NULL) == SH_OK ? 0 : -1;
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, folder_make, folder_remove)
    const struct CMUnitTest tests[] = {
        TEST(much_in_the_log_goes_to_the_file_at_rest_and_little_stays),
        TEST(a_log_that_never_rests_is_bounded),
        TEST(on_a_disk_with_little_room_the_log_stays_small),
        TEST(a_file_that_cannot_grow_is_told_and_nothing_is_lost),
        TEST(another_program_that_reads_does_not_hold_it_up),
    };
    return cmocka_run_group_tests(tests, start, NULL);
}
