/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_DEVICE_ROW_H
#define SH_DEVICE_ROW_H

#include "libcommon/base/error.h"
#include "libcommon/base/limits.h"
#include "libcommon/base/text.h"
#include "libcommon/netalertx/mac.h"
#include "receiver/store/arena.h"
#include "receiver/store/device_columns.h"

#include <stdbool.h>
#include <stdint.h>

/* One device, ready to be inserted: a value for each column of the hub's table. */
typedef struct sh_device_row sh_device_row;

/*
 * Reads one row's JSON text for a table of `count` columns (devMac and devSyncHubNode among them or
 * not), by the merge rules: unknown keys ignored, missing columns defaulted, every other value as
 * NetAlertX's own database stores it (device_value.h), one that cannot be stored as the default,
 * devParentMAC spelled as keys are, devSyncHubNode = node. now is `YYYY-MM-DD HH:MM:SS`. The
 * columns, node and now are copied or borrowed only during the call; the row lives in the arena.
 * SH_E_FORMAT or SH_E_LIMIT with the reason why the row must be rejected: it has no valid key, is
 * no JSON, or over a limit; SH_E_MEMORY.
 */
sh_err sh_device_row_read(sh_slice json, const sh_column *columns, size_t count, sh_slice node,
                          const char *now, sh_arena *arena, sh_device_row **ret, sh_error *error);

const sh_mac *sh_device_row_mac(const sh_device_row *row);
/* The value for columns[index] of the call that read the row; devMac's is the normalised key. */
sh_value sh_device_row_value(const sh_device_row *row, size_t index);

/*
 * Counts the values that could not be stored and became the column's default or NULL; ret tells of
 * the first one, naming column and reason, never the value. columns are those of the call that read
 * the row.
 */
#define SH_ROW_REPLACED_BYTES (SH_COLUMN_NAME_BYTES + 96)
size_t sh_device_row_replaced(const sh_device_row *row, const sh_column *columns,
                              char ret[static SH_ROW_REPLACED_BYTES]);

#endif
