/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_HANDOVER_TABLE_H
#define RECEIVER_HANDOVER_TABLE_H

#include "libcommon/base/buffer.h"
#include "libcommon/base/text.h"
#include "receiver/merge/skip_set.h"

/*
 * Writes a device table as NetAlertX's SYNC plugin can read it: without rows that are skipped or
 * have no valid key, keys and references in their usual spelling, the keys that it cannot do
 * without added, and values that Python or its database cannot take replaced. All else stays as it
 * is. SH_E_FORMAT, SH_E_LIMIT: it is not a table; SH_E_MEMORY.
 */
sh_err handover_table_write(sh_slice text, const skip_set *skip, sh_buf *ret, sh_error *error);

#endif
