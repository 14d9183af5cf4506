/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/os/file.h"

#include "libcommon/base/cleanup.h"
#include "libcommon/base/clock.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A hidden name, so that programs that match files by pattern ignore an incomplete file. */
#define TEMPORARY_PREFIX ".synchub-"
#define TEMPORARY_NAME TEMPORARY_PREFIX "XXXXXX.tmp"
#define TEMPORARY_SUFFIX_LEN 4
#define ROOM_BYTES 16384

#define STAMP_TRUNCATION_NS 1000 /* file systems truncate timestamps to 100 ns, or not at all */

static sh_err fail_errno(sh_error *error, const char *path, const char *what)
{
    int saved = errno;
    sh_err code = saved == ENOENT ? SH_E_NOT_FOUND : SH_E_IO;
    return sh_fail(error, code, "%s: %s: %s", path, what, strerror(saved));
}

static void stamp_from_stat(const struct stat *st, sh_file_stamp *ret)
{
    *ret = (sh_file_stamp){
        .device = (uint64_t)st->st_dev,
        .inode = (uint64_t)st->st_ino,
        .size = (uint64_t)st->st_size,
        .mtime_ns = (int64_t)st->st_mtim.tv_sec * 1000000000 + st->st_mtim.tv_nsec,
        .exists = true,
    };
}

sh_err sh_file_stamp_get(const char *path, sh_file_stamp *ret, sh_error *error)
{
    struct stat st;
    if (stat(path, &st) == 0) {
        stamp_from_stat(&st, ret);
        return SH_OK;
    }
    if (errno != ENOENT && errno != ENOTDIR)
        return sh_fail(error, SH_E_IO, "%s: cannot stat: %s", path, strerror(errno));
    *ret = (sh_file_stamp){.exists = false};
    return SH_OK;
}

bool sh_file_stamp_equals(const sh_file_stamp *a, const sh_file_stamp *b)
{
    if (!a->exists || !b->exists)
        return a->exists == b->exists;
    return a->device == b->device && a->inode == b->inode && a->size == b->size &&
           a->mtime_ns == b->mtime_ns;
}

int64_t sh_file_stamp_settle_ms(const sh_file_stamp *stamp)
{
    int64_t ahead_ns = stamp->mtime_ns - sh_clock_file_ns();
    if (!stamp->exists || ahead_ns > 0 || ahead_ns <= -STAMP_TRUNCATION_NS)
        return 0;
    int64_t left_ns = stamp->mtime_ns + sh_clock_file_tick_ns() - sh_clock_unix_ns();
    return left_ns > 0 ? left_ns / 1000000 + 1 : 1;
}

/* read(2), repeated on EINTR. */
static ssize_t read_retry(int fd, void *ret, size_t len)
{
    ssize_t n;
    do
        n = read(fd, ret, len);
    while (n < 0 && errno == EINTR);
    return n;
}

static sh_err read_to_end(int fd, const char *path, sh_buf *ret, sh_error *error)
{
    for (;;) {
        /* Read one byte more than the file's size, to detect its end. */
        size_t free_bytes = ret->cap - ret->len;
        if (free_bytes <= 1) {
            if (ret->len == ret->limit) {
                char byte;
                ssize_t more = read_retry(fd, &byte, 1);
                if (more < 0)
                    return fail_errno(error, path, "cannot read");
                return more == 0 ? SH_OK
                                 : sh_fail(error, SH_E_LIMIT, "%s: larger than %zu bytes", path,
                                           ret->limit);
            }
            sh_err err = sh_buf_reserve(ret, ret->len + 1);
            if (err != SH_OK)
                return sh_fail(error, err, "%s: no memory to read it", path);
            continue;
        }
        ssize_t n = read_retry(fd, ret->data + ret->len, free_bytes - 1);
        if (n < 0)
            return fail_errno(error, path, "cannot read");
        if (n == 0)
            return SH_OK;
        ret->len += (size_t)n;
    }
}

static sh_err read_open_file(int fd, const char *path, sh_buf *ret, sh_file_stamp *stamp,
                             sh_error *error)
{
    struct stat st;
    if (fstat(fd, &st) != 0)
        return fail_errno(error, path, "cannot stat");
    if (!S_ISREG(st.st_mode))
        return sh_fail(error, SH_E_IO, "%s: is not a regular file", path);
    if ((uint64_t)st.st_size > ret->limit - ret->len)
        return sh_fail(error, SH_E_LIMIT, "%s: has %lld bytes, more than the limit of %zu", path,
                       (long long)st.st_size, ret->limit);
    size_t before = ret->len;
    size_t total = before + (size_t)st.st_size;
    /* One byte more: see read_to_end(). */
    sh_err err = sh_buf_reserve(ret, total < ret->limit ? total + 1 : total);
    if (err != SH_OK)
        return sh_fail(error, err, "%s: no memory to read it", path);
    err = read_to_end(fd, path, ret, error);
    if (err != SH_OK)
        return err;
    sh_file_stamp first, last;
    stamp_from_stat(&st, &first);
    if (fstat(fd, &st) != 0)
        return fail_errno(error, path, "cannot stat");
    stamp_from_stat(&st, &last);
    if (!sh_file_stamp_equals(&first, &last) || ret->len - before != last.size)
        return sh_fail(error, SH_E_BUSY, "%s: changed while it was read", path);
    if (stamp != NULL)
        *stamp = last;
    return sh_buf_append(ret, NULL, 0);
}

