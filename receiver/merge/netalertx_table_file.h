/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_NETALERTX_TABLE_FILE_H
#define RECEIVER_NETALERTX_TABLE_FILE_H

#include "libcommon/base/buffer.h"
#include "libcommon/base/text.h"
#include "receiver/merge/skip_rules.h"

/*
 * Writes a device table in a form that NetAlertX's SYNC plugin can read: without rows that are
 * skipped, have no valid key, or one that looks like a number; with normalized keys and references,
 * with the required keys added, and with values replaced that Python or its database cannot
 * process. The rest is unchanged. SH_E_FORMAT, SH_E_LIMIT: it is not a table; SH_E_MEMORY.
 */
sh_err netalertx_table_file_write(sh_slice text, const skip_rules *skip, sh_buf *ret,
                                  sh_error *error);

#endif
