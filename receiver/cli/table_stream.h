/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RECEIVER_TABLE_STREAM_H
#define RECEIVER_TABLE_STREAM_H

#include "receiver/cli/show_output.h"

/*
 * A table of any number of rows in bounded memory. The first TABLE_STREAM_ROWS rows decide how wide
 * the columns are. If they take longer than TABLE_STREAM_WAIT_MS, the titles are written without
 * them: each column has its usual width, or that of the rows that there are. A later cell that is
 * wider is cut on a terminal; elsewhere only its own line is shifted. Rows are written out within
 * TABLE_STREAM_WAIT_MS, too, so that a search shows what it has found so far.
 */
#define TABLE_STREAM_ROWS 1000
#define TABLE_STREAM_BYTES ((size_t)1024 * 1024) /* of these rows */
#define TABLE_STREAM_WAIT_MS 120

typedef struct table_stream table_stream;

/*
 * layout and the usual width of each column are borrowed; NULL: the first rows are waited for.
 * SH_E_MEMORY.
 */
sh_err table_stream_new(FILE *out, const show_layout *layout, const size_t *usual_widths,
                        table_stream **ret, sh_error *error);
/* Adds a row of as many cells as there are columns. SH_E_MEMORY, SH_E_IO. */
sh_err table_stream_add(table_stream *t, const sh_slice *cells, sh_error *error);
/* Writes what was kept back; without rows nothing, unless the titles are written already. */
sh_err table_stream_end(table_stream *t, sh_error *error);
void table_stream_free(table_stream *t); /* NULL is accepted */

/* For tests: lines of this width, and writes the titles now, as after the wait. */
void table_stream_limit(table_stream *t, size_t width);
void table_stream_flush_titles(table_stream *t);

#endif
