/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver/cli/show_output.h"

#include "libcommon/base/clock.h"
#include "libcommon/base/text_print.h"
#include "libcommon/base/text_width.h"
#include "libcommon/base/utf8.h"
#include "libcommon/json/json_write.h"
#include "libcommon/runtime/service.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#define SHOW_COLUMNS_MAX 16

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

/*
 * Writes text with unprintable characters escaped, and returns the number of columns; only
 * counts if out is NULL.
 */
static size_t write_clean(FILE *out, sh_slice text)
{
    size_t columns = 0;
    for (size_t at = 0, used; at < text.len; at += used) {
        char escape[SH_ESCAPE_BYTES];
        sh_text_escape_one(text.data + at, text.len - at, &used, escape);
        if (out != NULL && escape[0] == '\0')
            (void)fwrite(text.data + at, 1, used, out);
        else if (out != NULL)
            (void)fputs(escape, out);
        uint32_t code = 0;
        if (escape[0] != '\0')
            columns += strlen(escape);
        else if (sh_utf8_next((sh_slice){text.data + at, text.len - at}, &code) > 0)
            columns += (size_t)sh_code_width(code);
    }
    return columns;
}

size_t show_width(sh_slice text)
{
    return write_clean(NULL, text);
}

void show_cell(FILE *out, sh_slice text, size_t width, bool number)
{
    size_t used = write_clean(NULL, text);
    int padding = used < width ? (int)(width - used) : 0;
    if (number)
        (void)fprintf(out, "%*s", padding, "");
    (void)write_clean(out, text);
    if (!number)
        (void)fprintf(out, "%*s", padding, "");
}

/* Pass 0 measures, pass 1 writes; row 0 has the titles. */
void show_table(FILE *out, const show_cells *cells)
{
    const show_column *columns = cells->columns;
    size_t column_count = cells->column_count;
    size_t widths[SHOW_COLUMNS_MAX] = {0};
    char cell[SHOW_CELL_BYTES];
    assert(column_count <= SHOW_COLUMNS_MAX);
    for (int pass = 0; pass < 2; pass++) {
        for (size_t row = 0; row <= cells->rows; row++) {
            for (size_t column = 0; column < column_count; column++) {
                if (row == 0)
                    (void)snprintf(cell, sizeof cell, "%s", columns[column].title);
                else
                    cells->cell_of(cells->context, row - 1, column, cell);
                size_t used = write_clean(NULL, sh_slice_of(cell));
                if (pass == 0 && used > widths[column] && column + 1 < column_count)
                    widths[column] = used;
                if (pass == 0)
                    continue;
                if (column > 0)
                    (void)fputs("  ", out);
                show_cell(out, sh_slice_of(cell), widths[column], columns[column].number);
            }
            if (pass == 1)
                (void)fputc('\n', out);
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

sh_err show_json_time(sh_buf *json, const char *key, int64_t ms)
{
    if (ms > 0)
        return sh_json_write_member_integer(json, key, ms);
    return sh_buf_append_format(json, ",\"%s\":null", key);
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
