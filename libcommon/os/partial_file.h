/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_PARTIAL_FILE_H
#define SH_PARTIAL_FILE_H

#include "libcommon/base/error.h"

#include <limits.h>

/*
 * A file that is written by others under the name `PATH.partial` and then moved to PATH, durably:
 * PATH is either complete or unchanged. A partial file that a killed process left is overwritten.
 */
typedef struct {
    int fd;
    char path[PATH_MAX]; /* of the partial file */
} sh_partial_file;

#define SH_PARTIAL_FILE_INIT                                                                       \
    {                                                                                              \
        .fd = -1                                                                                   \
    }

/*
 * Creates PATH.partial, empty, mode 0600 and locked. SH_E_BUSY if another process writes it;
 * SH_E_IO.
 */
sh_err sh_partial_file_begin(const char *path, sh_partial_file *ret, sh_error *error);
/* Moves it to path. On failure call sh_partial_file_cancel(). SH_E_IO. */
sh_err sh_partial_file_end(sh_partial_file *file, const char *path, sh_error *error);
/* Removes it, unless it was moved. For SH_CLEANUP. */
void sh_partial_file_cancel(sh_partial_file *file);

#endif
