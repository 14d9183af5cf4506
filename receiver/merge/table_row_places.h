/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_TABLE_ROW_PLACES_H
#define RECEIVER_TABLE_ROW_PLACES_H

#include "libcommon/base/buffer.h"
#include "libcommon/base/limits.h"
#include "libcommon/netalertx/mac.h"
#include "libcommon/netalertx/table_scan.h"

#include <stdint.h>

/*
 * The rows of a device table, which one scan finds while the table before is merged. What merging
 * needs of a known device is copied out of the text, as the thread that merges would wait for it:
 * another core has read it. Positions, and the number of a MAC, take 48 bytes for each row, 10 MB
 * for the largest table, and addresses at most 13; those of a text over TEXT_AHEAD_MAX stay in it.
 */
#define TEXT_AHEAD_MAX (16 * SH_MIB) /* larger texts are not decoded in advance */

typedef struct {
    uint32_t at, len;
} text_place;

typedef struct {
    text_place text, mac, ip, connection;
    uint64_t mac_number; /* see sh_mac.number */
    uint8_t kind, present;
    bool has_present_key, unclear;
    bool ip_is_apart; /* in table_rows.ips, otherwise in the text */
} row_place;

typedef struct {
    row_place *places;
    size_t count, capacity;
    sh_buf ips;
} table_rows;

/*
 * Checks a table and finds its rows, in place of earlier ones. SH_E_FORMAT and SH_E_LIMIT as
 * sh_table_check(), SH_E_LIMIT also over rows_max, SH_E_MEMORY; there are no rows then.
 */
sh_err table_rows_find(table_rows *t, sh_slice text, size_t rows_max, sh_error *error);

/* The i-th row of the text that was scanned, from 0; borrows from the text and from t. */
sh_table_row table_rows_at(const table_rows *t, const char *text, size_t i);

/* The key of the i-th row, which is of SH_ROW_MAC_TEXT. The errors of sh_mac_read(). */
sh_err table_rows_mac(const table_rows *t, const char *text, size_t i, sh_mac *ret,
                      sh_error *error);

void table_rows_clear(table_rows *t); /* frees much memory, keeps a little */
void table_rows_reset(table_rows *t); /* frees; zeroed is accepted, and zeroes */

#endif
