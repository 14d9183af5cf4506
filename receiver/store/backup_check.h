/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_BACKUP_CHECK_H
#define RECEIVER_BACKUP_CHECK_H

#include "receiver/store/backup_file.h"

/*
 * Reads the file whole, which is open and was at path. SH_E_FORMAT if it is damaged or not a
 * backup, SH_E_CONFIG if it was made by a newer Sync Hub.
 */
sh_err backup_check_file(store *file, const char *path, const backup_progress *progress,
                         backup_summary *ret, sh_error *error);

#endif
