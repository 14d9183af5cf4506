/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/base/cleanup.h"
#include "libcommon/base/clock.h"
#include "libcommon/os/file.h"
#include "tests/wait.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[PATH_MAX];

/* The path of name in the test's folder; valid until the fourth call after this one. */
static const char *in_folder(const char *name)
{
    static char paths[4][PATH_MAX * 2];
    static unsigned next;
    char *path = paths[next++ % 4];
    (void)snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

static size_t count_entries(void)
{
    DIR *dir = opendir(folder);
    assert_non_null(dir);
    size_t count = 0;
    for (struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir))
        count += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    (void)closedir(dir);
    return count;
}

static void remove_all(void)
{
    DIR *dir = opendir(folder);
    assert_non_null(dir);
    for (struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir)) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        if (unlink(in_folder(entry->d_name)) != 0)
            assert_int_equal(rmdir(in_folder(entry->d_name)), 0);
    }
    (void)closedir(dir);
}

static int make_folder(void **state)
{
    (void)state;
    const char *base = getenv("TMPDIR");
    (void)snprintf(folder, sizeof folder, "%s/test_file.XXXXXX", base != NULL ? base : "/tmp");
    return mkdtemp(folder) == NULL;
}

static int remove_folder(void **state)
{
    (void)state;
    remove_all();
    return rmdir(folder);
}

static void write_file(const char *name, const char *text)
{
    sh_error error = {0};
    assert_int_equal(sh_file_write(in_folder(name), sh_slice_of(text), 0600, &error), SH_OK);
}

static void a_written_file_reads_the_same(void **state)
{
    (void)state;
    const size_t sizes[] = {0, 1, 255, 256, 257, 4096, 70000};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        SH_CLEANUP(sh_free_cleanup) char *text = malloc(sizes[i] + 1);
        assert_non_null(text);
        memset(text, 'a' + (int)i, sizes[i]);
        sh_error error = {0};
        sh_slice content = {text, sizes[i]};
        assert_int_equal(sh_file_write(in_folder("f"), content, 0640, &error), SH_OK);
        SH_CLEANUP(sh_buf_reset) sh_buf buf = SH_BUF_INIT(70000);
        sh_file_stamp stamp, now;
        assert_int_equal(sh_file_read(in_folder("f"), &buf, &stamp, &error), SH_OK);
        assert_int_equal(buf.len, sizes[i]);
        assert_memory_equal(buf.data, text, sizes[i]);
        assert_int_equal(buf.data[buf.len], '\0');
        assert_int_equal(sh_file_stamp_get(in_folder("f"), &now, &error), SH_OK);
        assert_true(sh_file_stamp_equals(&stamp, &now));
    }
    struct stat st;
    assert_int_equal(stat(in_folder("f"), &st), 0);
    assert_int_equal(st.st_mode & 07777, 0640);
    assert_int_equal(count_entries(), 1);
}

static void a_read_appends_to_the_buffer(void **state)
{
    (void)state;
    write_file("f", "world");
    SH_CLEANUP(sh_buf_reset) sh_buf buf = SH_BUF_INIT(100);
    assert_int_equal(sh_buf_append_text(&buf, "hello "), SH_OK);
    assert_int_equal(sh_file_read(in_folder("f"), &buf, NULL, NULL), SH_OK);
    assert_string_equal(buf.data, "hello world");
}

static void a_file_over_the_limit_is_refused_and_the_buffer_kept(void **state)
{
    (void)state;
    write_file("f", "12345678");
    const struct {
        size_t limit;
        sh_err expected;
    } cases[] = {{9, SH_E_LIMIT}, {10, SH_OK}, {11, SH_OK}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        SH_CLEANUP(sh_buf_reset) sh_buf buf = SH_BUF_INIT(cases[i].limit);
        assert_int_equal(sh_buf_append_text(&buf, "ab"), SH_OK);
        sh_error error = {0};
        assert_int_equal(sh_file_read(in_folder("f"), &buf, NULL, &error), cases[i].expected);
        assert_string_equal(buf.data, cases[i].expected == SH_OK ? "ab12345678" : "ab");
        if (cases[i].expected != SH_OK)
            assert_non_null(strstr(error.message, in_folder("f")));
    }
}

static void a_missing_file_is_distinguished_from_other_errors(void **state)
{
    (void)state;
    SH_CLEANUP(sh_buf_reset) sh_buf buf = SH_BUF_INIT(100);
    sh_error error = {0};
    assert_int_equal(sh_file_read(in_folder("none"), &buf, NULL, &error), SH_E_NOT_FOUND);
    assert_non_null(strstr(error.message, in_folder("none")));
    sh_error_clear(&error);
    assert_int_equal(sh_file_read(folder, &buf, NULL, &error), SH_E_IO);
    assert_non_null(strstr(error.message, "regular file"));
    assert_int_equal(mkfifo(in_folder("fifo"), 0600), 0);
    assert_int_equal(sh_file_read(in_folder("fifo"), &buf, NULL, NULL), SH_E_IO);
}

