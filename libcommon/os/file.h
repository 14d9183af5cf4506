/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_FILE_H
#define SH_FILE_H

#include "libcommon/base/buffer.h"
#include "libcommon/base/error.h"
#include "libcommon/base/text.h"

#include <stdbool.h>
#include <stdint.h>

/* Tells one state of a file from another: equal only when nothing was written in between. */
typedef struct {
    uint64_t device, inode, size;
    int64_t mtime_ns;
    bool exists;
} sh_file_stamp;

/* The stamp of path now; exists = false where there is none. SH_E_IO for other failures. */
sh_err sh_file_stamp_get(const char *path, sh_file_stamp *ret, sh_error *error);
bool sh_file_stamp_equals(const sh_file_stamp *a, const sh_file_stamp *b);

/*
 * 0 where no later write can leave the very stamp; else in how many ms that is so, at most one tick
 * of the clock that the kernel stamps files by, and 1 ms. What is ahead of that clock was stamped
 * by a finer one (since Linux 6.13, where a file's stamp was looked at before), or by another's.
 */
int64_t sh_file_stamp_settles_ms(const sh_file_stamp *stamp);

/*
 * Adds a regular file's whole content to *ret, whose limit holds, and tells the stamp of what was
 * read (stamp may be NULL). SH_E_NOT_FOUND, SH_E_IO (the message names path and reason),
 * SH_E_LIMIT, and SH_E_BUSY where the file changed while it was read.
 */
sh_err sh_file_read(const char *path, sh_buf *ret, sh_file_stamp *stamp, sh_error *error);

/*
 * As above, for a file that this program has written into a folder that others may write to: a
 * symbolic link is not followed, and the file must belong to this user or to root; root may read
 * anybody's. SH_E_IO.
 */
sh_err sh_file_read_own(const char *path, sh_buf *ret, sh_error *error);

/* SH_E_IO unless fd is a regular file or folder that is our own in that sense. path names it. */
sh_err sh_file_check_own(int fd, const char *path, sh_error *error);

/* Fails with errno after an open(2) of path with O_NOFOLLOW. */
sh_err sh_file_fail_open(const char *path, sh_error *error);

/*
 * Makes path hold exactly content or stay as it was, whatever happens: writes a temporary file
 * beside it, fsync, rename, fsync of the folder. mode is that of the file. SH_E_IO.
 */
sh_err sh_file_write(const char *path, sh_slice content, unsigned mode, sh_error *error);

/*
 * Moves a file to another folder of the same file system, durably. SH_E_NOT_FOUND: there is none at
 * from; SH_E_IO.
 */
sh_err sh_file_move(const char *from, const char *to, sh_error *error);

/* Removes path and makes that durable; a file that is not there is fine. SH_E_IO. */
sh_err sh_file_remove(const char *path, sh_error *error);

/*
 * Removes what sh_file_write() left in dir when its process was killed, if it is older than that.
 * What cannot be removed stays.
 */
void sh_folder_tidy(const char *dir, int64_t older_than_s);

/* SH_E_IO unless dir exists, is a folder, and a file can be made in it. */
sh_err sh_folder_check_writable(const char *dir, sh_error *error);

#endif
