/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BENCH_ROWS_H
#define BENCH_ROWS_H

#include "receiver/store/device_row.h"

#include <sqlite3.h>
#include <stddef.h>

/* Parsed rows, and the INSERT statement for them. */
typedef struct {
    sh_device_row **rows;
    size_t count;
    sh_arena memory;
} bench_rows;

/* Generates and parses the devices first to first + count - 1 of a node. */
void bench_rows_read(size_t first, size_t count, const char *node, bench_rows *ret);
void bench_rows_reset(bench_rows *rows);

/* Prepares an INSERT of all columns, like the hub's. */
sqlite3_stmt *bench_rows_prepare(sqlite3 *db);
void bench_rows_bind(sqlite3_stmt *insert, const sh_device_row *row);

#endif