static void the_stamp_changes_with_every_kind_of_change(void **state)
{
    (void)state;
    sh_file_stamp none, first, second;
    assert_int_equal(sh_file_stamp_get(in_folder("f"), &none, NULL), SH_OK);
    assert_false(none.exists);
    assert_int_equal(sh_file_stamp_get(in_folder("f/g"), &first, NULL), SH_OK);
    assert_true(sh_file_stamp_equals(&none, &first));
    write_file("f", "one");
    assert_int_equal(sh_file_stamp_get(in_folder("f"), &first, NULL), SH_OK);
    assert_false(sh_file_stamp_equals(&none, &first));
    assert_true(sh_file_stamp_equals(&first, &first));

    /* Change the size, then the inode, then the mtime. */
    FILE *file = fopen(in_folder("f"), "a");
    assert_non_null(file);
    assert_true(fputs("more", file) >= 0);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(sh_file_stamp_get(in_folder("f"), &second, NULL), SH_OK);
    assert_false(sh_file_stamp_equals(&first, &second));
    assert_int_equal(rename(in_folder("f"), in_folder("old")), 0);
    write_file("f", "onemore");
    assert_int_equal(sh_file_stamp_get(in_folder("f"), &first, NULL), SH_OK);
    assert_false(sh_file_stamp_equals(&first, &second));
    const struct timespec times[2] = {{.tv_sec = 1, .tv_nsec = 5}, {.tv_sec = 1, .tv_nsec = 5}};
    assert_int_equal(utimensat(AT_FDCWD, in_folder("f"), times, 0), 0);
    assert_int_equal(sh_file_stamp_get(in_folder("f"), &second, NULL), SH_OK);
    assert_int_equal(second.mtime_ns, 1000000005);
    assert_false(sh_file_stamp_equals(&first, &second));
}

