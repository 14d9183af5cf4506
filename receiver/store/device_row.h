/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_DEVICE_ROW_H
#define SH_DEVICE_ROW_H

#include "libcommon/base/error.h"
#include "libcommon/base/limits.h"
#include "libcommon/base/text.h"
#include "libcommon/netalertx/mac.h"
#include "receiver/store/arena.h"

#include <stdbool.h>
#include <stdint.h>

/* What a column of Devices holds. */
typedef enum {
    SH_COLUMN_TEXT,
    SH_COLUMN_INTEGER,
    SH_COLUMN_BOOLEAN,
    SH_COLUMN_DATETIME, /* text, `YYYY-MM-DD HH:MM:SS` */
} sh_column_kind;

/* What a row that lacks the column gets. */
typedef enum {
    SH_DEFAULT_NULL,
    SH_DEFAULT_TEXT,
    SH_DEFAULT_INTEGER,
    SH_DEFAULT_NOW,
} sh_default_kind;

#define SH_COLUMN_NAME_BYTES 64

typedef struct {
    char name[SH_COLUMN_NAME_BYTES];
    sh_column_kind kind;
    bool not_null;
    bool ignore_case;   /* compared without regard to case, by the schema */
    bool text_affinity; /* SQLite's: a number that is stored there becomes text */
    sh_default_kind default_kind;
    char default_text[64];
    int64_t default_integer;
} sh_column;

/* The 49 columns of NetAlertX's Devices, in its order; the first is devMac. */
extern const sh_column sh_device_columns[];
extern const size_t sh_device_columns_count;

/* The known column of that name (case counts, as in JSON keys), or NULL. */
const sh_column *sh_device_column_find(const char *name);

typedef enum {
    SH_VALUE_NULL,
    SH_VALUE_TEXT,
    SH_VALUE_INTEGER,
} sh_value_kind;

typedef struct {
    sh_value_kind kind;
    sh_slice text;   /* of SH_VALUE_TEXT; borrowed from the row */
    int64_t integer; /* of SH_VALUE_INTEGER */
} sh_value;

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
