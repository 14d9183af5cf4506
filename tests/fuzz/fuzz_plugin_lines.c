/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/base/utf8.h"
#include "tests/fuzz/fuzz.h"

#include "libcommon/netalertx/plugin_lines.h"

#include <stdlib.h>
#include <string.h>

/* Plugin results: each line is returned or rejected, and no field extends beyond its line. */

static void check_line(const char *text, size_t size, const sh_plugin_line *line)
{
    fuzz_assert(line->columns == 9 || line->columns == 13, "a line has 9 or 13 columns");
    for (size_t i = 0; i < SH_PLUGIN_FIELDS; i++) {
        sh_slice field = line->field[i];
        if (i >= line->columns)
            fuzz_assert(field.len == 0, "missing columns are empty");
        if (field.len == 0)
            continue;
        fuzz_assert(field.data >= text && field.data + field.len <= text + size,
                    "a field is inside the text");
        fuzz_assert(memchr(field.data, '\n', field.len) == NULL &&
                        memchr(field.data, '|', field.len) == NULL,
                    "a field ends at a separator");
        fuzz_assert(sh_utf8_is_valid(field.data, field.len), "a field is UTF-8");
    }
    fuzz_assert(line->field[SH_PLUGIN_PRIMARY_ID].len > 0, "a line has a primary id");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = fuzz_copy(data, size);
    sh_error why = {0};
    sh_err checked = sh_plugin_text_check(text, size, &why);
    fuzz_assert(checked == why.code, "an error has a message");
    size_t valid = 0;
    size_t invalid = 0;
    bool more = true;
    sh_plugin_lines lines;
    sh_plugin_lines_init(&lines, text, size);
    while (more) {
        sh_plugin_line line;
        sh_error error = {0};
        sh_err err = sh_plugin_lines_next(&lines, &line, &more, &error);
        if (err == SH_OK && more)
            check_line(text, size, &line);
        valid += err == SH_OK && more;
        invalid += err != SH_OK;
    }
    if (checked == SH_OK)
        fuzz_assert(valid > 0 || invalid == 0, "an accepted result has a valid line or no line");
    free(text);
    return 0;
}
