/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_SHOW_OUTPUT_H
#define RECEIVER_SHOW_OUTPUT_H

#include "libcommon/base/error.h"
#include "libcommon/base/limits.h"
#include "libcommon/base/text.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* Arguments, tables and errors of the read-only subcommands. */

typedef struct {
    const char *name;  /* the subcommand, for messages */
    const char *usage; /* `devices [--node N] [--json]` */
    bool takes_node;
} show_command;

typedef struct {
    bool json;
    const char *node; /* NULL: all; borrowed from argv */
} show_options;

/* Parses the arguments after the subcommand's name. SH_E_CONFIG, with the usage in the message. */
sh_err show_options_read(const show_command *command, int argc, char *const argv[],
                         show_options *ret, sh_error *error);

/*
 * Writes text padded with spaces to `width` columns, right-aligned if it is a number. Escapes
 * control characters and bytes that are not UTF-8: names come from other machines and must not
 * control the reader's terminal.
 */
void show_cell(FILE *out, sh_slice text, size_t width, bool number);

/* How many columns show_cell() writes without padding. */
size_t show_width(sh_slice text);

#define SHOW_CELL_BYTES 801
#define SHOW_COLUMNS_MAX 16
#define SHOW_NO_LIMIT SIZE_MAX /* of a line */

typedef struct {
    const char *title;
    bool number; /* right-aligned, never cut */
} show_column;

/*
 * Writes text as show_cell() does, but cut to width columns with an ellipsis; the last column of a
 * line is not padded.
 */
void show_fitted_cell(FILE *out, sh_slice text, size_t width, const show_column *column, bool last);

/* The columns of a table, and how wide each is at least; NULL: SHOW_COLUMN_MIN. */
typedef struct {
    const show_column *columns;
    const size_t *least_widths;
    size_t count;
} show_layout;

/*
 * Narrows the widest columns until lines with two spaces between columns fit, but none to less than
 * its least width, nor numbers.
 */
void show_fit(const show_layout *layout, size_t widths[static SHOW_COLUMNS_MAX], size_t limit);

/* The width of the terminal that out is, or that its pager has; SHOW_NO_LIMIT if there is none. */
size_t show_line_width(FILE *out);

/* Writes one cell's text. */
typedef void (*show_cell_of)(void *context, size_t row, size_t column,
                             char ret[static SHOW_CELL_BYTES]);

typedef struct {
    const show_column *columns;
    size_t column_count, rows;
    show_cell_of cell_of;
    void *context;
} show_cells;

/*
 * Writes titles and rows in columns as wide as necessary; the last column is not padded. If out is
 * a terminal, texts are cut with an ellipsis so that lines fit, but not to less than
 * SHOW_COLUMN_MIN columns.
 */
#define SHOW_COLUMN_MIN 6
void show_table(FILE *out, const show_cells *cells);
/* The same for lines of this width. */
void show_table_within(FILE *out, const show_cells *cells, size_t limit);

/* Formats a Unix time as RFC 3339 in UTC, or as `none` if ms is 0. */
void show_time(int64_t ms, const char *none, char ret[static SHOW_CELL_BYTES]);

/* SH_E_IO if writing to out failed; flushes its buffer first if `flush` is true. */
sh_err show_written(FILE *out, bool flush, sh_error *error);

/* Writes a failure to err and returns the exit code for it. */
int show_failure(const show_command *command, const sh_error *error, FILE *err);

#endif
