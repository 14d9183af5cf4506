/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/fuzz/fuzz.h"

#include "libcommon/device_row.h"

#include <stdlib.h>
#include <string.h>

/* The row reader: what it lets through is fit for the database. */

static void check_value(const sh_column *column, const sh_value *value)
{
    fuzz_must(!column->not_null || value->kind != SH_VALUE_NULL, "NOT NULL columns hold something");
    if (column->kind == SH_COLUMN_BOOLEAN && value->kind == SH_VALUE_INTEGER)
        fuzz_must(value->integer == 0 || value->integer == 1, "a boolean is 0 or 1");
    if (value->kind == SH_VALUE_TEXT) {
        fuzz_must(sh_utf8_is_valid(value->text.data, value->text.len), "texts are UTF-8");
        fuzz_must(memchr(value->text.data, '\0', value->text.len) == NULL, "no text holds a NUL");
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = fuzz_copy(data, size);
    sh_device_row *row = NULL;
    sh_error error = {0};
    sh_err err =
        sh_device_row_read((sh_slice){text, size}, sh_device_columns, sh_device_columns_count,
                           SH_SLICE("node"), "2026-08-22 02:53:00", &row, &error);
    free(text); /* the row borrows nothing */
    fuzz_must(err == error.code, "a failure has words");
    if (err != SH_OK)
        return 0;
    for (size_t i = 0; i < sh_device_columns_count; i++)
        check_value(&sh_device_columns[i], sh_device_row_value(row, i));
    const sh_mac *mac = sh_device_row_mac(row);
    sh_mac again;
    fuzz_must(mac->len > 0 && strlen(mac->text) == mac->len, "a key is a text");
    fuzz_must(sh_mac_read((sh_slice){mac->text, mac->len}, &again, NULL) == SH_OK &&
                  again.len == mac->len && memcmp(again.text, mac->text, mac->len) == 0,
              "a normalised key stays as it is");
    sh_device_row_free(row);
    return 0;
}
