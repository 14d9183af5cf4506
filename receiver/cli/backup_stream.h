/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_BACKUP_STREAM_H
#define RECEIVER_BACKUP_STREAM_H

#include "libcommon/base/error.h"

#include <limits.h>

/*
 * A backup on standard input or output passes through a temporary file, which has room where the
 * database is, or in TMPDIR.
 */
typedef struct {
    int fd;
    char path[PATH_MAX];
} backup_stream;

#define BACKUP_STREAM_INIT                                                                         \
    {                                                                                              \
        .fd = -1                                                                                   \
    }

/* Creates the empty file, mode 0600. SH_E_IO. */
sh_err backup_stream_begin(const char *db, backup_stream *ret, sh_error *error);
/* Fills it from standard input. SH_E_IO. */
sh_err backup_stream_read(backup_stream *stream, sh_error *error);
/* Writes the file that is at its path now to standard output. SH_E_IO. */
sh_err backup_stream_write(backup_stream *stream, sh_error *error);
/* Removes it. For SH_CLEANUP. */
void backup_stream_end(backup_stream *stream);

#endif
