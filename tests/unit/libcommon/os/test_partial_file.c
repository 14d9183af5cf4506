/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/base/cleanup.h"
#include "libcommon/os/partial_file.h"
#include "tests/unit/temp.h"

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[PATH_MAX / 2];
static char path[PATH_MAX], partial[PATH_MAX];

static int make_folder(void **state)
{
    (void)state;
    (void)snprintf(folder, sizeof folder, "%s/synchub-partial-XXXXXX", temp_base_short());
    if (mkdtemp(folder) == NULL)
        return -1;
    (void)snprintf(path, sizeof path, "%s/file", folder);
    (void)snprintf(partial, sizeof partial, "%s/file.partial", folder);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    (void)unlink(path);
    (void)unlink(partial);
    return rmdir(folder);
}

static void write_text(const char *to, const char *text)
{
    FILE *file = fopen(to, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static const char *read_text(const char *from)
{
    static char text[100];
    FILE *file = fopen(from, "r");
    assert_non_null(file);
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    assert_int_equal(fclose(file), 0);
    return text;
}

static void it_appears_under_its_name_when_it_is_complete(void **state)
{
    (void)state;
    sh_partial_file file;
    struct stat st;
    write_text(path, "old");
    write_text(partial, "left by a process that was killed");
    assert_int_equal(sh_partial_file_begin(path, &file, NULL), SH_OK);
    assert_string_equal(file.path, partial);
    assert_string_equal(read_text(partial), "");
    write_text(partial, "new");
    assert_string_equal(read_text(path), "old");
    assert_int_equal(sh_partial_file_end(&file, path, NULL), SH_OK);
    sh_partial_file_cancel(&file); /* does nothing now */
    assert_string_equal(read_text(path), "new");
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(access(partial, F_OK), -1);
}

static void a_cancelled_one_leaves_the_file_as_it_was(void **state)
{
    (void)state;
    sh_partial_file file;
    write_text(path, "old");
    assert_int_equal(sh_partial_file_begin(path, &file, NULL), SH_OK);
    sh_partial_file_cancel(&file);
    assert_string_equal(read_text(path), "old");
    assert_int_equal(access(partial, F_OK), -1);
}

static void a_second_writer_is_refused_and_changes_nothing(void **state)
{
    (void)state;
    sh_partial_file first, second;
    sh_error error = {.code = SH_OK};
    assert_int_equal(sh_partial_file_begin(path, &first, NULL), SH_OK);
    write_text(partial, "first");
    assert_int_equal(sh_partial_file_begin(path, &second, &error), SH_E_BUSY);
    assert_non_null(strstr(error.message, "another process"));
    sh_partial_file_cancel(&second);
    assert_string_equal(read_text(partial), "first");
    sh_partial_file_cancel(&first);
}

static void a_symbolic_link_is_not_followed(void **state)
{
    (void)state;
    sh_partial_file file;
    write_text(path, "another file");
    assert_int_equal(symlink(path, partial), 0);
    assert_int_equal(sh_partial_file_begin(path, &file, NULL), SH_E_IO);
    assert_string_equal(read_text(path), "another file");
}

static void what_cannot_be_created_is_an_error(void **state)
{
    (void)state;
    sh_partial_file file;
    char missing[PATH_MAX + 8];
    (void)snprintf(missing, sizeof missing, "%s/none/file", folder);
    assert_int_equal(sh_partial_file_begin(missing, &file, NULL), SH_E_IO);
    memset(missing, 'x', sizeof missing - 1);
    missing[sizeof missing - 1] = '\0';
    assert_int_equal(sh_partial_file_begin(missing, &file, NULL), SH_E_IO);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, make_folder, remove_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(it_appears_under_its_name_when_it_is_complete),
        TEST(a_cancelled_one_leaves_the_file_as_it_was),
        TEST(a_second_writer_is_refused_and_changes_nothing),
        TEST(a_symbolic_link_is_not_followed),
        TEST(what_cannot_be_created_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