sh_err sh_file_check_own(int fd, const char *path, sh_error *error)
{
    struct stat st;
    if (fstat(fd, &st) != 0)
        return fail_errno(error, path, "cannot stat");
    if (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))
        return sh_fail(error, SH_E_IO, "%s: is neither a regular file nor a folder", path);
    if (st.st_uid != geteuid() && st.st_uid != 0 && geteuid() != 0)
        return sh_fail(error, SH_E_IO, "%s: belongs to uid %u, but this program runs as uid %u",
                       path, (unsigned)st.st_uid, (unsigned)geteuid());
    return SH_OK;
}

sh_err sh_file_fail_open(const char *path, sh_error *error)
{
    if (errno == ELOOP)
        return sh_fail(error, SH_E_IO,
                       "%s: is a symbolic link, which is not allowed here: remove it", path);
    return fail_errno(error, path, "cannot open");
}

/* flags: additional flags for open(2). */
static sh_err read_file(const char *path, int flags, sh_buf *ret, sh_file_stamp *stamp,
                        sh_error *error)
{
    /* O_NONBLOCK: do not block if path is a FIFO. */
    SH_CLEANUP(sh_close_cleanup) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | flags);
    if (fd < 0)
        return (flags & O_NOFOLLOW) != 0 ? sh_file_fail_open(path, error)
                                         : fail_errno(error, path, "cannot open");
    if ((flags & O_NOFOLLOW) != 0 && sh_file_check_own(fd, path, error) != SH_OK)
        return SH_E_IO;
    size_t before = ret->len;
    sh_err err = read_open_file(fd, path, ret, stamp, error);
    if (err != SH_OK && ret->data != NULL) {
        ret->len = before;
        ret->data[before] = '\0';
    }
    return err;
}

sh_err sh_file_read(const char *path, sh_buf *ret, sh_file_stamp *stamp, sh_error *error)
{
    return read_file(path, 0, ret, stamp, error);
}

sh_err sh_file_read_own(const char *path, sh_buf *ret, sh_error *error)
{
    return read_file(path, O_NOFOLLOW, ret, NULL, error);
}

/* The folder that contains path. */
static sh_err parent_of(const char *path, char ret[static PATH_MAX], sh_error *error)
{
    const char *slash = strrchr(path, '/');
    int len = slash == NULL   ? snprintf(ret, PATH_MAX, ".")
              : slash == path ? snprintf(ret, PATH_MAX, "/")
                              : snprintf(ret, PATH_MAX, "%.*s", (int)(slash - path), path);
    if (len < 0 || len >= PATH_MAX)
        return sh_fail(error, SH_E_IO, "%s: %s", path, strerror(ENAMETOOLONG));
    return SH_OK;
}

/* fsync(2), repeated on EINTR. */
static int fsync_retry(int fd)
{
    int rc;
    do
        rc = fsync(fd);
    while (rc != 0 && errno == EINTR);
    return rc;
}

static sh_err folder_sync(const char *dir, sh_error *error)
{
    SH_CLEANUP(sh_close_cleanup) int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return fail_errno(error, dir, "cannot open");
    /* Some file systems cannot sync a folder and return EINVAL: nothing more can be done. */
    if (fsync_retry(fd) != 0 && errno != EINVAL)
        return sh_fail(error, SH_E_IO, "%s: cannot sync to disk: %s", dir, strerror(errno));
    return SH_OK;
}

