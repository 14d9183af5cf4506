/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/store_fixture.h"

#include <dirent.h>
#include <errno.h>

/*
 * Where SQLite stores the undo data of savepoints. The usual folders for temporary files are not
 * writable here, as in a container that can write only to its volume.
 */

#define ROWS 20000 /* their index has more than 100 pages */
#define CHUNK 250

/* In place of the system's, which SQLite asks before it makes a temporary file. */
int access_here(const char *path, int mode) __asm__("access");

int access_here(const char *path, int mode)
{
    static const char *const common[] = {"/var/tmp", "/usr/tmp", "/tmp", "."};
    for (size_t i = 0; i < sizeof common / sizeof common[0]; i++) {
        if (strcmp(path, common[i]) == 0) {
            errno = EROFS;
            return -1;
        }
    }
    struct stat st;
    (void)mode;
    return stat(path, &st);
}

/* Inserts rows all over the index, in the transaction that is open. */
static sh_err insert_all(store *s, int first, int step, sh_error *error)
{
    size_t count = 0;
    const sh_column *columns = store_columns(s, &count);
    sh_err err = SH_OK;
    for (int i = 0; i < ROWS && err == SH_OK; i += CHUNK) {
        SH_CLEANUP(sh_arena_reset) sh_arena arena = {NULL};
        store_insert inserts[CHUNK];
        for (int k = 0; k < CHUNK; k++) {
            char json[64];
            sh_device_row *row = NULL;
            (void)snprintf(json, sizeof json, "{\"devMac\":\"02:00:00:%06x\"}",
                           (unsigned)(first + (i + k) * step));
            must(sh_device_row_read(sh_slice_of(json),
                                    &(sh_row_context){columns, count, SH_SLICE("N"), NOW, &arena},
                                    &row, error),
                 error);
            inserts[k] = (store_insert){.row = row};
        }
        err = store_insert_devices(s, inserts, CHUNK, NOW, error);
    }
    return err;
}

/* How many files of SQLite's are open that have no name any more, in the database's folder. */
static int temporary_files(void)
{
    int found = 0;
    DIR *fds = opendir("/proc/self/fd");
    assert_non_null(fds);
    for (const struct dirent *entry = readdir(fds); entry != NULL; entry = readdir(fds)) {
        char name[300], path[300];
        (void)snprintf(name, sizeof name, "/proc/self/fd/%s", entry->d_name);
        ssize_t len = readlink(name, path, sizeof path - 1);
        path[len < 0 ? 0 : len] = '\0';
        found += strncmp(path, folder, strlen(folder)) == 0 && strstr(path, "/etilqs_") != NULL;
    }
    (void)closedir(fds);
    return found;
}

/* Two entries in one transaction, of which the second is undone. */
static void merge_two(void)
{
    store *s = opened();
    sh_error error = {.code = SH_OK};
    must(store_begin(s, &error), &error);
    must(store_savepoint(s, &error), &error);
    must(insert_all(s, 0, 3, &error), &error);
    must(store_savepoint(s, &error), &error);
    must(insert_all(s, 1, 3, &error), &error);
    assert_int_equal(temporary_files(), 1);
    must(store_undo_to_mark(s, &error), &error);
    must(store_commit(s, &error), &error);
    store_close(s);
    assert_string_equal(sql("SELECT count(*) FROM Devices; PRAGMA integrity_check"), "20000;ok;");
}

static void a_temporary_file_is_beside_the_database(void **state)
{
    (void)state;
    sh_error error = {.code = SH_OK};
    must(store_prepare(db_path, &error), &error);
    merge_two();
}

static void a_folder_that_was_chosen_stays_it(void **state)
{
    (void)state;
    assert_int_equal(setenv("SQLITE_TMPDIR", "/elsewhere", 1), 0);
    assert_int_equal(store_prepare("synchub.db", NULL), SH_OK);
    assert_string_equal(getenv("SQLITE_TMPDIR"), "/elsewhere");
    assert_int_equal(unsetenv("SQLITE_TMPDIR"), 0);
    assert_int_equal(store_prepare("synchub.db", NULL), SH_OK);
    assert_string_equal(getenv("SQLITE_TMPDIR"), ".");
    /* Where the database is another folder's, that one. */
    assert_int_equal(unsetenv("SQLITE_TMPDIR"), 0);
    char link[sizeof folder + 16], beside[sizeof folder + 16];
    (void)snprintf(link, sizeof link, "%s/link.db", folder);
    (void)snprintf(beside, sizeof beside, "%s/", folder);
    assert_int_equal(symlink("/dev/null", link), 0);
    assert_int_equal(store_prepare(link, NULL), SH_OK);
    assert_string_equal(getenv("SQLITE_TMPDIR"), "/dev/");
    assert_int_equal(unsetenv("SQLITE_TMPDIR"), 0);
    assert_int_equal(store_prepare(db_path, NULL), SH_OK);
    assert_string_equal(getenv("SQLITE_TMPDIR"), beside);
    assert_int_equal(unsetenv("SQLITE_TMPDIR"), 0);
    assert_int_equal(store_prepare("postgresql://a/b", NULL), SH_OK);
    assert_null(getenv("SQLITE_TMPDIR"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_temporary_file_is_beside_the_database, folder_make,
                                        folder_remove),
        cmocka_unit_test_setup_teardown(a_folder_that_was_chosen_stays_it, folder_make,
                                        folder_remove),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
