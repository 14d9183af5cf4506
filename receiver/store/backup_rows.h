/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_BACKUP_ROWS_H
#define RECEIVER_BACKUP_ROWS_H

#include "libcommon/base/error.h"
#include "libcommon/base/limits.h"
#include "libcommon/base/text.h"
#include "receiver/store/device_columns.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Rows of any table of Sync Hub, as a backup moves them between kinds of databases. */

typedef enum { BACKUP_NULL, BACKUP_INTEGER, BACKUP_TEXT, BACKUP_BYTES } backup_kind;

typedef struct {
    backup_kind kind;
    int64_t integer;
    sh_slice bytes; /* of BACKUP_TEXT and BACKUP_BYTES */
} backup_value;

/* A table and those of its columns that are moved. */
typedef struct {
    char name[SH_COLUMN_NAME_BYTES];
    size_t count;
    char columns[SH_COLUMNS_MAX][SH_COLUMN_NAME_BYTES];
} backup_table;

/* values has one for each column of the table, valid during the call. */
typedef sh_err (*backup_each)(void *context, const backup_value values[], sh_error *error);
typedef struct {
    backup_each each;
    void *context;
} backup_reader;

/* Whether the table has this column; *index is its place. */
bool backup_table_column(const backup_table *table, const char *column, size_t *index);

/* --- A backup as a whole --- */

typedef struct {
    int schema_version;
    bool is_of_netalertx; /* it has no devices: they are NetAlertX's */
    bool has_digest;      /* false: made by another program, so only its structure was checked */
    int64_t devices, nodes, credentials;
} backup_summary;

/* Called from time to time during long work, with the rows of a table that are done. */
typedef struct {
    void (*rows)(void *context, const char *table, int64_t rows);
    void *context;
} backup_progress;

#endif