static sh_err write_all(int fd, sh_slice content)
{
    while (content.len > 0) {
        ssize_t n = write(fd, content.data, content.len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return SH_E_IO;
        content.data += n;
        content.len -= (size_t)n;
    }
    return SH_OK;
}

/* Creates a temporary file in dir and returns its descriptor, or -1 and errno. */
static int temporary_create(const char *dir, char ret[static PATH_MAX])
{
    int len = snprintf(ret, PATH_MAX, "%s/%s", dir, TEMPORARY_NAME);
    if (len < 0 || len >= PATH_MAX) {
        errno = ENAMETOOLONG;
        return -1;
    }
    return mkostemps(ret, TEMPORARY_SUFFIX_LEN, O_CLOEXEC);
}

/* The message for an errno of a write, with the remedy if the disk is full. */
static const char *words_of_write(int number)
{
    switch (number) {
    case ENOSPC:
        return "No space left on device: make room there";
    case EDQUOT:
        return "Disk quota exceeded: make room there";
    default:
        return strerror(number);
    }
}

sh_err sh_file_write(const char *path, sh_slice content, unsigned mode, sh_error *error)
{
    char dir[PATH_MAX], temporary[PATH_MAX];
    sh_err err = parent_of(path, dir, error);
    if (err != SH_OK)
        return err;
    SH_CLEANUP(sh_close_cleanup) int fd = temporary_create(dir, temporary);
    if (fd < 0)
        return sh_fail(error, SH_E_IO, "%s: cannot create a file in %s: %s", path, dir,
                       words_of_write(errno));
    const char *failed = NULL;
    if (write_all(fd, content) != SH_OK)
        failed = "cannot write";
    else if (fchmod(fd, (mode_t)mode) != 0)
        failed = "cannot set its mode";
    else if (fsync_retry(fd) != 0)
        failed = "cannot sync to disk";
    else if (rename(temporary, path) != 0)
        failed = "cannot replace it";
    if (failed != NULL) {
        int saved = errno;
        (void)unlink(temporary);
        return sh_fail(error, SH_E_IO, "%s: %s: %s", path, failed, words_of_write(saved));
    }
    return folder_sync(dir, error);
}

sh_err sh_file_remove(const char *path, sh_error *error)
{
    if (unlink(path) != 0) {
        if (errno == ENOENT || errno == ENOTDIR)
            return SH_OK;
        return sh_fail(error, SH_E_IO, "%s: cannot remove: %s", path, strerror(errno));
    }
    char dir[PATH_MAX];
    sh_err err = parent_of(path, dir, error);
    return err == SH_OK ? folder_sync(dir, error) : err;
}

sh_err sh_file_move(const char *from, const char *to, sh_error *error)
{
    char from_dir[PATH_MAX], to_dir[PATH_MAX];
    sh_err err = parent_of(from, from_dir, error);
    if (err == SH_OK)
        err = parent_of(to, to_dir, error);
    if (err != SH_OK)
        return err;
    if (rename(from, to) != 0) {
        int saved = errno;
        bool gone = saved == ENOENT && access(from, F_OK) != 0;
        return sh_fail(error, gone ? SH_E_NOT_FOUND : SH_E_IO, "%s: cannot move it to %s: %s", from,
                       to_dir, strerror(saved));
    }
    err = folder_sync(to_dir, error);
    return err == SH_OK ? folder_sync(from_dir, error) : err;
}

static void close_folder(DIR **dir)
{
    if (*dir != NULL)
        (void)closedir(*dir);
}

void sh_folder_remove_temporary(const char *dir, int64_t older_than_s)
{
    SH_CLEANUP(close_folder) DIR *folder = opendir(dir);
    if (folder == NULL)
        return;
    for (struct dirent *e = readdir(folder); e != NULL; e = readdir(folder)) {
        struct stat st;
        if (strlen(e->d_name) == sizeof TEMPORARY_NAME - 1 &&
            strncmp(e->d_name, TEMPORARY_PREFIX, sizeof TEMPORARY_PREFIX - 1) == 0 &&
            fstatat(dirfd(folder), e->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
            S_ISREG(st.st_mode) && sh_clock_unix_ms() / 1000 - st.st_mtim.tv_sec >= older_than_s)
            (void)unlinkat(dirfd(folder), e->d_name, 0);
    }
}

sh_err sh_folder_check_writable(const char *dir, sh_error *error)
{
    struct stat st;
    if (stat(dir, &st) != 0)
        return sh_fail(error, SH_E_IO, "%s: %s", dir,
                       errno == ENOENT ? "no such folder" : strerror(errno));
    if (!S_ISDIR(st.st_mode))
        return sh_fail(error, SH_E_IO, "%s: is not a folder", dir);
    char temporary[PATH_MAX];
    SH_CLEANUP(sh_close_cleanup) int fd = temporary_create(dir, temporary);
    if (fd < 0)
        return sh_fail(error, SH_E_IO, "%s: uid %u cannot create a file in it: %s", dir,
                       (unsigned)geteuid(), words_of_write(errno));
    (void)unlink(temporary);
    return SH_OK;
}

sh_err sh_folder_check_room(const char *dir, sh_error *error)
{
    static const char content[ROOM_BYTES];
    char temporary[PATH_MAX];
    SH_CLEANUP(sh_close_cleanup) int fd = temporary_create(dir, temporary);
    if (fd < 0)
        return sh_fail(error, SH_E_IO, "%s: uid %u cannot create a file in it: %s", dir,
                       (unsigned)geteuid(), words_of_write(errno));
    bool good = write_all(fd, (sh_slice){content, sizeof content}) == SH_OK && fsync_retry(fd) == 0;
    int saved = errno;
    (void)unlink(temporary);
    return good ? SH_OK
                : sh_fail(error, SH_E_IO, "%s: cannot write a file of %d bytes: %s", dir,
                          ROOM_BYTES, words_of_write(saved));
}
