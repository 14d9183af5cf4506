/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/cli/backup_stream.h"

#include "libcommon/base/cleanup.h"
#include "libcommon/base/limits.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define COPY_BYTES (64 * SH_KIB)

/* Copies until the end of `from`. */
static sh_err copy_all(int from, int to, sh_error *error)
{
    SH_CLEANUP(sh_free_cleanup) char *buffer = malloc(COPY_BYTES);
    if (buffer == NULL)
        return sh_fail(error, SH_E_MEMORY, "out of memory");
    for (;;) {
        ssize_t got = read(from, buffer, COPY_BYTES);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return sh_fail(error, SH_E_IO, "the backup cannot be read: %s", strerror(errno));
        if (got == 0)
            return SH_OK;
        for (ssize_t at = 0; at < got;) {
            ssize_t put = write(to, buffer + at, (size_t)(got - at));
            if (put < 0 && errno != EINTR)
                return sh_fail(error, SH_E_IO, "the backup cannot be written: %s", strerror(errno));
            at += put < 0 ? 0 : put;
        }
    }
}

sh_err backup_stream_begin(const char *db, backup_stream *ret, sh_error *error)
{
    const char *temporary = getenv("TMPDIR");
    SH_CLEANUP(sh_free_cleanup) char *copy = strdup(db);
    if (copy == NULL)
        return sh_fail(error, SH_E_MEMORY, "out of memory");
    const char *folder = strstr(db, "://") == NULL ? dirname(copy)
                         : temporary != NULL       ? temporary
                                                   : "/tmp";
    int len = snprintf(ret->path, sizeof ret->path, "%s/.synchub-XXXXXX.tmp", folder);
    if (len < 0 || (size_t)len >= sizeof ret->path)
        return sh_fail(error, SH_E_IO, "%s: %s", folder, strerror(ENAMETOOLONG));
    ret->fd = mkostemps(ret->path, 4, O_CLOEXEC);
    return ret->fd >= 0 ? SH_OK
                        : sh_fail(error, SH_E_IO, "a file cannot be created in %s: %s", folder,
                                  strerror(errno));
}

sh_err backup_stream_read(backup_stream *stream, sh_error *error)
{
    return copy_all(STDIN_FILENO, stream->fd, error);
}

sh_err backup_stream_write(backup_stream *stream, sh_error *error)
{
    SH_CLEANUP(sh_close_cleanup) int fd = open(stream->path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return sh_fail(error, SH_E_IO, "%s: %s", stream->path, strerror(errno));
    return copy_all(fd, STDOUT_FILENO, error);
}

void backup_stream_end(backup_stream *stream)
{
    if (stream->fd < 0)
        return;
    (void)unlink(stream->path);
    (void)close(stream->fd);
    stream->fd = -1;
}