/* In place: inode and size stay the same. */
static void overwrite(const char *name, const char *text)
{
    int fd = open(in_folder(name), O_WRONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    assert_int_equal(close(fd), 0);
}

/* Two writes within a tick of the kernel's clock can leave the same stamp, unless it has settled.
 */
static void a_settled_stamp_differs_after_every_later_write(void **state)
{
    (void)state;
    write_file("a", "one");
    for (int i = 0; i < 100; i++) {
        sh_file_stamp settled, later;
        overwrite("a", "two");
        assert_int_equal(sh_file_stamp_get(in_folder("a"), &settled, NULL), SH_OK);
        for (int64_t ms; (ms = sh_file_stamp_settle_ms(&settled)) > 0;) {
            assert_in_range(ms, 1, 11);
            poll_pause_us((unsigned)ms * 1000);
        }
        overwrite("a", "one");
        assert_int_equal(sh_file_stamp_get(in_folder("a"), &later, NULL), SH_OK);
        assert_false(sh_file_stamp_equals(&settled, &later));
    }
}

static void a_stamp_settles_within_a_tick_or_is_from_another_clock(void **state)
{
    (void)state;
    sh_file_stamp stamp = {.exists = true};
    int64_t ms = 0;
    for (int i = 0; i < 1000 && ms == 0; i++) { /* repeat if the clock ticks in between */
        stamp.mtime_ns = sh_clock_file_ns() - i % 2 * 100;
        ms = sh_file_stamp_settle_ms(&stamp);
    }
    assert_in_range(ms, 1, 11);
    stamp.exists = false;
    assert_int_equal(sh_file_stamp_settle_ms(&stamp), 0);
    stamp.exists = true;
    stamp.mtime_ns -= sh_clock_file_tick_ns();
    assert_int_equal(sh_file_stamp_settle_ms(&stamp), 0);
    stamp.mtime_ns = sh_clock_unix_ns() + 1000000000;
    assert_int_equal(sh_file_stamp_settle_ms(&stamp), 0);
}

static void a_failed_write_leaves_the_old_file_and_nothing_else(void **state)
{
    (void)state;
    write_file("f", "old");
    assert_int_equal(mkdir(in_folder("d"), 0700), 0);
    sh_error error = {0};
    assert_int_equal(sh_file_write(in_folder("d"), SH_SLICE("new"), 0600, &error), SH_E_IO);
    assert_non_null(strstr(error.message, in_folder("d")));
    assert_int_equal(count_entries(), 2);
    sh_error_clear(&error);
    assert_int_equal(sh_file_write(in_folder("none/f"), SH_SLICE("new"), 0600, &error), SH_E_IO);
    assert_non_null(strstr(error.message, in_folder("none")));
    SH_CLEANUP(sh_buf_reset) sh_buf buf = SH_BUF_INIT(100);
    assert_int_equal(sh_file_read(in_folder("f"), &buf, NULL, NULL), SH_OK);
    assert_string_equal(buf.data, "old");
}

static void make_old(const char *name, time_t age_s)
{
    assert_int_equal(sh_file_write(in_folder(name), SH_SLICE("x"), 0600, NULL), SH_OK);
    const struct timespec then = {.tv_sec = time(NULL) - age_s};
    const struct timespec times[2] = {then, then};
    assert_int_equal(utimensat(AT_FDCWD, in_folder(name), times, 0), 0);
}

static void only_old_temporary_files_are_removed(void **state)
{
    (void)state;
    make_old(".synchub-a1B2c3.tmp", 700);
    make_old(".synchub-d4E5f6.tmp", 100);
    make_old(".synchub-mine", 700);
    make_old("result", 700);
    sh_folder_remove_temporary(in_folder("no such folder"), 0);
    sh_folder_remove_temporary(folder, 600);
    assert_int_equal(count_entries(), 3);
    assert_int_equal(access(in_folder(".synchub-a1B2c3.tmp"), F_OK), -1);
    sh_folder_remove_temporary(folder, 0);
    assert_int_equal(count_entries(), 2);
    assert_int_equal(access(in_folder(".synchub-d4E5f6.tmp"), F_OK), -1);
}

static void removing_twice_is_fine(void **state)
{
    (void)state;
    write_file("f", "x");
    assert_int_equal(sh_file_remove(in_folder("f"), NULL), SH_OK);
    assert_int_equal(access(in_folder("f"), F_OK), -1);
    assert_int_equal(sh_file_remove(in_folder("f"), NULL), SH_OK);
    assert_int_equal(sh_file_remove(in_folder("no/f"), NULL), SH_OK);
    sh_error error = {0};
    assert_int_equal(mkdir(in_folder("d"), 0700), 0);
    assert_int_equal(sh_file_remove(in_folder("d"), &error), SH_E_IO);
    assert_non_null(strstr(error.message, in_folder("d")));
}

static void an_unwritable_folder_is_named(void **state)
{
    (void)state;
    sh_error error = {0};
    assert_int_equal(sh_folder_check_writable(folder, &error), SH_OK);
    assert_int_equal(count_entries(), 0);
    assert_int_equal(sh_folder_check_writable(in_folder("none"), &error), SH_E_IO);
    assert_non_null(strstr(error.message, "no such folder"));
    write_file("f", "x");
    sh_error_clear(&error);
    assert_int_equal(sh_folder_check_writable(in_folder("f"), &error), SH_E_IO);
    assert_non_null(strstr(error.message, "not a folder"));
    sh_error_clear(&error);
    /* Not even root can create files here. */
    assert_int_equal(sh_folder_check_writable("/proc", &error), SH_E_IO);
    assert_non_null(strstr(error.message, "/proc"));
}

static void a_bare_name_is_written_to_the_working_folder(void **state)
{
    (void)state;
    char before[PATH_MAX];
    assert_non_null(getcwd(before, sizeof before));
    assert_int_equal(chdir(folder), 0);
    sh_err err = sh_file_write("bare", SH_SLICE("x"), 0600, NULL);
    assert_int_equal(chdir(before), 0);
    assert_int_equal(err, SH_OK);
    assert_int_equal(access(in_folder("bare"), R_OK), 0);
}

int main(void)
{
#define FILE_TEST(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)
    const struct CMUnitTest tests[] = {
        FILE_TEST(a_written_file_reads_the_same),
        FILE_TEST(a_read_appends_to_the_buffer),
        FILE_TEST(a_file_over_the_limit_is_refused_and_the_buffer_kept),
        FILE_TEST(a_missing_file_is_distinguished_from_other_errors),
        FILE_TEST(the_stamp_changes_with_every_kind_of_change),
        FILE_TEST(a_settled_stamp_differs_after_every_later_write),
        FILE_TEST(a_stamp_settles_within_a_tick_or_is_from_another_clock),
        FILE_TEST(a_failed_write_leaves_the_old_file_and_nothing_else),
        FILE_TEST(removing_twice_is_fine),
        FILE_TEST(only_old_temporary_files_are_removed),
        FILE_TEST(an_unwritable_folder_is_named),
        FILE_TEST(a_bare_name_is_written_to_the_working_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
