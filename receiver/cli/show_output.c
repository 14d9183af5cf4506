/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/cli/show_output.h"

#include "libcommon/base/clock.h"
#include "libcommon/base/text_print.h"
#include "libcommon/base/text_width.h"
#include "libcommon/base/utf8.h"
#include "libcommon/runtime/service.h"
#include "receiver/cli/pager.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

sh_err show_options_read(const show_command *command, int argc, char *const argv[],
                         show_options *ret, sh_error *error)
{
    *ret = (show_options){.json = false};
    for (int i = 0; i < argc; i++) {
        if (strcmp(argv[i], "--json") == 0) {
            ret->json = true;
        } else if (command->takes_node && strncmp(argv[i], "--node=", 7) == 0) {
            ret->node = argv[i] + 7;
        } else if (command->takes_node && strcmp(argv[i], "--node") == 0) {
            if (i + 1 == argc)
                return sh_fail(error, SH_E_CONFIG, "--node needs the name of a node; usage: %s",
                               command->usage);
            ret->node = argv[++i];
        } else {
            return sh_fail(error, SH_E_CONFIG, "unknown argument '%s'; usage: %s", argv[i],
                           command->usage);
        }
    }
    return SH_OK;
}

#define CUT "\u2026" /* an ellipsis, one column wide */

/*
 * Writes text with unprintable characters escaped, at most max columns of it, and returns the
 * number of columns; only counts if out is NULL. A combining character stays with the one before.
 */
static size_t write_clean(FILE *out, sh_slice text, size_t max)
{
    size_t columns = 0;
    for (size_t at = 0, used; at < text.len; at += used) {
        char escape[SH_ESCAPE_BYTES];
        sh_text_escape_one(text.data + at, text.len - at, &used, escape);
        uint32_t code = 0;
        size_t width = strlen(escape);
        if (escape[0] == '\0' && sh_utf8_next((sh_slice){text.data + at, text.len - at}, &code) > 0)
            width = (size_t)sh_code_width(code);
        if (width > max - columns)
            break;
        columns += width;
        if (out != NULL && escape[0] == '\0')
            (void)fwrite(text.data + at, 1, used, out);
        else if (out != NULL)
            (void)fputs(escape, out);
    }
    return columns;
}

size_t show_width(sh_slice text)
{
    return write_clean(NULL, text, SHOW_NO_LIMIT);
}

void show_cell(FILE *out, sh_slice text, size_t width, bool number)
{
    size_t used = write_clean(NULL, text, SHOW_NO_LIMIT);
    int padding = used < width ? (int)(width - used) : 0;
    if (number)
        (void)fprintf(out, "%*s", padding, "");
    (void)write_clean(out, text, SHOW_NO_LIMIT);
    if (!number)
        (void)fprintf(out, "%*s", padding, "");
}

void show_fitted_cell(FILE *out, sh_slice text, size_t width, const show_column *column, bool last)
{
    if (write_clean(NULL, text, SHOW_NO_LIMIT) <= width) {
        show_cell(out, text, last && !column->number ? 0 : width, column->number);
        return;
    }
    size_t used = write_clean(out, text, width - 1);
    (void)fputs(CUT, out);
    if (!last)
        (void)fprintf(out, "%*s", (int)(width - 1 - used), "");
}

static void read_cell(const show_cells *cells, size_t row, size_t column,
                      char ret[static SHOW_CELL_BYTES])
{
    if (row == 0)
        (void)snprintf(ret, SHOW_CELL_BYTES, "%s", cells->columns[column].title);
    else
        cells->cell_of(cells->context, row - 1, column, ret);
}

void show_fit(const show_layout *layout, size_t widths[static SHOW_COLUMNS_MAX], size_t limit)
{
    size_t total = 2 * (layout->count - 1);
    for (size_t i = 0; i < layout->count; i++)
        total += widths[i];
    while (total > limit) {
        size_t widest = layout->count;
        for (size_t i = 0; i < layout->count; i++) {
            size_t least = layout->least_widths == NULL ? SHOW_COLUMN_MIN : layout->least_widths[i];
            if (!layout->columns[i].number && widths[i] > least &&
                (widest == layout->count || widths[i] > widths[widest]))
                widest = i;
        }
        if (widest == layout->count)
            return;
        widths[widest]--;
        total--;
    }
}

size_t show_line_width(FILE *out)
{
    struct winsize size;
    size_t columns = pager_columns(out);
    int fd = fileno(out);
    if (columns > 0)
        return columns;
    if (fd < 0 || isatty(fd) != 1 || ioctl(fd, TIOCGWINSZ, &size) != 0 || size.ws_col == 0)
        return SHOW_NO_LIMIT;
    return size.ws_col;
}

void show_table(FILE *out, const show_cells *cells)
{
    show_table_within(out, cells, show_line_width(out));
}

/* Row 0 has the titles. */
void show_table_within(FILE *out, const show_cells *cells, size_t limit)
{
    size_t widths[SHOW_COLUMNS_MAX] = {0};
    char cell[SHOW_CELL_BYTES];
    assert(cells->column_count > 0 && cells->column_count <= SHOW_COLUMNS_MAX);
    for (size_t row = 0; row <= cells->rows; row++) {
        for (size_t column = 0; column < cells->column_count; column++) {
            read_cell(cells, row, column, cell);
            size_t used = write_clean(NULL, sh_slice_of(cell), SHOW_NO_LIMIT);
            widths[column] = used > widths[column] ? used : widths[column];
        }
    }
    const show_layout layout = {cells->columns, NULL, cells->column_count};
    show_fit(&layout, widths, limit);
    for (size_t row = 0; row <= cells->rows; row++) {
        for (size_t column = 0; column < cells->column_count; column++) {
            read_cell(cells, row, column, cell);
            show_fitted_cell(out, sh_slice_of(cell), widths[column], &cells->columns[column],
                             column + 1 == cells->column_count);
            (void)fputs(column + 1 == cells->column_count ? "\n" : "  ", out);
        }
    }
}

void show_time(int64_t ms, const char *none, char ret[static SHOW_CELL_BYTES])
{
    char text[SH_RFC3339_BYTES] = "";
    if (ms > 0)
        sh_clock_rfc3339(ms, text);
    (void)snprintf(ret, SHOW_CELL_BYTES, "%s", ms > 0 ? text : none);
}

sh_err show_written(FILE *out, bool flush, sh_error *error)
{
    errno = 0;
    if ((flush && fflush(out) != 0) || ferror(out))
        return sh_fail(error, SH_E_IO, "the output could not be written%s%s",
                       errno == 0 ? "" : ": ", errno == 0 ? "" : strerror(errno));
    return SH_OK;
}

int show_failure(const show_command *command, const sh_error *error, FILE *err)
{
    (void)fprintf(err, "synchub-receiver %s: %s\n", command->name, error->message);
    return error->code == SH_E_CONFIG ? SH_EXIT_CONFIG : SH_EXIT_FAILED;
}
