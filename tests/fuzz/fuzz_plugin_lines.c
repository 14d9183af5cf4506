/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/base/utf8.h"
#include "tests/fuzz/fuzz.h"

#include "libcommon/netalertx/plugin_lines.h"

#include <stdlib.h>
#include <string.h>

/* Plugin results: every line is given or set aside, and no field reaches beyond its line. */

static void check_line(const char *text, size_t size, const sh_plugin_line *line)
{
    fuzz_must(line->columns == 9 || line->columns == 13, "a line has 9 or 13 columns");
    for (size_t i = 0; i < SH_PLUGIN_FIELDS; i++) {
        sh_slice field = line->field[i];
        if (i >= line->columns)
            fuzz_must(field.len == 0, "fields that are not there are empty");
        if (field.len == 0)
            continue;
        fuzz_must(field.data >= text && field.data + field.len <= text + size,
                  "a field lies in the text");
        fuzz_must(memchr(field.data, '\n', field.len) == NULL &&
                      memchr(field.data, '|', field.len) == NULL,
                  "a field ends where it ends");
        fuzz_must(sh_utf8_is_valid(field.data, field.len), "a field is UTF-8");
    }
    fuzz_must(line->field[SH_PLUGIN_PRIMARY_ID].len > 0, "a line has a primary id");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = fuzz_copy(data, size);
    sh_error why = {0};
    sh_err checked = sh_plugin_text_check(text, size, &why);
    fuzz_must(checked == why.code, "a failure has words");
    size_t good = 0;
    size_t bad = 0;
    bool more = true;
    sh_plugin_lines lines;
    sh_plugin_lines_init(&lines, text, size);
    while (more) {
        sh_plugin_line line;
        sh_error error = {0};
        sh_err err = sh_plugin_lines_next(&lines, &line, &more, &error);
        if (err == SH_OK && more)
            check_line(text, size, &line);
        good += err == SH_OK && more;
        bad += err != SH_OK;
    }
    if (checked == SH_OK)
        fuzz_must(good > 0 || bad == 0, "a result that passes has a good line or none at all");
    free(text);
    return 0;
}
