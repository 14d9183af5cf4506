/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BENCH_ROWS_H
#define BENCH_ROWS_H

#include "receiver/store/device_row.h"

#include <sqlite3.h>
#include <stddef.h>

/* Rows that are parsed already, and the bare insert that takes them. */
typedef struct {
    sh_device_row **rows;
    size_t count;
    sh_arena memory;
} bench_rows;

/* Devices first to first + count - 1, as the hub reads them from node. */
void bench_rows_read(size_t first, size_t count, const char *node, bench_rows *ret);
void bench_rows_reset(bench_rows *rows);

/* The insert of all columns that the hub uses too. */
sqlite3_stmt *bench_rows_prepare(sqlite3 *db);
void bench_rows_bind(sqlite3_stmt *insert, const sh_device_row *row);

#endif
