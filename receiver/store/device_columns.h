/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_DEVICE_COLUMNS_H
#define RECEIVER_DEVICE_COLUMNS_H

#include "libcommon/base/text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The type of a column of Devices. */
typedef enum {
    SH_COLUMN_TEXT,
    SH_COLUMN_INTEGER,
    SH_COLUMN_BOOLEAN,
    SH_COLUMN_DATETIME, /* text, `YYYY-MM-DD HH:MM:SS` */
} sh_column_kind;

/* The default of a column. */
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
    bool ignore_case;   /* case-insensitive by the schema */
    bool text_affinity; /* SQLite converts stored numbers to text */
    sh_default_kind default_kind;
    char default_text[64];
    int64_t default_integer;
} sh_column;

/* The columns of NetAlertX's Devices, in its order; the first is devMac. */
extern const sh_column sh_device_columns[];
extern const size_t sh_device_columns_count;

/* The column with this name (case-sensitive, as JSON keys are), or NULL. */
const sh_column *sh_device_column_find(const char *name);

typedef enum {
    SH_VALUE_NULL,
    SH_VALUE_TEXT,
    SH_VALUE_INTEGER,
} sh_value_kind;

typedef struct {
    sh_value_kind kind;
    sh_slice text;   /* for SH_VALUE_TEXT; borrowed from the row */
    int64_t integer; /* for SH_VALUE_INTEGER */
} sh_value;

#endif
