/* SPDX-License-Identifier: Apache-2.0 */
#include "libcommon/base/utf8.h"
#include "tests/fuzz/fuzz.h"

#include "libcommon/base/cleanup.h"
#include "libcommon/json/json_read.h"
#include "receiver/store/device_row.h"

#include <stdlib.h>
#include <string.h>

/*
 * Device rows: the values are valid for the database and, if Jansson parses the row, too, texts and
 * keys match.
 */

static void check_value(const sh_column *column, sh_value value)
{
    fuzz_assert(!column->not_null || value.kind != SH_VALUE_NULL, "NOT NULL columns are not NULL");
    if (column->kind == SH_COLUMN_BOOLEAN && value.kind == SH_VALUE_INTEGER)
        fuzz_assert(value.integer == 0 || value.integer == 1, "a boolean is 0 or 1");
    if (value.kind == SH_VALUE_TEXT) {
        fuzz_assert(sh_utf8_is_valid(value.text.data, value.text.len), "texts are UTF-8");
        fuzz_assert(memchr(value.text.data, '\0', value.text.len) == NULL, "texts contain no NUL");
    }
}

static void compare(const sh_json *object, const sh_device_row *row)
{
    sh_mac mac;
    const sh_json *key = sh_json_member(object, "devMac");
    fuzz_assert(key != NULL, "a row has a key");
    if (sh_json_kind_of(key) == SH_JSON_STRING)
        fuzz_assert(sh_mac_read(sh_json_text(key), &mac, NULL) == SH_OK &&
                        strcmp(mac.text, sh_device_row_mac(row)->text) == 0,
                    "the key matches Jansson");
    for (size_t i = 0; i < sh_device_columns_count; i++) {
        const sh_column *column = &sh_device_columns[i];
        const sh_json *seen = sh_json_member(object, column->name);
        if (column->kind != SH_COLUMN_TEXT || seen == NULL || strcmp(column->name, "devMac") == 0 ||
            strcmp(column->name, "devSyncHubNode") == 0 ||
            strcmp(column->name, "devParentMAC") == 0 || sh_json_kind_of(seen) != SH_JSON_STRING)
            continue;
        sh_value value = sh_device_row_value(row, i);
        fuzz_assert(value.kind == SH_VALUE_TEXT && sh_slice_equals(value.text, sh_json_text(seen)),
                    "a text matches Jansson");
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = fuzz_copy(data, size);
    SH_CLEANUP(sh_arena_reset) sh_arena arena = {NULL};
    sh_device_row *row = NULL;
    sh_error error = {0};
    sh_err err =
        sh_device_row_read((sh_slice){text, size},
                           &(sh_row_context){sh_device_columns, sh_device_columns_count,
                                             SH_SLICE("node"), "2026-08-22 02:53:00", &arena},
                           &row, &error);
    SH_CLEANUP(sh_json_free_cleanup) sh_json *object = NULL;
    sh_err parsed = sh_json_parse(text, size, &object, NULL);
    free(text); /* the row does not borrow from it */
    fuzz_assert(err == error.code, "an error has a message");
    if (err != SH_OK)
        return 0;
    for (size_t i = 0; i < sh_device_columns_count; i++)
        check_value(&sh_device_columns[i], sh_device_row_value(row, i));
    if (parsed == SH_OK)
        compare(object, row);
    const sh_mac *mac = sh_device_row_mac(row);
    sh_mac again;
    fuzz_assert(mac->len > 0 && strlen(mac->text) == mac->len, "a key is not empty");
    fuzz_assert(sh_mac_read((sh_slice){mac->text, mac->len}, &again, NULL) == SH_OK &&
                    again.len == mac->len && memcmp(again.text, mac->text, mac->len) == 0,
                "normalization is idempotent");
    return 0;
}
