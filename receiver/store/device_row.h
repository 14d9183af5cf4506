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

/* A device to insert: a value for each column of the hub's table. */
typedef struct sh_device_row sh_device_row;

/* What the rows of a table are read with. */
typedef struct {
    const sh_column *columns;
    size_t count;    /* of the columns */
    sh_slice node;   /* that sent the table */
    const char *now; /* `YYYY-MM-DD HH:MM:SS` */
    sh_arena *arena; /* for the row */
} sh_row_context;

/*
 * Reads a row's JSON text for a table of these columns (with or without devMac and
 * devSyncHubNode) by the merge rules: ignores unknown keys, uses defaults for missing columns and
 * values that cannot be stored, stores other values as NetAlertX's database does (device_value.h),
 * normalizes devParentMAC, and sets devSyncHubNode to the node. The context is borrowed during the
 * call only.
 * SH_E_FORMAT or SH_E_LIMIT, with the reason, if the row must be rejected: it has no valid key, is
 * not JSON, or exceeds a limit; SH_E_MEMORY.
 */
sh_err sh_device_row_read(sh_slice json, const sh_row_context *context, sh_device_row **ret,
                          sh_error *error);

const sh_mac *sh_device_row_mac(const sh_device_row *row);
/* The value for columns[index] of the call that read the row; devMac's is the normalized key. */
sh_value sh_device_row_value(const sh_device_row *row, size_t index);

/*
 * The number of values that could not be stored and became the column's default or NULL; ret
 * describes the first one with column and reason, without the value. columns are those of the call
 * that read the row.
 */
#define SH_ROW_REPLACED_BYTES (SH_COLUMN_NAME_BYTES + 96)
size_t sh_device_row_replaced(const sh_device_row *row, const sh_column *columns,
                              char ret[static SH_ROW_REPLACED_BYTES]);

#endif
