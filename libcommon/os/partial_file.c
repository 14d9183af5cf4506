/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/os/partial_file.h"

#include "libcommon/os/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define OPEN_FLAGS (O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)

static sh_err lock(const sh_partial_file *file, sh_error *error)
{
    struct stat opened, named;
    if (flock(file->fd, LOCK_EX | LOCK_NB) != 0)
        return sh_fail(error, errno == EWOULDBLOCK ? SH_E_BUSY : SH_E_IO, "%s: %s", file->path,
                       errno == EWOULDBLOCK ? "another process is writing it" : strerror(errno));
    /* Another process may have moved it before it was locked. */
    if (fstat(file->fd, &opened) != 0 || lstat(file->path, &named) != 0 ||
        opened.st_ino != named.st_ino || opened.st_dev != named.st_dev)
        return sh_fail(error, SH_E_BUSY, "%s: another process wrote it just now: try again",
                       file->path);
    return SH_OK;
}

sh_err sh_partial_file_begin(const char *path, sh_partial_file *ret, sh_error *error)
{
    *ret = (sh_partial_file)SH_PARTIAL_FILE_INIT;
    int len = snprintf(ret->path, sizeof ret->path, "%s.partial", path);
    if (len < 0 || (size_t)len >= sizeof ret->path)
        return sh_fail(error, SH_E_IO, "%s: %s", path, strerror(ENAMETOOLONG));
    int fd = open(ret->path, OPEN_FLAGS, 0600);
    if (fd < 0 && errno == ELOOP)
        return sh_file_fail_open(ret->path, error);
    if (fd < 0)
        return sh_fail(error, SH_E_IO, "%s: cannot create it: %s", ret->path, strerror(errno));
    ret->fd = fd;
    sh_err err = sh_file_check_own(fd, ret->path, error);
    if (err == SH_OK)
        err = lock(ret, error);
    if (err == SH_OK && (ftruncate(fd, 0) != 0 || fchmod(fd, 0600) != 0))
        err = sh_fail(error, SH_E_IO, "%s: cannot write it: %s", ret->path, strerror(errno));
    if (err != SH_OK) { /* it may be another process's */
        (void)close(fd);
        ret->fd = -1;
    }
    return err;
}

sh_err sh_partial_file_end(sh_partial_file *file, const char *path, sh_error *error)
{
    int rc;
    do
        rc = fsync(file->fd);
    while (rc != 0 && errno == EINTR);
    if (rc != 0)
        return sh_fail(error, SH_E_IO, "%s: cannot sync to disk: %s", file->path, strerror(errno));
    sh_err err = sh_file_move(file->path, path, error);
    if (err != SH_OK)
        return err;
    (void)close(file->fd);
    file->fd = -1;
    return SH_OK;
}

void sh_partial_file_cancel(sh_partial_file *file)
{
    if (file->fd < 0)
        return;
    (void)unlink(file->path);
    (void)close(file->fd);
    file->fd = -1;
}
