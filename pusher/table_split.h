/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PUSHER_TABLE_SPLIT_H
#define PUSHER_TABLE_SPLIT_H

#include "libcommon/base/buffer.h"
#include "libcommon/base/error.h"
#include "libcommon/base/text.h"
#include "libcommon/crypto/crypto.h"
#include "libcommon/netalertx/table_scan.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Splits a device table that passed sh_table_check() into parts, each a device table with
 * consecutive rows, at most SH_PART_MAX bytes and SH_PART_ROWS_MAX rows. Omits rows that do not fit
 * into a part, as any hub rejects them. The same text is always split in the same way. Pure.
 */
typedef struct {
    sh_table_scan scan;
    sh_table_row row; /* the first of the next part */
    bool more;
    size_t left_out; /* rows so far */
} sh_table_cut;

typedef struct {
    size_t parts;    /* 1 for a table without rows */
    size_t left_out; /* rows */
} sh_table_cut_size;

/* Borrows the table. The errors of sh_table_scan_init() and _next(). */
sh_err sh_table_cut_init(sh_table_cut *cut, sh_slice table, sh_error *error);

/* Returns the rows of the next part as a slice of the table; empty after the last part. */
sh_err sh_table_cut_next(sh_table_cut *cut, sh_slice *rows, sh_error *error);

/* Counts the parts and omitted rows. */
sh_err sh_table_cut_count(sh_slice table, sh_table_cut_size *ret, sh_error *error);

/* Appends the text of a part to *ret. SH_E_LIMIT, SH_E_MEMORY. */
sh_err sh_table_part_write(sh_slice rows, sh_buf *ret);

/* The id of a part, derived from the table's id, so that it is the same in every retry. */
void sh_table_part_id(const uint8_t table[static SH_ID_BYTES], uint32_t part,
                      uint8_t ret[static SH_ID_BYTES]);

#endif
