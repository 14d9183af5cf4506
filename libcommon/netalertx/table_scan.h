/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SH_TABLE_SCAN_H
#define SH_TABLE_SCAN_H

#include "libcommon/base/error.h"
#include "libcommon/base/text.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * Finds the rows of a device table (`{"data": [ {row}, … ]}`) without
 * building a tree: a string-aware scan for where each row begins and ends and for its "devMac".
 * What is inside a row beyond that is the row reader's to judge.
 */
typedef enum {
    SH_SCAN_MAC_TEXT,    /* mac is the text between the quotes, without any escape */
    SH_SCAN_MAC_UNCLEAR, /* a number, an escape, or twice: ask the row reader */
    SH_SCAN_MAC_NONE,    /* an object without "devMac", or with null */
    SH_SCAN_NO_OBJECT,   /* an element of "data" that is no object */
    SH_SCAN_TOO_DEEP,    /* an object that is nested deeper than SH_JSON_DEPTH_MAX */
} sh_scan_kind;

typedef struct {
    sh_slice text; /* the whole element, braces included; borrowed from the table */
    sh_slice mac;  /* of SH_SCAN_MAC_TEXT */
    sh_scan_kind kind;
} sh_scan_row;

typedef struct {
    const char *at;
    const char *end;
    size_t rows; /* returned so far */
    bool first;
    bool done;
} sh_table_scan;

/*
 * Starts a scan of len bytes at text, which must outlive it. SH_E_FORMAT where the text does not
 * begin like a device table, with the shape that was expected.
 */
sh_err sh_table_scan_init(sh_table_scan *scan, const char *text, size_t len, sh_error *error);

/*
 * Gives the next row, or *more = false at the end of a table that is complete. SH_E_FORMAT where
 * the table is cut or unbalanced, SH_E_LIMIT over SH_ROWS_MAX.
 */
sh_err sh_table_scan_next(sh_table_scan *scan, sh_scan_row *row, bool *more, sh_error *error);

/*
 * Checks a whole table and counts its rows. The errors of the two above; a table that passes can be
 * split into rows to its end.
 */
sh_err sh_table_check(const char *text, size_t len, size_t *rows, sh_error *error);

/*
 * The same check, where its time must not tell how much of the text is a table: what is left behind
 * a fault is read, too.
 */
sh_err sh_table_check_constant_time(const char *text, size_t len, sh_error *error);

/* The work of a check without its result, in a time that depends on len alone. */
void sh_table_check_dummy(const char *text, size_t len);

#endif
