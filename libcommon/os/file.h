/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_FILE_H
#define SH_FILE_H

#include "libcommon/base/buffer.h"
#include "libcommon/base/error.h"
#include "libcommon/base/text.h"

#include <stdbool.h>
#include <stdint.h>

/* Identifies a version of a file, to detect changes. */
typedef struct {
    uint64_t device, inode, size;
    int64_t mtime_ns;
    bool exists;
} sh_file_stamp;

/* The current stamp of path; exists = false if there is no such file. SH_E_IO. */
sh_err sh_file_stamp_get(const char *path, sh_file_stamp *ret, sh_error *error);
bool sh_file_stamp_equals(const sh_file_stamp *a, const sh_file_stamp *b);

/*
 * mtime advances in ticks, so a write in the same tick as the stamp can leave it unchanged. Returns
 * 0 if every later write changes the stamp, else after how many ms that is true (at most one tick
 * and 1 ms). An mtime ahead of the kernel's clock comes from a finer one (Linux 6.13) or from
 * another host, and needs no wait.
 */
int64_t sh_file_stamp_settle_ms(const sh_file_stamp *stamp);

/*
 * Appends the content of a regular file to *ret and sets *stamp (may be NULL) to the stamp of that
 * content. SH_E_NOT_FOUND, SH_E_IO, SH_E_LIMIT over the buffer's limit, SH_E_BUSY if the file
 * changed while it was read, SH_E_MEMORY. A failure leaves *ret unchanged.
 */
sh_err sh_file_read(const char *path, sh_buf *ret, sh_file_stamp *stamp, sh_error *error);

/*
 * As sh_file_read(), for a file of this program in a folder that others can write to: rejects
 * symbolic links and files that belong to neither this user nor root with SH_E_IO. Root may read
 * any user's files.
 */
sh_err sh_file_read_own(const char *path, sh_buf *ret, sh_error *error);

/* SH_E_IO unless fd is a regular file or folder with an owner as above. path is for the message. */
sh_err sh_file_check_own(int fd, const char *path, sh_error *error);

/* Sets *error from errno after a failed open(2) of path with O_NOFOLLOW. */
sh_err sh_file_fail_open(const char *path, sh_error *error);

/*
 * Replaces the content of path atomically and durably: writes a temporary file in the same folder,
 * fsync, rename, fsync of the folder. SH_E_IO.
 */
sh_err sh_file_write(const char *path, sh_slice content, unsigned mode, sh_error *error);

/*
 * Moves a file within a file system, durably. SH_E_NOT_FOUND if from does not exist; SH_E_IO.
 */
sh_err sh_file_move(const char *from, const char *to, sh_error *error);

/* Removes path durably. Succeeds if there is no such file. SH_E_IO. */
sh_err sh_file_remove(const char *path, sh_error *error);

/*
 * Removes temporary files of at least this age from dir, which sh_file_write() leaves behind when
 * its process is killed. Ignores errors.
 */
void sh_folder_remove_temporary(const char *dir, int64_t older_than_s);

/* SH_E_IO unless dir is an existing folder in which a file can be created. */
sh_err sh_folder_check_writable(const char *dir, sh_error *error);
/* SH_E_IO if its disk has no room for a small file. Writes and removes one. */
sh_err sh_folder_check_room(const char *dir, sh_error *error);

#endif
