/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_ROW_READER_H
#define RECEIVER_ROW_READER_H

#include "libcommon/device_row.h"
#include "libcommon/error.h"
#include "libcommon/text.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * Reads rows in a thread of its own, so that one chunk is read while the one before it is inserted.
 */
typedef struct row_reader row_reader;

/* One row to read; ret is NULL where error tells why it was not. */
typedef struct {
    sh_slice text;
    sh_device_row *ret;
    sh_error error;
} row_reader_row;

/* What to read, and how: sh_device_row_read()'s arguments. All is borrowed until the wait is over.
 */
typedef struct {
    row_reader_row *rows;
    size_t count;
    const sh_column *columns;
    size_t columns_count;
    sh_slice node;
    const char *now;
} row_reader_job;

/* SH_E_MEMORY, also where the system gives no thread. */
sh_err row_reader_new(row_reader **ret, sh_error *error);
void row_reader_free(row_reader *r); /* NULL is accepted; no job may be under way */

/* Starts a job; few rows are read at once, as handing them over would take longer. */
void row_reader_start(row_reader *r, const row_reader_job *job);
/* Waits until the job that was started last is done. */
void row_reader_wait(row_reader *r);

#endif
