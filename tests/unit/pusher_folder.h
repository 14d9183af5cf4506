/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_UNIT_PUSHER_FOLDER_H
#define TESTS_UNIT_PUSHER_FOLDER_H

/* A folder of its own for each of a test program's tests; to be included after <cmocka.h>. */

#include "tests/unit/temp.h"

#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FOLDER_PATHS 8
#define FOLDER_OLD_S 1600000000 /* mtime of what folder_put() writes: long ago, each another */

static char folder[PATH_MAX / 2];

/* The path of name in the folder; good until FOLDER_PATHS calls later. */
__attribute__((unused)) static const char *in_folder(const char *name)
{
    static char paths[FOLDER_PATHS][PATH_MAX];
    static unsigned next;
    char *path = paths[next++ % FOLDER_PATHS];
    (void)snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

static int folder_make(void **unused)
{
    (void)unused;
    (void)snprintf(folder, sizeof folder, "%s/test_pusher.XXXXXX", temp_base());
    return mkdtemp(folder) == NULL;
}

static int folder_remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

static int folder_remove(void **unused)
{
    (void)unused;
    return nftw(folder, folder_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* Writes text in place, with a time of change that is no other file's and long past. */
__attribute__((unused)) static void folder_put_bytes(const char *name, const void *bytes,
                                                     size_t len)
{
    static int tick;
    int fd = open(in_folder(name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, len), (ssize_t)len);
    struct timespec time = {.tv_sec = FOLDER_OLD_S + tick++};
    const struct timespec times[2] = {time, time};
    assert_int_equal(futimens(fd, times), 0);
    assert_int_equal(close(fd), 0);
}

__attribute__((unused)) static void folder_put(const char *name, const char *text)
{
    folder_put_bytes(name, text, strlen(text));
}

#define FOLDER_TEST(test) cmocka_unit_test_setup_teardown(test, folder_make, folder_remove)

#endif
