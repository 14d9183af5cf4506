/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_TABLE_SCAN_H
#define SH_TABLE_SCAN_H

#include "libcommon/base/error.h"
#include "libcommon/base/text.h"
#include "libcommon/netalertx/table_row.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * Splits a device table (`{"data": [ {row}, … ]}`) into rows without building a tree: finds where
 * each row starts and ends, its "devMac" and the state of its device. Does not validate the inside
 * of rows; device_row does.
 */
typedef struct {
    sh_slice text; /* the whole element with its braces; borrowed from the table */
    sh_slice mac;  /* for SH_ROW_MAC_TEXT */
    sh_table_row_kind kind;
    bool too_deep;      /* nested deeper than SH_JSON_DEPTH_MAX, so that it cannot be parsed */
    sh_row_state state; /* see sh_row_state_complete() */
} sh_table_row;

typedef struct {
    const char *at;
    const char *end;
    size_t rows; /* returned so far */
    bool first;
    bool done;
} sh_table_scan;

/*
 * Starts a scan of len bytes at text, which must outlive it. SH_E_FORMAT if the text does not start
 * like a device table.
 */
sh_err sh_table_scan_init(sh_table_scan *scan, const char *text, size_t len, sh_error *error);

/*
 * Returns the next row, or *more = false at the end of a complete table. SH_E_FORMAT if the table
 * is truncated or its brackets do not match, SH_E_LIMIT over SH_ROWS_MAX.
 */
sh_err sh_table_scan_next(sh_table_scan *scan, sh_table_row *row, bool *more, sh_error *error);

/* Scans a whole table and counts its rows; rows may be NULL. SH_E_FORMAT, SH_E_LIMIT. */
sh_err sh_table_check(const char *text, size_t len, size_t *rows, sh_error *error);

/*
 * The same in a time that does not reveal where an error is: reads the text after the error, too.
 */
sh_err sh_table_check_constant_time(const char *text, size_t len, sh_error *error);

/* Takes as long as a check of len bytes, whatever the text is. */
void sh_table_check_dummy(const char *text, size_t len);

#endif
