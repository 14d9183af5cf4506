/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_TABLE_ROW_PLACES_H
#define RECEIVER_TABLE_ROW_PLACES_H

#include "libcommon/netalertx/table_scan.h"

#include <stdint.h>

/*
 * The rows of a device table, which one scan finds while the table before is merged. Positions in
 * the text: 36 bytes for each row, 7 MB for the largest table.
 */
typedef struct {
    uint32_t at, len;
} text_place;

typedef struct {
    text_place text, mac, ip, connection;
    uint8_t kind, present;
    bool has_present_key, unclear;
} row_place;

typedef struct {
    row_place *places;
    size_t count, capacity;
} table_rows;

/*
 * Checks a table and finds its rows, in place of earlier ones. SH_E_FORMAT and SH_E_LIMIT as
 * sh_table_check(), SH_E_MEMORY; there are no rows then.
 */
sh_err table_rows_find(table_rows *t, sh_slice text, sh_error *error);

/* The i-th row of the text that was scanned, from 0; borrows from the text. */
sh_table_row table_rows_at(const table_rows *t, const char *text, size_t i);

void table_rows_clear(table_rows *t); /* frees much memory, keeps a little */
void table_rows_reset(table_rows *t); /* frees; zeroed is accepted, and zeroes */

#endif
